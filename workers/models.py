"""Which classifier a name stands for."""

from pathlib import Path

from domain.classification import Flag
from domain.errors import Invalid
from domain.ports import Classifier, LanguageDetector

SHIPPED = Path(__file__).parent.parent / "classifiers" / "model"


def load(name: str, *, threads: int = 2) -> Classifier:
    """Load `amends` (the shipped transformer), `rules` (the baseline), or an artifact's folder.

    Raises `Invalid` with what is wrong: no such folder, a broken file, another architecture.
    """
    if name == "rules":
        from classifiers.baseline import Rules

        return Rules()
    from classifiers.transformer import Transformer

    folder = SHIPPED if name == "amends" else Path(name)
    if not folder.is_dir():
        raise Invalid(f"model {name!r}: 'amends', 'rules', or the folder of an artifact")
    return Transformer.load(folder, threads=threads)


def flags(text: str) -> tuple[Flag, ...]:
    """Return the safety rules that a text meets; they need no model."""
    from classifiers.rules import alarms

    return tuple(alarm.flag() for alarm in alarms(text))


def detector() -> LanguageDetector:
    """Return the language detector, fast enough for the desk."""
    from classifiers.language import Detector

    return Detector()
