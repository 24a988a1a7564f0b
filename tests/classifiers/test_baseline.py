"""The rules baseline keeps the same port, under its own name."""

import pytest

from classifiers.baseline import NAME, Rules
from classifiers.language import Detector
from domain.classification import Classification, Text, Unclassifiable
from domain.ports import Classifier


@pytest.fixture(scope="module")
def rules(detector: Detector) -> Classifier:
    return Rules(detector)


@pytest.mark.parametrize(
    ("complaint", "text"),
    [
        (True, "Terrible service, the kettle stopped working and nobody answers"),
        (False, "Thank you, great service, love it"),
        (True, "Surkeaa palvelua, paketti ei ole tullut vieläkään"),
        (True, "Briesmīga apkalpošana, sūtījums joprojām nav piegādāts"),
        (True, "Elendig service, pakken er fortsatt ikke kommet"),
        (True, "Fatalna obsługa, paczka dalej nie dotarła"),
        (False, "Super obsługa, polecam i dziękuję"),
    ],
)
def test_clear_posts(rules: Classifier, complaint: bool, text: str) -> None:
    (said,) = rules.classify([Text(id="1", text=text)])
    assert isinstance(said, Classification)
    assert (said.complaint.score >= 0.5) is complaint
    assert said.model == NAME == "rules@1"


def test_bad_texts_keep_their_place(rules: Classifier) -> None:
    said = rules.classify([Text(id="a", text=""), Text(id="b", text="bad \ud800 service"), Text(id="c", text="\u0000")])
    assert [each.id for each in said] == ["a", "b", "c"]
    assert [isinstance(each, Unclassifiable) for each in said] == [True, False, True]


def test_why_points_at_the_words_of_the_lists(rules: Classifier) -> None:
    text = "Hei, tämä on surkea tuote ja palvelu oli huonoa"
    marked = {text[slice(*each.span)] for each in rules.why(Text(id="1", text=text))}
    assert {"surkea", "huonoa"} <= marked
