"""Which language a post is in."""

import pytest

from classifiers.language import Detector, base


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("The parcel never arrived and nobody answers the phone.", "en"),
        ("Paketti ei ole tullut vieläkään eikä kukaan vastaa puhelimeen.", "fi"),
        ("Sūtījums joprojām nav piegādāts, un neviens neatbild.", "lv"),
        ("Pakken er fortsatt ikke kommet, og jeg får ikke svar av noen.", "nb"),
        ("Paczka nadal nie dotarła i nikt nie odbiera telefonu.", "pl"),
        ("Das Paket ist immer noch nicht angekommen, und niemand antwortet.", "de"),
    ],
)
def test_tells_languages_apart(detector: Detector, text: str, code: str) -> None:
    found = detector(text)
    assert found.code == code
    assert 0.45 <= found.score <= 1


@pytest.mark.parametrize("text", ["", "   ", "😡😡😡", "12345", "ok", "@user http"])
def test_too_little_text_is_undetermined(detector: Detector, text: str) -> None:
    found = detector(text)
    assert found.code == "und"
    assert found.score < 0.45


def test_a_hint_speaks_where_the_text_does_not(detector: Detector) -> None:
    assert detector("ok!", hint="nb-NO").code == "nb"
    assert detector("😡", hint="pl").code == "pl"


def test_a_wrong_hint_does_not_overrule_a_clear_text(detector: Detector) -> None:
    assert detector("Paketti ei ole tullut vieläkään eikä kukaan vastaa puhelimeen.", hint="en").code == "fi"


@pytest.mark.parametrize(
    ("hint", "code"),
    [("no", "nb"), ("nn", "nb"), ("PL", "pl"), ("en_GB", "en"), ("und", None), ("x1", None), (None, None)],
)
def test_hints_come_in_many_spellings(hint: str | None, code: str | None) -> None:
    assert base(hint) == code
