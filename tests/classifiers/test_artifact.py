"""A folder that is not what it says it is."""

import json
import shutil
from pathlib import Path

import pytest

from classifiers.artifact import SHIPPED, open_artifact, write_about
from classifiers.transformer import Transformer
from domain.errors import Invalid

SMALL = ("model.json", "tokenizer.json", "tokenizer_config.json", "NOTICE")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A folder with the shipped description and tokenizer, and a link to the network."""
    for name in SMALL:
        shutil.copyfile(SHIPPED / name, tmp_path / name)
    (tmp_path / "model.onnx").symlink_to(SHIPPED / "model.onnx")
    return tmp_path


def test_the_shipped_folder_is_whole_small_and_says_who_it_is() -> None:
    artifact = open_artifact(SHIPPED)
    sizes = [path.stat().st_size for path in SHIPPED.iterdir()]
    assert artifact.model == f"{artifact.name}@{artifact.version}"
    assert sum(sizes) <= 100_000_000 and max(sizes) <= 95_000_000
    assert "MIT" in (SHIPPED / "NOTICE").read_text("utf-8")


def test_a_changed_file_is_named(copy: Path) -> None:
    (copy / "tokenizer.json").write_text("{}")
    with pytest.raises(Invalid, match=r"tokenizer\.json: the file is not what model\.json says"):
        Transformer.load(copy)


def test_a_missing_network_is_named(copy: Path) -> None:
    (copy / "model.onnx").unlink()
    with pytest.raises(Invalid, match=r"model\.onnx: cannot be read"):
        Transformer.load(copy)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"name": "x"}', '{"sha256": 3}'])
def test_a_broken_description_is_named(copy: Path, content: str) -> None:
    (copy / "model.json").write_text(content)
    with pytest.raises(Invalid, match=r"model\.json"):
        Transformer.load(copy)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"model\.json: cannot be read"):
        Transformer.load(tmp_path / "nowhere")


def test_files_that_match_but_are_no_model(copy: Path) -> None:
    about = json.loads((copy / "model.json").read_text("utf-8"))
    (copy / "model.onnx").unlink()
    (copy / "model.onnx").write_bytes(b"not a network")
    write_about(copy, about)
    with pytest.raises(Invalid, match=r"model\.onnx: not a network"):
        Transformer.load(copy)
    (copy / "tokenizer.json").write_text("{}")
    write_about(copy, about)
    with pytest.raises(Invalid, match=r"tokenizer\.json: not a tokenizer"):
        Transformer.load(copy)
