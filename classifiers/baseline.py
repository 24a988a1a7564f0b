"""The rules baseline: complaint and sentiment from word lists; what the transformer has to beat, no stand-in for it."""

from collections.abc import Sequence

from classifiers.calibrate import Calibration, Platt
from classifiers.judge import judge
from classifiers.language import Detector
from classifiers.normalise import LONGEST, folded, normalise
from classifiers.wording import Found, spoken, wording
from domain.classification import Classification, Text, Unclassifiable, Weight

NAME = "rules@1"

_SHOUT = 2
_PLAIN = Calibration(complaint={"*": Platt()}, temperature={"*": 1.0}, band=(0.4, 0.6))


class Rules:
    """Word lists in five languages behind the port `domain.ports.Classifier`; needs no artifact."""

    model = NAME

    def __init__(self, detector: Detector | None = None) -> None:
        self._detector = detector or Detector()

    def classify(self, texts: Sequence[Text]) -> list[Classification | Unclassifiable]:
        """Classify texts, one result each, in order; a text without a word is `Unclassifiable`."""
        return [self._one(text) for text in texts]

    def why(self, text: Text) -> list[Weight]:
        """Return the words of the lists that were met, each with weight 1, or -1 where they speak against."""
        language = self._detector(text.text, hint=text.lang).code
        met = _met(text.text[:LONGEST], language)
        signs = (("complaint", 1.0, "complaint"), ("positive", -1.0, "complaint"), ("negative", 1.0, "sentiment"))
        return [Weight(span=found.span, weight=sign, head=head) for name, sign, head in signs for found in met[name]]

    def _one(self, text: Text) -> Classification | Unclassifiable:
        if not normalise(text.text):
            return Unclassifiable(id=text.id, error="the text holds no word")
        language = self._detector(text.text, hint=text.lang)
        met = _met(text.text[:LONGEST], language.code)
        complaint, negative, positive = (len(met[name]) for name in ("complaint", "negative", "positive"))
        asked = text.text.rstrip().endswith("?") and complaint < _SHOUT
        logit = 1.1 * complaint + 0.5 * negative - 1.0 * positive - 0.8 - (0.7 if asked else 0.0)
        return judge(
            text,
            language=language,
            complaint_logit=max(-4.0, min(4.0, logit)),
            sentiment_logits=[min(3, negative + complaint / 2), 0.6, min(3, positive)],
            calibration=_PLAIN,
            model=self.model,
        )


def _met(text: str, language: str) -> dict[str, list[Found]]:
    shape = folded(text)
    met: dict[str, list[Found]] = {"complaint": [], "negative": [], "positive": []}
    for each in spoken(language):
        for name, words in wording(each, "baseline").items():
            met[name] += words.all(text, shape)
    return met
