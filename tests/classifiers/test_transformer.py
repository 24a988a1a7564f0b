"""The shipped model behind the port."""

import random
import sys

import pytest

from classifiers.reader import MOST_WINDOWS
from classifiers.rows import corpus, read
from classifiers.transformer import Transformer
from domain.classification import SENTIMENTS, TOPICS, URGENCIES, Classification, Text, Unclassifiable

CLEAR = [
    ("en", True, "My parcel is two weeks late and nobody answers my emails. Terrible service, I want my money back."),
    ("en", False, "Thank you so much for the quick delivery, great service!"),
    ("fi", True, "Paketti on kaksi viikkoa myöhässä eikä kukaan vastaa. Surkeaa palvelua, haluan rahat takaisin."),
    ("fi", False, "Kiitos nopeasta toimituksesta, loistavaa palvelua!"),
    ("lv", True, "Sūtījums kavējas divas nedēļas, neviens neatbild. Briesmīga apkalpošana, atdodiet naudu."),
    ("lv", False, "Liels paldies par ātro piegādi, lieliska apkalpošana!"),
    ("nb", True, "Pakken er to uker forsinket og ingen svarer. Elendig service, jeg vil ha pengene tilbake."),
    ("nb", False, "Tusen takk for rask levering, strålende service!"),
    ("pl", True, "Paczka spóźniona o dwa tygodnie, nikt nie odpisuje. Fatalna obsługa, oddajcie pieniądze."),
    ("pl", False, "Bardzo dziękuję za szybką dostawę, świetna obsługa!"),
]
MOVE = 0.2
"""How far a score may move with its neighbours; the model card says how far it does in the mean and at most."""


def one(model: Transformer, text: str, **more: str | int) -> Classification:
    (said,) = model.classify([Text(id="1", text=text, **more)])  # type: ignore[arg-type]
    assert isinstance(said, Classification)
    return said


@pytest.mark.parametrize(("lang", "complaint", "text"), CLEAR)
def test_clear_posts(model: Transformer, lang: str, complaint: bool, text: str) -> None:
    said = one(model, text)
    assert said.language.code == lang
    assert (said.complaint.score >= 0.5) is complaint
    assert said.urgency.label in (("normal", "high") if complaint else ("low",))


def test_clear_sentiment(model: Transformer) -> None:
    labels = {(lang, complaint): one(model, text).sentiment.label for lang, complaint, text in CLEAR}
    assert all(label == "positive" for (_, complaint), label in labels.items() if not complaint)
    assert sum(label == "negative" for (_, complaint), label in labels.items() if complaint) >= 4


def test_a_result_is_whole(model: Transformer) -> None:
    said = one(model, CLEAR[0][2])
    assert said.model == model.model and "@" in said.model
    assert set(said.urgency.scores) == set(URGENCIES) and set(said.sentiment.scores) == set(SENTIMENTS)
    assert sum(said.urgency.scores.values()) == pytest.approx(1) == pytest.approx(sum(said.sentiment.scores.values()))
    assert {topic.name for topic in said.topics} <= set(TOPICS)
    assert Classification.from_record(said.to_record()).to_record() == said.to_record()


def test_order_and_ids_are_kept(model: Transformer) -> None:
    texts = [Text(id=f"t{at}", text=text * (1 + at % 4)) for at, (_, _, text) in enumerate(CLEAR * 3)]
    assert [said.id for said in model.classify(texts)] == [text.id for text in texts]


def test_nothing_in_nothing_out(model: Transformer) -> None:
    assert model.classify([]) == []


def test_a_bad_text_does_not_cost_the_batch(model: Transformer) -> None:
    bad = ["", "   ", "\u0000", "\ud800", "\u200b", "..."]
    texts = [Text(id=f"b{at}", text=text) for at, text in enumerate(bad)]
    texts += [
        Text(id="s", text=f"\ud83d broken {CLEAR[0][2]}\u0000"),
        Text(id="e", text="😡"),
        Text(id="g", text=CLEAR[0][2]),
    ]
    said = model.classify(texts)
    assert all(isinstance(each, Unclassifiable) and each.error for each in said[:6])
    assert all(isinstance(each, Classification) for each in said[6:])
    assert isinstance(said[8], Classification) and said[8].complaint.score >= 0.5


def test_a_megabyte_is_read_in_windows(model: Transformer) -> None:
    assert one(model, "word " * 200_000).id == "1"
    assert one(model, "x" * 1_000_000).id == "1"


def test_a_complaint_deep_in_a_long_text_is_heard(model: Transformer) -> None:
    calm = "The store is on the main street and it opens at nine. " * 60
    assert one(model, calm + CLEAR[0][2] + " " + calm).complaint.score >= 0.5
    assert len(calm.split()) * 2 < MOST_WINDOWS * 50


def test_safety_is_critical_whatever_the_model_says(model: Transformer) -> None:
    said = one(model, "lovely lamp by the way, my son got an electric shock from it")
    assert said.urgency.label == "critical"
    assert [flag.name for flag in said.flags] == ["fire_injury"]
    assert said.complaint.label is not False
    assert "electric shock" in said.flags[0].reason


def test_scores_hardly_move_with_the_neighbours(model: Transformer) -> None:
    texts = [row.text for row in read(corpus())][:120]
    alone = [one(model, text).complaint.score for text in texts]
    order = list(range(len(texts)))
    random.Random(4).shuffle(order)
    together = model.classify([Text(id=str(at), text=texts[at]) for at in order])
    moves = [abs(said.complaint.score - alone[int(said.id)]) for said in together if isinstance(said, Classification)]
    assert len(moves) == len(texts)
    assert sum(moves) / len(moves) < 0.02
    assert max(moves) < MOVE


def test_the_same_batch_twice_is_the_same(model: Transformer) -> None:
    texts = [Text(id="1", text=text) for _, _, text in CLEAR]
    assert model.classify(texts) == model.classify(texts)


def test_stars_move_the_complaint_score(model: Transformer) -> None:
    text = "It is a kettle."
    assert one(model, text, rating=1).complaint.score > one(model, text).complaint.score
    assert one(model, text, rating=5).complaint.score < one(model, text).complaint.score


def test_why_names_words_of_the_original(model: Transformer) -> None:
    text = "Hello @shop, see https://a.example — the Łódź parcel is terribly late, what a disgrace! 😡"
    weights = model.why(Text(id="1", text=text))
    assert weights
    assert [abs(each.weight) for each in weights] == sorted((abs(each.weight) for each in weights), reverse=True)
    assert {each.head for each in weights} <= {"complaint", "sentiment", "urgency"}
    for each in weights:
        start, end = each.span
        assert 0 <= start < end <= len(text) and text[start:end].strip()


def test_why_marks_the_words_of_a_safety_rule(model: Transformer) -> None:
    text = "The oven caught fire."
    marked = [text[slice(*each.span)] for each in model.why(Text(id="1", text=text)) if each.head == "urgency"]
    assert marked == ["caught fire"]


@pytest.mark.parametrize("text", ["", "\u0000", "\ud800", "word " * 5_000])
def test_why_stands_any_text(model: Transformer, text: str) -> None:
    assert all(each.span[1] <= len(text) for each in model.why(Text(id="1", text=text)))


def test_no_torch_at_run_time(model: Transformer) -> None:
    one(model, CLEAR[0][2])
    assert "torch" not in sys.modules
