"""Train the shipped model again: fine-tune, calibrate, export, evaluate, write the card (needs the extra `train`)."""

import argparse
import hashlib
import math
import random
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from classifiers import backbone
from classifiers.network import Network, build
from classifiers.rows import Row, corpus, read
from classifiers.sampling import Sampler, Target

LENGTH = 64
"""Word pieces of a text that are read in training; at run time a longer text is read in windows of this many."""
POOL = 24
"""Batches that are drawn together and sorted by length."""


@dataclass(frozen=True)
class Plan:
    """How long and how fast to train."""

    examples: int = 152_000
    batch: int = 40
    minutes: float = 0.0
    """Minutes the fine-tuning may take, 0 for as long as the examples need; the rate is led down in time."""
    rate: float = 8e-5
    head_rate: float = 1e-3
    warm_up: float = 0.06
    decay: float = 0.01
    average: float = 0.998
    """How much of the running mean of the weights is kept at each look, every `STRIDE` steps."""
    seed: int = 7
    threads: int = 2

    @property
    def steps(self) -> int:
        return self.examples // self.batch


STRIDE = 4
VERSION = "1"


def shade(plan: Plan, step: int, seconds: float) -> float:
    """Return the learning rate at `step` as a part of the highest: up over the warm-up, then down to nothing.

    Where the time is short, what is gone of it counts instead of what is gone of the examples.
    """
    warm = max(1, int(plan.steps * plan.warm_up))
    gone = max(step / plan.steps, seconds / 60 / plan.minutes if plan.minutes else 0.0)
    return min((step + 1) / warm, max(0.0, (1 - gone) / (1 - plan.warm_up)))


class Batches:
    """Batches of ids, mask and targets, drawn in pools and sorted by length inside each, in lengths of eight."""

    def __init__(self, sampler: Sampler, tokenizer: Any, batch: int) -> None:
        self.sampler, self.tokenizer, self.batch = sampler, tokenizer, batch
        self.waiting: list[tuple[Tensor, Tensor, Tensor]] = []

    def next(self) -> tuple[Tensor, Tensor, Tensor]:
        if not self.waiting:
            self._fill()
        return self.waiting.pop()

    def _fill(self) -> None:
        drawn = list(self.sampler.draw(self.batch * POOL))
        ids = self.tokenizer([text for text, _ in drawn], truncation=True, max_length=LENGTH)["input_ids"]
        order = sorted(range(len(drawn)), key=lambda at: len(ids[at]))
        slices = [order[at : at + self.batch] for at in range(0, len(order), self.batch)]
        self.sampler.random.shuffle(slices)
        self.waiting = [collate([ids[at] for at in some], [drawn[at][1] for at in some]) for some in slices]


def collate(ids: Sequence[Sequence[int]], targets: Sequence[Target]) -> tuple[Tensor, Tensor, Tensor]:
    """Return ids and mask, shape (batch, length), and targets, shape (batch, 4), as in `Target`."""
    length = -(-max(len(each) for each in ids) // 8) * 8
    padded = torch.ones(len(ids), length, dtype=torch.long)
    mask = torch.zeros(len(ids), length, dtype=torch.long)
    for at, each in enumerate(ids):
        padded[at, : len(each)] = torch.tensor(each)
        mask[at, : len(each)] = 1
    rows = [(t.complaint, t.complaint_counts, t.sentiment, t.sentiment_counts) for t in targets]
    return padded, mask, torch.tensor(rows, dtype=torch.float32)


def loss_of(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the loss of a batch: each head's mean over what counts in it, added up."""
    complaint, complaint_counts, sentiment, sentiment_counts = targets.unbind(1)
    first = functional.binary_cross_entropy_with_logits(logits[:, 0], complaint, reduction="none")
    second = functional.cross_entropy(logits[:, 1:], sentiment.long(), reduction="none", label_smoothing=0.03)
    one = (first * complaint_counts).sum() / complaint_counts.sum().clamp(min=4.0)
    two = (second * sentiment_counts).sum() / sentiment_counts.sum().clamp(min=4.0)
    return one + two


def optimiser(network: Network, plan: Plan) -> torch.optim.AdamW:
    """Return AdamW with the heads on their own rate, and no decay on biases and norms."""
    groups: dict[str, list[nn.Parameter]] = {"heads": [], "plain": [], "decayed": []}
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            kind = "heads" if name.startswith("heads") else "decayed" if parameter.ndim > 1 else "plain"
            groups[kind].append(parameter)
    return torch.optim.AdamW(
        [
            {"params": groups["heads"], "lr": plan.head_rate, "top": plan.head_rate, "weight_decay": 0.0},
            {"params": groups["plain"], "lr": plan.rate, "top": plan.rate, "weight_decay": 0.0},
            {"params": groups["decayed"], "lr": plan.rate, "top": plan.rate, "weight_decay": plan.decay},
        ],
        fused=True,
    )


def fine_tune(rows: Sequence[Row], base: Path, out: Path, plan: Plan) -> Path:
    """Train on the rows of the part `train`; return the file of averaged weights.

    Every five minutes, and at the end, the whole state goes to `out/checkpoint.pt`, by rename; a run that finds one
    takes it up. Draws, order and dropout follow the seed, but bfloat16 sums are not exact from machine to machine.
    """
    from transformers import AutoTokenizer

    torch.set_num_threads(plan.threads)
    torch.manual_seed(plan.seed)
    random.seed(plan.seed)
    tokenizer = AutoTokenizer.from_pretrained(base, local_files_only=True)
    network = build(base).train()
    steps = optimiser(network, plan)
    sampler = Sampler([row for row in rows if row.part == "train"], plan.seed)
    learning = {name: value for name, value in network.named_parameters() if value.requires_grad}
    mean = {name: value.detach().clone() for name, value in learning.items()}
    saved, finished = out / "checkpoint.pt", out / "weights.pt"
    first, before = 0, 0.0
    if saved.exists():
        kept = torch.load(saved, map_location="cpu", weights_only=False)
        network.load_state_dict(kept["network"])
        steps.load_state_dict(kept["optimiser"])
        sampler.take_up(kept["sampler"])
        mean, first, before = kept["mean"], kept["step"], kept["seconds"]
        print(f"taken up at step {first}", flush=True)
    batches = Batches(sampler, tokenizer, plan.batch)
    started = told = stored = time.monotonic()
    running = 0.0
    for step in range(first, plan.steps):
        part = shade(plan, step, before + time.monotonic() - started)
        last = step + 1 == plan.steps or part == 0.0
        for group in steps.param_groups:
            group["lr"] = group["top"] * part
        ids, mask, targets = batches.next()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = network(ids, mask)
        loss = loss_of(logits.float(), targets)
        loss.backward()
        nn.utils.clip_grad_norm_(learning.values(), 1.0)
        steps.step()
        steps.zero_grad(set_to_none=True)
        running = loss.item() if not running else 0.99 * running + 0.01 * loss.item()
        if step % STRIDE == 0:
            hold = min(plan.average, (1 + step / STRIDE) / (10 + step / STRIDE))
            with torch.no_grad():
                torch._foreach_lerp_(list(mean.values()), list(learning.values()), 1 - hold)
        now = time.monotonic()
        if now - told > 15 or last:
            told = now
            print(progress(step + 1 - first, plan.steps - step - 1, plan.batch, now - started, running), flush=True)
        if now - stored > 300 or last:
            stored = now
            state = {"network": network.state_dict(), "optimiser": steps.state_dict(), "mean": mean}
            state |= {"sampler": sampler.state(), "step": step + 1, "seconds": before + now - started}
            torch.save(state, saved.with_suffix(".new"))
            saved.with_suffix(".new").rename(saved)
        if last:
            break
    torch.save({**network.state_dict(), **mean}, finished)
    return finished


def progress(done: int, left: int, batch: int, seconds: float, loss: float) -> str:
    """Return one line: examples done and left, the rate, the time left, the running loss."""
    rate = done * batch / seconds
    minutes = left * batch / rate / 60 if rate else math.inf
    return f"{done * batch:>7} done  {left * batch:>7} left  {rate:6.1f}/s  {minutes:5.1f} min left  loss {loss:.4f}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `python -m classifiers.train --data FILE... --out DIR`.

    Everything is made in a folder of its own under WORK, named after data and plan; what is there already is not made
    again, so that a run that was stopped goes on. The artifact and the card are put in their places at the end.
    """
    from classifiers.finish import finish

    parser = argparse.ArgumentParser(prog="python -m classifiers.train", description=__doc__)
    parser.add_argument(
        "--data", type=Path, nargs="+", action="extend", required=True, help="labelled rows, JSONL[.gz]"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for the artifact")
    parser.add_argument("--card", type=Path, help="file for the model card; without it OUT/model-card.md")
    parser.add_argument("--work", type=Path, default=Path("build/train"), help="folder for checkpoints, about 2 GB")
    parser.add_argument("--examples", type=int, default=Plan.examples)
    parser.add_argument("--minutes", type=float, default=Plan.minutes, help="at most so long for the fine-tuning")
    parser.add_argument("--seed", type=int, default=Plan.seed)
    parser.add_argument("--threads", type=int, default=Plan.threads)
    parser.add_argument("--version", default=VERSION)
    given = parser.parse_args(arguments)
    plan = Plan(examples=given.examples, minutes=given.minutes, seed=given.seed, threads=given.threads)
    files = [*given.data, *corpus()]
    base, work = given.work / "backbone", given.work / fingerprint(files, plan)
    work.mkdir(parents=True, exist_ok=True)
    if not (base / "tokenizer.json").exists():
        print(f"{backbone.decode(base)} pieces kept", flush=True)
    rows = read(files)
    print(f"{len(rows)} rows, {sum(row.part == 'train' for row in rows)} to train on, in {work}", flush=True)
    if not (work / "weights.pt").exists():
        fine_tune(rows, base, work, plan)
    written = finish(rows, base, work, plan, version=given.version)
    shutil.copytree(work / "model", given.out, dirs_exist_ok=True)
    card = given.card or given.out / "model-card.md"
    card.write_text(written, "utf-8")
    print(f"made {given.out} and {card}", flush=True)
    return 0


def fingerprint(files: Sequence[Path], plan: Plan) -> str:
    """Return a name for a run: the same for the same data, plan and seed; raises FileNotFoundError."""
    seen = hashlib.sha256(repr(plan).encode())
    for path in files:
        seen.update(hashlib.sha256(path.read_bytes()).digest())
    return seen.hexdigest()[:12]


if __name__ == "__main__":
    raise SystemExit(main())
