"""The linter finds what must not be sent, and leaves good replies alone."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.playbook_files import load_playbooks
from domain.classification import TOPICS, Language, Topic
from domain.limits import Limits
from domain.playbook import GAP
from responders.lint import Finding, lint
from responders.suggest import SuggestRequest, suggest

PLAYBOOKS = load_playbooks()
FILLED = {
    "en": {
        "date": "Friday 27 November",
        "agent name": "Maria",
        "what we can offer": "a new battery at half price",
        "plain reason": "the sale ended in May",
        "contact link": "https://example.com/help",
        "safety phone line": "0800 123 456",
    },
    "fi": {
        "date": "perjantaina 27.11.",
        "agent name": "Maria",
        "what we can offer": "uusi akku puoleen hintaan",
        "plain reason": "kampanja päättyi toukokuussa",
        "contact link": "https://example.com/apua",
        "safety phone line": "0800 123 456",
    },
}


def _detect(text: str, *, hint: str | None = None) -> Language:
    return Language(code="fi" if re.search(r"\b(?:ja|että|on|meille|viimeistään)\b", text) else "en", score=0.95)


def _lint(text: str, **how) -> list[Finding]:
    known = {"lang": None, "expected_lang": None, "limits": Limits(), "detect": _detect}
    return lint(text, **(known | how))


def _found(text: str, **how) -> list[tuple[str, str]]:
    return [(f.rule, text[slice(*f.span)]) for f in _lint(text, **how)]


POSITIVE = {
    "unfilled_slot": [
        "Hello [[agent name]]",
        "You get it by [[ ]]",
        "Hi {name},",
        "Dear [name],",
        "call {{agent}} now",
        "by [ ]",
        "by ( )",
        "by ____",
        "Hello <name>",
        "Hei [nimi]",
        "an open [[ alone",
    ],
    "non_apology": [
        "We are sorry you feel that way.",
        "I'm sorry that you’re upset.",
        "Sorry if you were offended.",
        "We apologise for any inconvenience caused.",
        "Sorry, but you should have read it",
        "Pahoittelemme, jos palvelu ei miellyttänyt.",
        "Pahoittelemme, että koet asian näin.",
        "Olen pahoillani, että sinusta tuntuu siltä.",
        "Pahoittelemme mahdollista haittaa.",
    ],
    "threat": [
        "We will take legal action against you.",
        "Our lawyers will be in touch.",
        "You will regret this post.",
        "This is defamation.",
        "Be careful what you write.",
        "Viemme asian oikeuteen.",
        "Lakimiehemme ottaa sinuun yhteyttä.",
        "Teemme tästä rikosilmoituksen.",
        "Tämä on kunnianloukkaus.",
    ],
    "vague_promise": [
        "We will look into it.",
        "We'll get back to you as soon as possible.",
        "Our team is investigating.",
        "I'll pass it on.",
        "On Monday you wrote. We will look into it.",
        "Selvitämme asiaa.",
        "Palaamme asiaan pian.",
        "Teemme parhaamme.",
        "Välitämme palautteesi eteenpäin.",
    ],
    "review_for_reward": [
        "If you delete your review, we will send you a refund.",
        "We give a voucher in exchange for changing your rating.",
        "Leave us five stars and get 10 % off once it is live.",
        "Jos poistat arvostelusi, saat hyvityksen.",
        "Saat lahjakortin, kun annat meille viisi tähteä.",
    ],
    "asks_personal_data_public": [
        "Please send us your phone number.",
        "Could you tell us your email address here?",
        "Reply with your order number and home address.",
        "What is your IBAN?",
        "Can we have your phone number?",
        "Please share your full card number below.",
        "We sent you a private message. Please post your phone number here.",
        "Laita puhelinnumerosi tähän.",
        "Kerro tilinumerosi, niin palautamme.",
        "Mikä on osoitteesi?",
        "Lähetätkö meille sähköpostiosoitteesi?",
        "Laita tilausnumero ja puhelinnumerosi kommentteihin.",
    ],
    "personal_data_public": [
        "Your IBAN FI21 1234 5600 0007 85 is fine.",
        "Card 4111 1111 1111 1111 was charged",
        "We wrote to anna.virtanen@gmail.com.",
        "We tried +358 40 123 4567 today",
        "IBAN FI21 1234 5600 0007 85 OK",
        "Soitimme numeroon 040 1234567.",
        "Henkilötunnus 131052-308T näkyy",
    ],
    "shouting": ["PLEASE READ THE TERMS.", "Thanks!!!", "LUE EHDOT ENSIN."],
}
SEVERITY = {"non_apology": "warn", "vague_promise": "warn", "shouting": "hint"}


@pytest.mark.parametrize(("rule", "text"), [(rule, text) for rule, texts in POSITIVE.items() for text in texts])
def test_what_is_found(rule: str, text: str) -> None:
    (finding,) = _lint(text)
    assert finding.rule == rule
    assert finding.severity == SEVERITY.get(rule, "block")
    assert text[slice(*finding.span)].strip()
    assert finding.message


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n ",
        "I am sorry that we kept you waiting.",
        "I am sorry, this is on us.",
        "Send us your order number in a private message.",
        "Send us a private message. Tell us your phone number there.",
        "Please never post your card number in public.",
        "Shall we send it to your address?",
        "Is a pick-up at your home address easier?",
        "Our legal team agrees with you: you are right.",
        "You can go to court if you wish.",
        "Anything else? Write to support@example.com.",
        "It was delivered on 01.12.2026 at 14:00.",
        "Your order 0045123987 ships today.",
        "Call us free on 0800 123 456.",
        "We will look into it and answer by Friday.",
        "We will look into it. You will have an answer by 5 pm.",
        "I'll get back to you within two hours.",
        "We would love your review, good or bad.",
        "Once your refund has arrived, tell us how it went.",
        "Thanks for the 5 star review! If it breaks, a refund is yours.",
        "The GPS and USB ports, NASA style",
        "See our site (it has more), and [sic].",
        "Selvitän asian ja vastaan viimeistään perjantaina.",
        "Palaan asiaan huomenna.",
        "Älä lähetä tilinumeroasi tähän.",
        "Lähetä tilausnumero yksityisviestillä.",
        "Olen pahoillani, että koit noin huonoa palvelua.",
        "Sinulla on oikeus viedä asia oikeuteen.",
        "Tilausnumero on 0401234 ja paketti lähti.",
        "Kun saamme arvion korjauksesta, kirjoitamme hyvityksestä.",
        "Card 4111 1111 1111 1112, IBAN FI21 1234 5600 0007 86, 131052-308A",
    ],
)
def test_what_is_left_alone(text: str) -> None:
    assert _found(text) == []


@pytest.mark.parametrize("lang", ["en", "fi"])
@pytest.mark.parametrize("topic", TOPICS)
def test_the_shipped_drafts_have_no_finding(lang: str, topic: str) -> None:
    for n in range(12):
        for rating, route, limits in (
            (None, None, Limits(max_length=280)),
            (1, None, Limits(max_length=350)),
            (None, None, Limits()),
            (None, "direct", Limits()),
        ):
            request = SuggestRequest(
                id=f"m{n}", text="", lang=lang, rating=rating, route=route, topics=(Topic(name=topic, score=0.9),)
            )
            for draft in suggest(request, PLAYBOOKS, limits):
                text = GAP.sub(lambda m: FILLED[lang][m.group(1)], draft.text)
                assert _found(text, lang=lang) == []
                unfilled = [f for f in _lint(draft.text, lang=lang) if f.rule != "unfilled_slot"]
                assert unfilled == []
                assert [f.span for f in _lint(draft.text)] == [gap.span for gap in draft.gaps]


@pytest.mark.parametrize("form", ["short", "full"])
def test_every_shipped_wording_with_its_act_has_no_finding(form) -> None:
    for playbook in PLAYBOOKS:
        for way in playbook.ways:
            for step in ("empathise", "own", "lead", "act"):
                for text in way.parts[step].of(form):
                    whole = f"{text} {way.parts['act'].of(form)[0]}"
                    whole = GAP.sub(lambda m, lang=playbook.lang: FILLED[lang][m.group(1)], whole)
                    for private in PLAYBOOKS.speech[playbook.lang].private["message"]:
                        assert _found(whole.replace("{private}", private)) == [], playbook.id


def test_too_long_points_at_what_is_over() -> None:
    text = "a" * 300
    (finding,) = _lint(text, limits=Limits(max_length=280))
    assert (finding.rule, finding.severity, finding.span) == ("too_long", "block", (280, 300))
    assert finding.message == "300 of 280 that the platform takes: 20 too many"
    assert _lint("a" * 280, limits=Limits(max_length=280)) == []
    family = "👩‍👩‍👧" * 12
    assert _lint(family, limits=Limits(max_length=12, unit="graphemes")) == []
    (finding,) = _lint(family, limits=Limits(max_length=10, unit="graphemes"))
    assert family[slice(*finding.span)] == "👩‍👩‍👧" * 2
    link = "see https://example.com/" + "x" * 300
    assert _lint(link, limits=Limits(max_length=30, link_length=23)) == []


def test_wrong_language_needs_letters_and_a_sure_detector() -> None:
    english = "Thank you for telling us about it."
    assert [f.rule for f in _lint(english, expected_lang="fi")] == ["wrong_language"]
    (finding,) = _lint(english, expected_lang="pl")
    assert finding.message == "The reply reads as English; the post is in Polish"
    assert _lint(english, expected_lang="xx")[0].message.endswith("the post is in another language (xx)")
    assert _lint(english, expected_lang="en") == []
    assert _lint(english, expected_lang=None) == _lint(english, expected_lang="und") == []
    assert _lint("Thanks, see you!", expected_lang="fi") == []
    for code, score in (("fi", 0.4), ("und", 0.9)):
        unsure = Language(code=code, score=score)
        assert _lint(english, expected_lang="en", detect=lambda text, hint=None, seen=unsure: seen) == []
    norwegian = Language(code="no", score=0.9)
    assert _lint(english, expected_lang="nb", detect=lambda text, hint=None: norwegian) == []


def test_in_private_personal_details_may_be_asked_for_and_given() -> None:
    for text in [*POSITIVE["asks_personal_data_public"], *POSITIVE["personal_data_public"]]:
        assert _lint(text, visibility="private") == []


def test_our_own_contacts_may_stand_in_public() -> None:
    text = "Write to maria@example.com or ring +358 40 123 4567 by noon."
    assert [rule for rule, _ in _found(text)] == ["personal_data_public"] * 2
    assert _lint(text, own_contacts=["Maria@example.com", "+358401234567"]) == []


def test_several_findings_come_in_the_order_of_the_text() -> None:
    text = "Sorry you feel that way!!! Send us your IBAN. We will look into it, [[agent name]]."
    assert _found(text) == [
        ("non_apology", "Sorry you feel"),
        ("shouting", "!!!"),
        ("asks_personal_data_public", "Send us your IBAN"),
        ("vague_promise", "We will look into"),
        ("unfilled_slot", "[[agent name]]"),
    ]


def test_the_record_is_the_public_one() -> None:
    finding = Finding(rule="shouting", severity="hint", span=(1, 4), message="This reads as shouting")
    assert finding.to_record() == {
        "rule": "shouting",
        "severity": "hint",
        "span": [1, 4],
        "message": "This reads as shouting",
    }
    (thanks,) = _lint("Thanks!!!")
    assert thanks.to_record()["fix"] == "!"


PIECES = [piece for texts in POSITIVE.values() for text in texts for piece in (text, *text.split())]


@settings(max_examples=150, deadline=None)
@given(
    text=st.text(max_size=200) | st.lists(st.sampled_from([*PIECES, "\n", ".", "👩‍👩‍👧"]), max_size=30).map(" ".join),
    limit=st.sampled_from([None, 1, 40]),
    unit=st.sampled_from(["code_points", "graphemes"]),
    link=st.sampled_from([None, 23]),
)
def test_spans_are_always_inside_the_text(text, limit, unit, link) -> None:
    limits = Limits(max_length=limit, unit=unit, link_length=link)
    for finding in _lint(text, limits=limits, expected_lang="sv"):
        start, end = finding.span
        assert 0 <= start < end <= len(text)


@pytest.mark.parametrize(
    "piece", ["1 ", "a", "[[", "we will ", "FI21 1", "send us ", "a@", "!?", "A B ", "0 (", "kerro "]
)
def test_a_huge_reply_is_checked_in_time(piece: str) -> None:
    text = piece * (20_000 // len(piece))
    assert all(f.span[1] <= len(text) for f in _lint(text, limits=Limits(max_length=280)))
