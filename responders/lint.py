"""Checks a reply before it is sent: each finding names its rule and quotes its place in the text.

Rules prefer silence to a false alarm: an agent who is warned for nothing stops reading warnings. Wording is checked in
every language there are patterns for, whatever language the reply is said to be in. All spans count code points of the
given text, end exclusive.
"""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from domain.limits import Limits
from domain.ports import LanguageDetector
from responders.suggest import LANGUAGES

Severity = Literal["block", "warn", "hint"]
Visibility = Literal["public", "private"]
Span = tuple[int, int]
MIN_LETTERS = 20
"""Fewer letters than this say too little of their language."""
SURE = 0.6
"""A language detected with less than this is not held against a reply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something to mend. `span` as in the module; `fix` is a text to put in its place, where there is a safe one."""

    rule: str
    severity: Severity
    span: Span
    message: str
    fix: str | None = None

    def to_record(self) -> dict[str, Any]:
        """Return the public record of a finding: plain JSON types only."""
        record: dict[str, Any] = {
            "rule": self.rule, "severity": self.severity, "span": list(self.span), "message": self.message,
        }  # fmt: skip
        return record if self.fix is None else {**record, "fix": self.fix}


def lint(
    text: str,
    *,
    lang: str | None,
    expected_lang: str | None,
    limits: Limits,
    detect: LanguageDetector,
    visibility: Visibility = "public",
    own_contacts: Collection[str] = (),
) -> list[Finding]:
    """Return what is wrong with a reply, in the order of its text.

    `lang`: what the reply is said to be in, a hint for `detect`; `expected_lang`: the poster's. `own_contacts`: our own
    e-mail addresses and phone numbers, which may stand in public. An empty text has no findings: whoever takes it in
    refuses it.
    """
    if not text.strip():
        return []
    # One code point for another, so that spans still count the given text.
    plain = text.replace("’", "'").replace("‘", "'")
    findings = [*_unfilled(plain), *_too_long(text, limits=limits), *_shouting(plain)]
    findings += _wrong_language(text, lang=lang, expected=expected_lang, detect=detect)
    findings += _wording(plain)
    findings += _vague(plain)
    findings += _review_for_reward(plain)
    if visibility == "public":
        findings += _asks_personal_data(plain)
        findings += _personal_data(plain, own={_bare(contact) for contact in own_contacts})
    return sorted(findings, key=lambda f: (f.span, f.rule))


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{p})" for p in patterns), re.IGNORECASE)


_UNFILLED = re.compile(
    r"\[\[[^\[\]\n]{0,60}\]\]|\{\{[^{}\n]{0,60}\}\}|\{[a-z_ ]{0,40}\}|\[\s*\]|\(\s*\)|<[a-z][a-z_ ]{0,40}>"
    r"|\[(?!sic\]|edit\])[^\W\d_][^\W\d]{0,20}(?: [^\W\d]{1,20}){0,3}\]|_{3,}|\[\[|\]\]",
    re.IGNORECASE,
)
_CAPITALS = "A-ZÀ-ÖØ-ÞĀĂĄĆČĎĐĒĖĘĚĢĪĮĶĹĻĽŁŃŅŇŌŐŒŔŘŚŠŢŤŪŮŰŲŹŻŽ"
_SHOUTING = re.compile(rf"\b[{_CAPITALS}]{{2,}}(?:[ ,]+[{_CAPITALS}]{{2,}})+\b|!{{3,}}|[!?]{{4,}}")

_WORDING: tuple[tuple[str, Severity, str, re.Pattern[str]], ...] = (
    (
        "non_apology",
        "warn",
        "This turns the apology on the person's feelings or on a condition: say what we did, and be sorry for that",
        _any(
            r"\b(?:sorry|apologi[sz]e|regret)(?: to hear)?,?(?: that)? you(?:'re| are)? "
            r"(?:feel|felt|feeling|think|thought|believe|see it|upset|unhappy|offended|disappointed)\b",
            r"\b(?:sorry|apologi[sz]e|apologies) (?:if|to anyone who)\b",
            r"\b(?:sorry|apologi[sz]e|apologies) for (?:any|how you feel|the way you feel)\b",
            r"\bmistakes were made\b",
            r"\bsorry,? but (?:you|that's|it's|this is)\b",
            r"\b(?:pahoittel\w+|pahoillani|pahoillamme|anteeksi|harmillista|ikävää),? (?:jos|mikäli)\b",
            r"\b(?:pahoittel\w+|pahoillani|pahoillamme|anteeksi|harmillista|ikävää|harmi),? että "
            r"(?:sinusta|teistä|sinulle|teille) (?:tuntuu|tuntui|jäi|on jäänyt)\b",
            r"\b(?:pahoittel\w+|pahoillani|pahoillamme|anteeksi|harmillista|ikävää|harmi),? että "
            r"(?:koet|koette|tunnet|tunsit|luulet|ajattelet|koit(?:te)? (?:asian|tilanteen|sen),?)(?: |$|\.)",
            r"\bpahoittel\w+ (?:mahdollis\w+|aiheutunutta mielipahaa|mielipahaasi)\b",
        ),
    ),
    (
        "threat",
        "block",
        "This threatens the person: a reply never does",
        _any(
            r"\b(?:we|i)(?:'ll| will| shall| may| can| could| are going to|'re going to) "
            r"(?:\w+ ){0,2}(?:sue you|take you to court|take legal action|press charges|block you|ban you)\b",
            r"\blegal action (?:against you|will (?:be taken|follow))\b",
            r"\b(?:our|my) (?:lawyers?|solicitors?|attorneys?|legal (?:team|department)) "
            r"(?:will|is going to|are going to)"
            r" (?:be in touch|contact you|hear|deal with you)\b",
            r"\byou(?:'ll| will) (?:regret|be sorry|hear from our (?:lawyers?|solicitors?|attorneys?|legal))\b",
            r"\b(?:watch|be careful) what you (?:say|post|write)\b",
            r"\b(?:is|constitutes?|amounts to|sue you for) (?:defamation|libel|slander|defamatory|libellous)\b",
            r"\breport you to\b|\bsee you in court\b|\bwe know where you\b",
            r"\b(?:viemme|vien|haastamme|haastan|menemme) (?:[^\s.!?]+ ){0,3}oikeuteen\b",
            r"\b(?:lakimiehemme|juristimme|asianajajamme) (?:ottaa|ottavat|on|ovat|hoitaa)\b",
            r"\b(?:ryhdymme|ryhdyn|harkitsemme) oikeustoimi\w*|\b(?:teemme|teen) (?:sinusta |tästä )?rikosilmoitu\w*",
            r"\b(?:tämä|viestisi|kirjoituksesi|julkaisusi) on kunnianloukkaus\w*",
            r"\b(?:estämme|blokkaamme) sinut\b|\btulet katumaan\b",
            r"\bkadut vielä\b|\b(?:varo|harkitse),? mitä kirjoitat\b",
        ),
    ),
)

_VAGUE = _any(
    r"\b(?:we|i|our team|someone|somebody|they)(?:'ll| will| shall|'re| are|'m| am| is)?(?: be| going to)*"
    r"(?: now| currently)? (?:look(?:ing)? into"
    r"|investigat(?:e|ing)|get(?:ting)? back to you|be in touch|in touch|follow(?:ing)? up"
    r"|pass(?:ing)? (?:it|this|that|your \w+) (?:on|along)|do(?:ing)? our best|see what (?:we|i) can do)\b",
    r"\b(?:selvitämme|selvitän|selvitetään|selvittelemme|tutkimme|tutkitaan|tarkistamme|palaamme|palaan)\b",
    r"\b(?:laitamme|laitan|viemme|välitämme|välitän) (?:[^\s.!?]+ ){0,2}eteenpäin\b|\b(?:välitämme|välitän) palaut\w+",
    r"\bteemme parhaamme\b|\b(?:otamme|otan) (?:asiasta |tästä )?selvää\b",
)
_BY_WHEN = _any(
    r"\[\[date\]\]|\b(?:today|tonight|tomorrow|noon|midnight|(?:mon|tues|wednes|thurs|fri|satur|sun)day)\b",
    r"\b(?:within|in|inside|next|less than|no later than) (?:the next |the )?(?:an?|one|two|three|four|five|\d+) "
    r"(?:\w+ )?(?:minutes?|hours?|days?|weeks?)\b",
    r"\b(?:end of|this) (?:the |this |my )?(?:day|week|morning|afternoon|evening)\b",
    r"\b\d{1,2}(?:st|nd|rd|th)? (?:of )?(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\w*",
    r"\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\w* \d{1,2}\b",
    r"\b\d{1,2}(?::|\.)\d{2}\b|\b\d{1,2} ?[ap]\.?m\b",
    r"\b\d{1,2}[./]\s?\d{1,2}\b|\b\d{4}-\d{2}-\d{2}\b",
    r"\b(?:tänään|huomenna|ylihuomenna|mennessä|viimeistään|klo|kello)\b",
    r"\b(?:maanantai|tiistai|keskiviikko|torstai|perjantai|lauantai|sunnuntai)\w*",
    r"\b(?:tunnin|päivän|arkipäivän|vuorokauden|viikon) (?:kuluessa|sisällä|aikana|päästä|loppuun)\b",
)

_REVIEW = _any(
    r"\b(?:delet|remov|chang|updat|edit|revis|amend|rais|improv|leav|writ|post|giv|tak)\w*\b[^.!?\n]{0,30}"
    r"\b(?:reviews?|ratings?|stars?)\b",
    r"\b(?:poista|muuta|muuto|muokkaa|muokata|päivitä|nosta|korjaa|jätä|jättä|kirjoita|anna|annat)\w*\b[^.!?\n]{0,30}"
    r"\b(?:arvostelu\w*|arvio(?:si|tasi|nne|tanne)|tähteä|tähden|tähdet|tähtiä)",
    r"\b(?:arvostelu\w*|arvio(?:si|tasi|nne|tanne))\b[^.!?\n]{0,20}\b(?:poist|muut|muok|päivit|nost)\w*",
)
_REWARD = _any(
    r"\b(?:refund\w*|discounts?|vouchers?|coupons?|credit|gift\w*|money|compensat\w+|reward\w*|free|\d+ ?% off)\b",
    r"\b(?:hyvity\w+|hyvitä\w*|alennu\w+|lahjakort\w+|palautam\w+|raha\w*|kuponki\w*|kupongi\w*|ilmai\w+|palkkio\w*)",
)
_IN_RETURN = _any(
    r"\b(?:if|once|when|after|as soon as|provided|in exchange|in return|for (?:deleting|removing|changing|leaving))\b",
    r"\b(?:jos|kun|mikäli|kunhan|vastineeksi|vaihdossa|palkkioksi|niin|jälkeen)\b",
)

_DATA_EN = (
    r"(?:(?:tele)?phone(?: number)?|mobile(?: number)?|contact (?:number|details)|e-?mail address|e-?mail(?! us\b)"
    r"|(?:home |postal |street |delivery |billing )?address|iban|bank (?:details|account(?: number)?)|account number"
    r"|(?:credit |debit |bank )?card (?:number|details)|(?:social security|id|passport|personal identity) number|ssn"
    r"|date of birth|passwords?|pin(?: code)?)\b"
)
_DATA_FI = (
    r"\b(?:puhelinnumero|puhelinnro|numerosi\b|sähköposti(?:osoite|osoittee|si\b)|osoitteesi|osoitettasi"
    r"|(?:koti|posti|katu|toimitus)osoit|iban|tilinumero|kortin (?:numero|tiedo)|korttinumero|henkilötunnu"
    r"|hetu(?:si)?\b|sotu(?:si)?\b|syntymäai|salasana|pin-koodi)\w*"
)
_ASKS = _any(
    r"\b(?:send|give|share|provide|post|comment|drop|leave|write|tell|confirm|reply with|let us have)\s+"
    r"(?:(?:us|me|over|back|down|below|here|with)\s+)*(?:your|[^.!?\n]{0,60}?(?:\band|\bor|,|&|\bplus|\bwith)\s+(?:your\s+)?)"
    rf"\s*(?:(?!our\b)\w+\s+)?{_DATA_EN}",
    rf"\b(?:what(?:'s| is| are)|(?:can|could|may) (?:we|i) (?:have|get|ask for)) your (?:\w+ )?{_DATA_EN}",
    r"\b(?:lähetä|lähetätkö|laita|laitatko|anna|annatko|kerro|kerrotko|ilmoita|kirjoita|kommentoi|jaa|saisinko|saisimmeko"
    r"|saanko|saammeko|voisitko|voitko|pistä|mikä on)(?:han|hän|than|thän)?\b"
    rf"[^.!?\n]{{0,60}}?{_DATA_FI}",
)
_PRIVATELY = _any(
    r"\b(?:private(?:ly)?|direct message|dms?|pms?|inbox|secure\w*|form|https?)\b|\[\[contact link\]\]",
    r"\byksityis\w*|\bsuoraviesti\w*|\b(?:dm|inbox)\w*|\blomak\w*",
)
_OPENLY = _any(r"\b(?:here|below|in (?:the|a) comments?)\b", r"\b(?:tähän|tänne|alle|kommentt\w+|kommenteissa)\b")
_NOT = _any(
    r"\b(?:never|no|not|without|don't|do not|leave out|leaving out)\b", r"\b(?:älä|älkää|ei|eikä|ilman|en tarvitse)\b"
)

_SENTENCE = re.compile(r"(?:[^.!?\n]|[.!?](?=\S))+[.!?]*")
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,4}[^\W\d_]{2,24}\b")
_DESK = re.compile(
    r"(?:asiakaspalvelu|care|contact|customer|data|feedback|hello|help|hei|info|kundservice|office|palaute|press|privacy"
    r"|reklamaatio|safety|sales|security|service|support|team|tietosuoja|tuki|turvallisuus)[\w.+-]*@",
    re.IGNORECASE,
)
_IBAN = re.compile(r"\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]){11,30}\b")
_IBAN_LENGTH = {
    "AT": 20, "BE": 16, "CH": 21, "CZ": 24, "DE": 22, "DK": 18, "EE": 20, "ES": 24, "FI": 18, "FR": 27, "GB": 22,
    "IE": 22, "IT": 27, "LT": 20, "LV": 21, "NL": 18, "NO": 15, "PL": 28, "PT": 25, "SE": 24,
}  # fmt: skip
_CARD = re.compile(r"(?<![\w+-])(?:[0-9][ -]?){12,18}[0-9](?![\w-])")
_PHONE = re.compile(r"(?<![\w.,/+-])(?:\+|00)?[0-9](?:[ ()-]{0,2}[0-9]){6,13}(?![\w/-]|[.,][0-9])")
_FREE_PHONE = re.compile(r"(?:\+?358|0)?(?:800|600|700|20[0-9])|1800|18[0-9]{2}")
_REFERENCE = re.compile(
    r"(?:order|invoice|case|ticket|tracking|reference|parcel|tilau\w*|lasku\w*|tapau\w*|seuranta\w*|viite\w*|lähety\w*)"
    r"[\s:#]*(?:(?:number|no|nro|numero|tunnus|id)\w*)?(?: is| on)?[\s:.#]*$",
    re.IGNORECASE,
)
_HETU = re.compile(r"\b[0-3][0-9][01][0-9]{3}[-+A-FU-Y][0-9]{3}[0-9A-FHJ-NPR-Y]\b")


def _unfilled(text: str) -> Iterator[Finding]:
    for found in _UNFILLED.finditer(text):
        message = f"Still to be filled: {found.group()}"
        yield Finding(rule="unfilled_slot", severity="block", span=found.span(), message=message)


def _too_long(text: str, *, limits: Limits) -> Iterator[Finding]:
    if limits.max_length is None or (length := limits.length(text)) <= limits.max_length:
        return
    low, high = 0, len(text) - 1  # the longest start that fits is in between
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if limits.length(text[:middle]) <= limits.max_length else (low, middle - 1)
    message = f"{length} of {limits.max_length} that the platform takes: {length - limits.max_length} too many"
    yield Finding(rule="too_long", severity="block", span=(low, len(text)), message=message)


def _shouting(text: str) -> Iterator[Finding]:
    for found in _SHOUTING.finditer(text):
        words = found.group()
        if words[0] in "!?" or sum(c.isalpha() for c in words) >= 8:
            fix = words[0] if words[0] in "!?" else None
            yield Finding(
                rule="shouting", severity="hint", span=found.span(), message="This reads as shouting", fix=fix
            )


def _wrong_language(
    text: str, *, lang: str | None, expected: str | None, detect: LanguageDetector
) -> Iterator[Finding]:
    if not expected or expected == "und" or sum(c.isalpha() for c in text) < MIN_LETTERS:
        return
    seen = detect(text, hint=lang)
    if seen.code == "und" or seen.score < SURE or _family(seen.code) == _family(expected):
        return
    message = f"The reply reads as {_named(seen.code)}; the post is in {_named(expected)}"
    yield Finding(rule="wrong_language", severity="warn", span=(0, len(text)), message=message)


def _named(code: str) -> str:
    return LANGUAGES.get(code.lower().replace("_", "-").split("-")[0], f"another language ({code})")


def _family(code: str) -> str:
    short = code.lower().replace("_", "-").split("-")[0]
    return "no" if short in {"nb", "nn", "no"} else short


def _wording(text: str) -> Iterator[Finding]:
    for rule, severity, message, pattern in _WORDING:
        for found in pattern.finditer(text):
            yield Finding(rule=rule, severity=severity, span=found.span(), message=message)


def _vague(text: str) -> Iterator[Finding]:
    last = max((found.start() for found in _BY_WHEN.finditer(text)), default=-1)
    for found in _VAGUE.finditer(text):
        # A by-when counts in the same sentence or in any after it: replies often name it at the end.
        start = max(text.rfind(mark, 0, found.start()) for mark in ".!?\n") + 1
        if last < start:
            message = f'"{found.group()}" without a by-when: say who does what, and by when'
            yield Finding(rule="vague_promise", severity="warn", span=found.span(), message=message)


def _sentences(text: str) -> Iterator[Span]:
    return (found.span() for found in _SENTENCE.finditer(text))


def _review_for_reward(text: str) -> Iterator[Finding]:
    for start, end in _sentences(text):
        found = [pattern.search(text, start, end) for pattern in (_REVIEW, _REWARD, _IN_RETURN)]
        spans = [f.span() for f in found if f]
        if len(spans) == len(found):
            span = min(s for s, _ in spans), max(e for _, e in spans)
            message = "A remedy never depends on a review: offer it for its own sake, or leave the review out"
            yield Finding(rule="review_for_reward", severity="block", span=span, message=message)


def _asks_personal_data(text: str) -> Iterator[Finding]:
    before = 0
    for start, end in _sentences(text):
        for found in _ASKS.finditer(text, start, end):
            # The sentence before may have said where to write: "Send us a private message. Tell us your phone number."
            private = _PRIVATELY.search(text, before, end) and not _OPENLY.search(text, found.start(), end)
            if not private and not _NOT.search(text, max(start, found.start() - 20), found.end()):
                message = "This asks for personal details in public: ask for them in a private message"
                yield Finding(rule="asks_personal_data_public", severity="block", span=found.span(), message=message)
        before = start


def _personal_data(text: str, *, own: Collection[str]) -> Iterator[Finding]:
    taken: list[Span] = []
    for what, pattern, check in _KINDS:
        for found in pattern.finditer(text):
            if (span := check(text, found)) is None or _bare(text[span[0] : span[1]]) in own:
                continue
            if all(span[1] <= s or e <= span[0] for s, e in taken):
                taken.append(span)
                message = f"{what} in public: leave it out, or send it privately"
                yield Finding(rule="personal_data_public", severity="block", span=span, message=message)


def _bare(contact: str) -> str:
    return re.sub(r"[\s()-]", "", contact).lower()


def _email(text: str, found: re.Match[str]) -> Span | None:
    """A desk's own address ("support@…") is nobody's personal data."""
    return None if _DESK.match(found.group()) else found.span()


def _iban(text: str, found: re.Match[str]) -> Span | None:
    """The words after an account number may look like more of it, so its country's length decides where it ends."""
    start, length = found.start(), _IBAN_LENGTH.get(found.group()[:2])
    places = [i for i in range(start, found.end()) if text[i] != " "][:length]
    code = "".join(text[i] for i in places)
    digits = "".join(str(int(c, 36)) for c in code[4:] + code[:4])
    return (start, places[-1] + 1) if len(code) == (length or len(code)) and int(digits) % 97 == 1 else None


def _card(text: str, found: re.Match[str]) -> Span | None:
    digits = [int(c) for c in found.group() if c.isdigit()]
    doubled = [d if i % 2 == 0 else d * 2 - 9 * (d > 4) for i, d in enumerate(reversed(digits))]
    issued = digits[0] in {2, 3, 4, 5, 6} and len(digits) in {13, 15, 16, 19}
    return found.span() if issued and sum(doubled) % 10 == 0 and len(set(digits)) > 1 else None


def _phone(text: str, found: re.Match[str]) -> Span | None:
    number = found.group()
    digits = re.sub(r"[^0-9+]", "", number)
    dialled = number.startswith(("+", "00")) or re.match(r"0(?:4[0-9]|50)|0[0-9 ()-]*[ ()-]", number)
    date = re.fullmatch(r"[0-9]{1,2}[ -][0-9]{1,2}[ -](?:[0-9]{2}){1,2}", number)
    if (
        not dialled
        or date
        or _FREE_PHONE.match(digits)
        or _REFERENCE.search(text, max(0, found.start() - 40), found.start())
    ):
        return None
    return found.span()


def _hetu(text: str, found: re.Match[str]) -> Span | None:
    code = found.group()
    return found.span() if "0123456789ABCDEFHJKLMNPRSTUVWXY"[int(code[:6] + code[7:10]) % 31] == code[10] else None


_KINDS: tuple[tuple[str, re.Pattern[str], Callable[[str, re.Match[str]], Span | None]], ...] = (
    ("An e-mail address", _EMAIL, _email),
    ("A bank account", _IBAN, _iban),
    ("A card number", _CARD, _card),
    ("A personal identity code", _HETU, _hetu),
    ("A phone number", _PHONE, _phone),
)
