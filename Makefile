# One place for every command. `make run` and `make test` are all a newcomer needs.
VENV ?= .venv
PORT ?= 8000
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: run test check format bench faults model docs constraints clean

run: $(VENV)/.installed ## the demonstration, in a browser
	$(BIN)/amends run --demo --port $(PORT)

test: check ## everything a change must pass
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not slow"

check: $(VENV)/.tools ## format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: $(VENV)/.tools
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

faults: $(VENV)/.tools ## the long fault run: 200 kills on each database
	AMENDS_KILLS=200 $(BIN)/python -m pytest tests/test_kill.py --timeout 3600 -s

bench: $(VENV)/.tools ## figures, as ratios measured side by side
	$(BIN)/python -m tests.bench

docs: $(VENV)/.tools ## the screenshots of the README, made again
	$(BIN)/python -m tests.screenshots

model: $(VENV)/.train ## train the shipped model again: make model DATA="file.jsonl.gz …"
	@test -n "$(DATA)" || { echo 'make model DATA="FILE…": name the labelled rows (docs/model-card.md)'; exit 2; }
	$(BIN)/python -m classifiers.train --data $(DATA) --out classifiers/model --card docs/model-card.md

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: apt-get install python3 python3-venv"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed"; exit 1; }
	$(PYTHON) -m venv $(VENV) || { echo "apt-get install python3-venv"; rm -rf $(VENV); exit 1; }

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/pip install --quiet --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.tools: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[test]"
	@touch $@ $(VENV)/.installed

$(VENV)/.train: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[train]"
	@touch $@

constraints: ## write constraints.txt anew, on Python 3.11 in an empty environment
	rm -rf build/constraints && $(PYTHON) -m venv build/constraints
	build/constraints/bin/pip install --quiet --editable ".[test]"
	{ echo "# Made by 'make constraints' on Python 3.11."; build/constraints/bin/pip freeze --exclude-editable; } > constraints.txt
	rm -rf build/constraints

clean:
	rm -rf $(VENV) build .mypy_cache .ruff_cache .pytest_cache .hypothesis
