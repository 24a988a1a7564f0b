"""From trained weights to what is shipped: an ONNX file with 8-bit weights, one scale a channel (needs torch)."""

import shutil
import warnings
from pathlib import Path

import numpy as np
import onnxruntime
import torch

from classifiers.network import OUTPUTS, build


def export(backbone: Path, weights: Path, folder: Path, *, whole: Path) -> None:
    """Write `model.onnx` (8 bit) and the tokenizer to `folder`, and the 32-bit network to the file `whole`.

    The 32-bit network is for comparing only and is not shipped.
    """
    from onnxruntime.quantization import QuantType, quantize_dynamic

    folder.mkdir(parents=True, exist_ok=True)
    network = build(backbone, weights).eval()
    ids = torch.tensor([[0, 7, 8, 9, 2], [0, 7, 2, 1, 1]])
    mask = (ids != 1).long()
    moving = {0: "texts", 1: "pieces"}
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            (ids, mask),
            str(whole),
            input_names=["input_ids", "attention_mask"],
            output_names=["logits"],
            dynamic_axes={"input_ids": moving, "attention_mask": moving, "logits": {0: "texts"}},
            opset_version=17,
            dynamo=False,
        )
    quantize_dynamic(whole, folder / "model.onnx", weight_type=QuantType.QInt8, per_channel=True)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(backbone / name, folder / name)


def difference(one: Path, other: Path, *, batch: int = 16, length: int = 32, rounds: int = 8) -> dict[str, float]:
    """Return how far two files are apart on random ids: the mean and the largest difference of a logit."""
    chance = np.random.default_rng(3)
    sessions = [onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"]) for path in (one, other)]
    gaps = []
    for _ in range(rounds):
        ids = chance.integers(4, 20_000, (batch, length))
        feed = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
        first, second = (session.run(None, feed)[0] for session in sessions)
        gaps.append(np.abs(first - second))
    gap = np.concatenate(gaps)
    return {"mean": float(gap.mean()), "largest": float(gap.max()), "outputs": float(len(OUTPUTS))}
