"""What the model sees of a post."""

import pytest

from classifiers.normalise import LONGEST, fold, folded, normalise


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        ("@DemoStore where is it", "@user where is it"),
        ("hi @a.b@social.example ok", "hi @user ok"),
        ("look https://example.org/x?y=1 now", "look http now"),
        ("www.example.org is down", "http is down"),
        ("write to jane.doe@mail.example.org please", "write to [email] please"),
        ("order 1234567890 and 12345678", "order [number] and 12345678"),
        ("call +47 400 12 345 6 today", "call +[number] today"),
        ("ugly\u0000\u0007 text\n\n here", "ugly text here"),
        ("mojibake: PÃ¤ivÃ¤Ã¤", "mojibake: Päivää"),
        ("angry 😡👩‍👧 post", "angry 😡👩‍👧 post"),
        ("lone \ud83d surrogate", "lone surrogate"),
        ("", ""),
        ("\u200b \u0000", ""),
    ],
)
def test_masks_and_mends(written: str, seen: str) -> None:
    assert normalise(written) == seen


def test_masking_twice_changes_nothing() -> None:
    once = normalise("@shop see https://a.example mail a@b.example 123456789012")
    assert normalise(once) == once


def test_a_very_long_text_keeps_beginning_and_end() -> None:
    text = "begin " + "middle " * 20_000 + "end"
    seen = normalise(text)
    assert len(seen) <= LONGEST + 1
    assert seen.startswith("begin") and seen.endswith("end")


def test_folding_takes_accents_and_case() -> None:
    assert fold("ŁÓDŹ Žalība Æøå Pöytä") == "lodz zaliba aoa poyta"


def test_a_folded_span_points_into_the_original() -> None:
    text = "se\u0301 Łódź"
    shape = folded(text)
    start = shape.text.index("lodz")
    assert text[slice(*shape.span(start, start + 4))] == "Łódź"
