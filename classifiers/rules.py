"""Rules above the model: wording that is always critical (safety, medical, self-harm, law, press, data leak, fraud).

They are tried in all five languages whatever the detector says, since a miss costs more than the time; the patterns
are in `wording/`.
"""

from dataclasses import dataclass

from classifiers.normalise import folded
from classifiers.wording import LANGUAGES, Found, wording
from domain.classification import Flag

TITLES = {
    "fire_injury": "danger of fire or injury",
    "medical": "health",
    "self_harm": "self-harm",
    "legal_press": "law or press",
    "data_leak": "data leak",
    "fraud": "fraud",
}


@dataclass(frozen=True, slots=True)
class Alarm:
    """A rule that fired: its name, the language of its wording, and the place in the text."""

    rule: str
    language: str
    found: Found

    @property
    def reason(self) -> str:
        """One line for a person, quoting the words."""
        return f"{TITLES[self.rule]}: “{self.found.words}”"

    def flag(self) -> Flag:
        return Flag(name=self.rule, reason=self.reason)


def alarms(text: str) -> list[Alarm]:
    """Return the rules that fire on `text`, each at most once, in the order of `TITLES`."""
    shape = folded(text)
    fired: dict[str, Alarm] = {}
    for language in LANGUAGES:
        for rule, words in wording(language, "safety").items():
            if rule not in fired and (found := words.first(text, shape)):
                fired[rule] = Alarm(rule, language, found)
    return [fired[rule] for rule in TITLES if rule in fired]
