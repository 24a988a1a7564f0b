"""What follows the fine-tuning: export, calibrate, evaluate beside the rivals, measure, write artifact and card."""

import json
import random
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from classifiers.artifact import open_artifact, write_about
from classifiers.baseline import Rules
from classifiers.calibrate import Calibration, Costs, Platt
from classifiers.card import card
from classifiers.evaluate import evaluate
from classifiers.export import difference, export
from classifiers.language import Detector
from classifiers.network import OUTPUTS
from classifiers.notice import SOURCES, notice
from classifiers.reader import Reader
from classifiers.rival import Rival
from classifiers.rows import OWN, Row
from classifiers.rules import alarms
from classifiers.speed import measure, steadiness
from classifiers.transformer import Transformer
from classifiers.tune import tune

if TYPE_CHECKING:
    from classifiers.train import Plan

NAME = "amends-small"
WINDOW = 64
NOT_ABOUT_A_FIRM = ("xed", "norec_sentence", "finnsentiment", "ltec", "wccrs", "maalej")


def finish(rows: Sequence[Row], base: Path, work: Path, plan: "Plan", *, version: str) -> str:
    """Make `work/model` (the artifact) and `work/figures.json` from `work/weights.pt`; return the model card."""
    folder, whole = work / "model", work / "model-fp32.onnx"
    shutil.rmtree(folder, ignore_errors=True)
    export(base, work / "weights.pt", folder, whole=whole)
    about = _about(rows, base, work, plan, version)
    _describe(folder, about, Calibration({"*": Platt()}, {"*": 1.0}, Costs().band))
    calibration = tune(Reader(open_artifact(folder)), rows, Costs())
    about = _describe(folder, about, calibration)
    print("calibrated", json.dumps(about["calibration"]), flush=True)
    classifier = Transformer.load(folder)
    held_out = [row for row in rows if row.part == "held-out" and (row.complaint is not None or row.sentiment)]
    texts = [row.text for row in random.Random(5).sample(held_out, min(400, len(held_out)))]
    figures: dict[str, Any] = {
        "held_out": [evaluate(classifier, held_out)],
        "compared": evaluate(classifier, _some(held_out)),
        "tuned": evaluate(classifier, [row for row in rows if row.part == "calibrate" and row.source == OWN]),
        "whole": evaluate(_in_full(folder, whole, work), _some(held_out)),
        "speed": measure(folder, base, work / "weights.pt", texts),
        "steady": steadiness(classifier, texts[:300]),
        "size": _sizes(folder, whole),
        "alarmed": false_alarms(rows),
    }
    print("evaluated", json.dumps(figures["held_out"][0]["groups"]), flush=True)
    figures["held_out"] += rivals(rows, held_out, work / "rivals.json")
    (work / "figures.json").write_text(json.dumps({"about": about, **figures}, indent=1), "utf-8")
    return card(about, rows, **figures)


def rivals(rows: Sequence[Row], held_out: Sequence[Row], kept: Path) -> list[dict[str, Any]]:
    """Return the figures of the rival and of the rules on the held-out rows; kept in a file: they take minutes."""
    if kept.exists():
        found: list[dict[str, Any]] = json.loads(kept.read_text("utf-8"))
    else:
        found = [evaluate(each, held_out) for each in (Rival(rows), Rules(Detector()))]
        kept.write_text(json.dumps(found), "utf-8")
    return found


def _some(held_out: Sequence[Row]) -> list[Row]:
    """Return what the slow 32-bit network is compared on: every complaint label, and 2,000 other rows."""
    others = [row for row in held_out if row.complaint is None]
    return [row for row in held_out if row.complaint is not None] + random.Random(6).sample(
        others, min(2000, len(others))
    )


def false_alarms(rows: Sequence[Row]) -> dict[str, Any]:
    """Return how often a safety rule fires on rows that are no complaints, pooled and in the worst language."""
    seen: Counter[str] = Counter()
    fired: Counter[str] = Counter()
    for row in rows:
        if row.source != OWN and (row.complaint is False or (row.complaint is None and row.source in NOT_ABOUT_A_FIRM)):
            seen[row.lang] += 1
            fired[row.lang] += bool(alarms(row.text))
    worst = max(seen, key=lambda lang: fired[lang] / seen[lang])
    share = fired.total() / max(1, seen.total())
    return {"rows": seen.total(), "share": share, "worst": worst, "worst_share": fired[worst] / seen[worst]}


def _about(rows: Sequence[Row], base: Path, work: Path, plan: "Plan", version: str) -> dict[str, Any]:
    saved = torch.load(work / "checkpoint.pt", map_location="cpu", weights_only=False)
    used = {row.source for row in rows if row.complaint is not None or row.sentiment is not None}
    training = {**asdict(plan), "examples_seen": saved["step"] * plan.batch, "minutes": round(saved["seconds"] / 60, 1)}
    return {
        "name": NAME,
        "version": version,
        "window": WINDOW,
        "pieces": json.loads((base / "config.json").read_text("utf-8"))["vocab_size"],
        "outputs": list(OUTPUTS),
        "costs": asdict(Costs()),
        "training": training,
        "data": {name: licence for name, (_, licence, _) in SOURCES.items() if name in used},
        "licence": "Apache-2.0 for the changes; MIT for what they were made from: see NOTICE",
    }


def _describe(folder: Path, about: dict[str, Any], calibration: Calibration) -> dict[str, Any]:
    (folder / "NOTICE").write_text(notice(), "utf-8")
    about = {**about, "calibration": calibration.to_record()}
    write_about(folder, about)
    return about


def _in_full(folder: Path, whole: Path, work: Path) -> Transformer:
    """Return the 32-bit network with the artifact's own tokenizer and calibration."""
    artifact = open_artifact(folder)
    other = work / "fp32"
    shutil.rmtree(other, ignore_errors=True)
    shutil.copytree(folder, other)
    shutil.copyfile(whole, other / "model.onnx")
    artifact = replace(artifact, folder=other, name=f"{artifact.name}-fp32")
    return Transformer(artifact, Reader(artifact), Detector())


def _sizes(folder: Path, whole: Path) -> dict[str, float]:
    apart = difference(folder / "model.onnx", whole)
    return {
        "onnx_mb": (folder / "model.onnx").stat().st_size / 1e6,
        "folder_mb": sum(path.stat().st_size for path in folder.iterdir()) / 1e6,
        "logit_mean": apart["mean"],
        "logit_largest": apart["largest"],
    }
