"""The model card: made from the figures of one training run, so that it says only what was measured."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from classifiers.evaluate import markdown, shown
from classifiers.notice import SOURCES
from classifiers.rows import OWN, Row


def card(
    about: dict[str, Any],
    rows: Sequence[Row],
    held_out: Sequence[dict[str, Any]],
    tuned: dict[str, Any],
    compared: dict[str, Any],
    whole: dict[str, Any],
    speed: dict[str, Any],
    steady: dict[str, float],
    size: dict[str, float],
    alarmed: dict[str, float],
) -> str:
    """Return `docs/model-card.md`.

    `held_out` are the results of the transformer, the rival and the rules on the same rows, in this order; `tuned`
    those of the transformer on the posts that chose the scaling, `compared` and `whole` those of the 8-bit and of the
    32-bit network on the same sample.
    """
    ours = _only(held_out, lambda group: group["source"] != OWN)
    own = _only(held_out, lambda group: group["source"] == OWN)
    plan = about["training"]
    low, high = about["calibration"]["band"]
    return f"""\
# Model card: {about["name"]} {about["version"]}

This page is written by `python -m classifiers.train`; every figure on it was measured on this model.

## What it is

A small multilingual transformer that reads a public post and says how likely it is a complaint and whether its
sentiment is negative, neutral or positive. It is multilingual-e5-small (12 layers, 384 wide) with the vocabulary
reduced to {about["pieces"]:,} pieces in Latin, Cyrillic and Greek letters, fine-tuned for two heads on one mean over
the words, and shipped as an ONNX file with 8-bit weights ({size["onnx_mb"]:.0f} MB, {size["folder_mb"]:.0f} MB with its
tokenizer). It runs on two CPU cores, and nothing leaves the machine.

**Urgency and topics are not learnt.** Urgency is rules over the complaint score and the wording of the post in
English, Finnish, Latvian, Norwegian and Polish; wording of safety, health, self-harm, law or press, data leak and
fraud is always critical, whatever the model says. Topics are word lists. Language is told by py3langid. This is a first
model; its labels of complaint are English, with a few dozen posts of our own in each of the other languages.

## Data

| source | licence as stated | labels | rows to train | to calibrate | held out |
|---|---|---|---:|---:|---:|
{_data(rows)}
The part of a row is decided by a hash of its normalised text: 10 % held out, 6 % to calibrate. Posts written for the
purpose have their part written in the file (`classifiers/corpus`): they were **written for the purpose, by the Amends
project, and not by customers**. "Weak" labels follow from something else: emotions, stars, or the sentiment of a
source in which a negative sentence nearly always is a complaint. Duplicate texts count once; near-duplicates were not
searched. Texts that may not be passed on are not in the project.

## Held-out results

Rows that neither training nor calibration saw. The rival is TF-IDF over words and letter groups with logistic
regression, trained on the same rows (sentiment: one a language); `rules@1` is the word lists. Complaint at a score of
one half.

### Complaint

{markdown(ours, "complaint", ("macro_f1", "average_precision"))}
{markdown(ours[:1], "complaint", ("recall", "precision", "calibration_error", "abstained", "accuracy_of_rest"))}
`fincorp` is nearly separable by the style it was collected in, and no measure of anything else.

### Sentiment

{markdown(ours, "sentiment", ("macro_f1",))}
{markdown(ours[:1], "sentiment", ("accuracy", "macro_recall", "calibration_error"))}
`xed` and `maalej` have weak labels. The rival is ahead in macro F1 on: {_behind(ours)}.

## Posts written for the purpose

{_count(own, "complaint")} posts that neither training nor scaling saw. They are few, and share their writer with
those that were trained on: read them as a check, not as a promise. The word lists have the same writer too and were
mended after the posts were written, so urgency, topics and `rules@1` look better here than they are.

{markdown(own, "complaint", ("accuracy", "average_precision"))}
{markdown(own[:1], "complaint", ("recall", "precision", "abstained", "accuracy_of_rest"))}
{markdown(own[:1], "sentiment", ("accuracy",))}
{markdown(own[:1], "urgency", ("accuracy", "macro_f1", "critical", "critical_found", "false_critical"))}
{markdown(own[:1], "topics", ("first_right", "one_right"))}
The posts that chose the scaling of each language, and that the word lists were mended by (so these figures flatter):

{markdown([tuned], "complaint", ("accuracy", "average_precision", "abstained"))}
## Calibration and abstention

Complaint scores pass through a Platt scaling fitted on rows to calibrate: English on human labels; the others keep the
slope of English and move its shift by {_tuned(rows)} posts of our own in each language, since the threshold of English
carries over badly. Sentiment has a temperature a language. The expected calibration error (ten bins) stands in the
tables above; for complaint it is known for English only.

A person is asked (`label: null`) between the scores {low:.2f} and {high:.2f}: where asking, at
{about["costs"]["asked"]:g} minute of an agent, is cheaper than the risk of a missed complaint
({about["costs"]["missed"]:g} minutes) or of a false alarm ({about["costs"]["false_alarm"]:g} minutes). Those costs are
an assumption. A person is also asked where a safety rule fires on a post that the model takes for no complaint.

## Safety rules

On the {int(alarmed["rows"]):,} rows of the training data that are no complaints (labelled so, or film lines, reviews,
forum lines and tweets that are not about a firm), a safety rule fires on {100 * alarmed["share"]:.2f} % (most by
language: {alarmed["worst"]} {100 * alarmed["worst_share"]:.2f} %). Several of those are about fire, hospitals or fraud
in truth. What the rules miss is known only from the posts above.

## Eight bits against thirty-two

All held-out complaint labels, and a sample of 2,000 other rows:

{_against(compared, whole)}
On random word pieces the logits of the two files differ by {size["logit_mean"]:.3f} in the mean and
{size["logit_largest"]:.3f} at most.

A text's scores move a little with its neighbours, since the 8-bit network sets its scale over the whole batch. On
{int(steady["texts"])} held-out texts, alone against among the others in three orders: the complaint score moves by
{steady["mean"]:.4f} in the mean, by less than {steady["p99"]:.3f} for 99 of 100, by {steady["largest"]:.3f} at most;
{100 * steady["turned"]:.2f} % change sides at one half.

## Speed and memory

Two threads, {speed["texts"]:,} held-out texts in arrival order, in turns, the best of a few rounds, on a shared machine
with two cores: the whole path (language, text, network, rules)
classifies {speed["ours"]:.0f} texts a second, **{speed["ratio"]:.1f} times** what
the same weights do in torch at 32 bit with tokenizer and network alone ({speed["torch"]:.0f}/s; sorted by length
{speed["torch_sorted"]:.0f}/s, {speed["ratio_sorted"]:.1f} times). One text alone: {speed["single_ms"]:.1f} ms. A fresh
process loads in {speed["load_s"]:.1f} s and holds {speed["resident_mb"]:.0f} MB (peak {speed["peak_mb"]:.0f} MB). Only
the ratios carry over to other machines.

## Limits

- Complaint labels are English but for our own posts. Sarcasm, and complaints that need to know the product, are missed.
- Sentiment of customer posts is weaker than the tables of its own sources say: on our own posts it is right for about
  two in three, and a plain complaint in Latvian may come out as positive. Cases follow the complaint score.
- Disappointment at somebody else (a team that lost, the weather) is now and then taken for a complaint.
- Every source has one genre: Finnish is forum and film lines, Latvian food tweets, Norwegian press criticism, Polish
  hotel and doctor reviews. Sentiment elsewhere is not measured.
- Letters other than Latin, Cyrillic and Greek are unknown to it.
- A text is read up to 30,000 characters (of a longer one the first 20,000 and the last 10,000), in windows of
  {about["window"]} pieces, 48 at most, spread evenly over it. Complaint is the highest of all windows, so long neutral
  texts score higher than short ones.
- A star rating, where a platform gives one, moves the complaint score by a stated amount that was not measured.
- Not meant for deciding anything about the person who wrote, nor for posts that are not addressed to or about a firm.

## Make it again

`python -m classifiers.train --data FILE... --out DIR --card FILE` (extra `train`): {plan["examples_seen"]:,}
examples in {plan["minutes"]:.0f} minutes at {plan["threads"]} threads (nice, on a shared machine), seed {plan["seed"]}.
Sums in bfloat16 are not exact, so "again" means near these figures, and one run was made, so there is no interval over
seeds. AdamW {plan["rate"]:g}, heads {plan["head_rate"]:g}, batches of {plan["batch"]}, 64 pieces, embeddings frozen,
weights averaged, handles dropped and added at random. Sources are drawn by fixed shares (`classifiers/sampling.py`).
"""


def _behind(results: Sequence[dict[str, Any]]) -> str:
    """Name the groups where the second result has the better macro F1."""
    first, second = ({(g["head"], g["source"], g["lang"]): g for g in each["groups"]} for each in results[:2])
    worse = [
        f"{head} {source} ({lang})"
        for head, source, lang in first
        if head in ("complaint", "sentiment")
        and second[head, source, lang]["macro_f1"] > first[head, source, lang]["macro_f1"]
    ]
    return ", ".join(worse) or "none"


def _only(results: Sequence[dict[str, Any]], wanted: Any) -> list[dict[str, Any]]:
    return [{**each, "groups": [group for group in each["groups"] if wanted(group)]} for each in results]


def _data(rows: Sequence[Row]) -> str:
    counts = Counter((row.source, row.part) for row in rows)
    used = {row.source for row in rows if row.complaint is not None or row.sentiment is not None}
    lines = [
        f"| {title} | {licence} | {labels} | "
        + " | ".join(f"{counts[name, part]:,}" for part in ("train", "calibrate", "held-out"))
        + " |\n"
        for name, (title, licence, labels) in SOURCES.items()
        if name in used
    ]
    return "".join(lines)


def _count(results: Sequence[dict[str, Any]], head: str) -> int:
    return sum(int(group["rows"]) for group in results[0]["groups"] if group["head"] == head)


def _tuned(rows: Sequence[Row]) -> int:
    mine = Counter(row.lang for row in rows if row.source == OWN and row.part == "calibrate")
    return max(mine.values(), default=0)


def _against(eight: dict[str, Any], whole: dict[str, Any]) -> str:
    lines = ["| head | source | language | macro F1, 8 bit | macro F1, 32 bit |", "|---|---|---|---:|---:|"]
    other = {(group["head"], group["source"], group["lang"]): group for group in whole["groups"]}
    for group in eight["groups"]:
        key = group["head"], group["source"], group["lang"]
        if key in other and group["head"] in ("complaint", "sentiment"):
            lines.append(f"| {' | '.join(key)} | {shown(group['macro_f1'])} | {shown(other[key]['macro_f1'])} |")
    return "\n".join(lines) + "\n"
