"""Urgency: rules over the complaint score and the wording."""

import pytest

from classifiers.rules import alarms
from classifiers.urgency import urgency
from domain.classification import Graded

HIGH = [
    ("en", "This is the third time I write, and I fly tomorrow"),
    ("fi", "Kolmas kerta kun kysyn, rahat lähtivät kahteen kertaan"),
    ("lv", "Rakstu jau trešo reizi, nauda noņemta divreiz"),
    ("nb", "Tredje gang jeg skriver, nettet er nede igjen"),
    ("pl", "Piszę już trzeci raz, nie mogę się zalogować"),
]
LOW = [
    ("en", "The coffee could be better, otherwise fine"),
    ("fi", "Voisi olla parempi, muuten ihan hyvä"),
    ("lv", "Varētu būt labāk, citādi viss labi"),
    ("nb", "Kunne vært bedre, ellers fint"),
    ("pl", "Mogłoby być lepiej, poza tym super"),
]


def graded(text: str, language: str = "en", complaint: float = 0.95) -> Graded:
    return urgency(text, language=language, complaint=complaint, alarms=alarms(text))


@pytest.mark.parametrize(("language", "text"), HIGH)
def test_what_cannot_wait_is_high_and_says_why(language: str, text: str) -> None:
    found = graded(text, language)
    assert found.label == "high"
    assert found.reasons


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("EDIT: fixed now after reinstalling", None),
        ("It was fixed today, thanks", None),
        ("I want this fixed now", "time runs out: “want this fixed now”"),
        ("It has to be solved by tomorrow", "time runs out: “solved by tomorrow”"),
        ("I'm going to my bank", None),
        ("We moved to Turku and changed to the blue one", None),
        ("I'm going to my bank and cancelling my account", "threat to leave: “cancelling my account”"),
        ("I am closing my account", "threat to leave: “closing my account”"),
        ("We're taking our business elsewhere", "threat to leave: “taking our business elsewhere”"),
        ("I'm switching to another provider", "threat to leave: “switching to another provider”"),
    ],
)
def test_the_words_that_are_quoted_make_sense(text: str, quoted: str | None) -> None:
    assert graded(text).reasons == ((quoted,) if quoted else ())


@pytest.mark.parametrize(("language", "text"), LOW)
def test_mild_wording_is_low(language: str, text: str) -> None:
    assert graded(text, language).label == "low"


def test_a_plain_complaint_is_normal() -> None:
    assert graded("The lid of my kettle broke").label == "normal"


def test_no_complaint_is_low_whatever_its_words() -> None:
    assert graded("urgent: my flight is tomorrow, which gate?", complaint=0.1).label == "low"


def test_a_safety_rule_is_critical_whatever_the_model_says() -> None:
    found = graded("the charger caught fire", complaint=0.01)
    assert found.label == "critical"
    assert "caught fire" in found.reasons[0]


@pytest.mark.parametrize("complaint", [0.0, 0.3, 0.5, 0.7, 1.0])
def test_scores_sum_to_one_and_the_label_leads(complaint: float) -> None:
    found = graded("no answer for the third time", complaint=complaint)
    assert sum(found.scores.values()) == pytest.approx(1, abs=1e-9)
    assert found.score == max(found.scores.values()) == found.scores[found.label]
