"""Calibration from rows that no training saw: scalings by language, temperatures, and the band in which to ask."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from classifiers.calibrate import Calibration, Costs, Floats, Platt, fit_platt, fit_temperature
from classifiers.reader import Reader
from classifiers.rows import OWN, SENTIMENTS, Row

HUMAN = ("xci", "cesamard", OWN)
"""Sources whose complaint labels calibrate English; `fincorp` is left out, since its style gives it away."""
FIRM_SLOPE = 1e6
"""Other languages have a few dozen posts: their slope stays that of English, only the shift is fitted."""
FEW = 60
"""Rows of a language under which its sentiment takes the temperature of all."""


def tune(reader: Reader, rows: Sequence[Row], costs: Costs) -> Calibration:
    """Return the calibration fitted to the rows of the part `calibrate`.

    Complaint: English on human labels; any other language starts from it and moves its shift by the posts that were
    written for the purpose, held near what all languages but English need together, which is the group `*`.
    """
    used = [row for row in rows if row.part == "calibrate"]
    logits = np.stack([each.mean(axis=0) for each in reader.read([row.text for row in used])])
    english = _pick(used, logits, lambda row: row.lang == "en" and row.source in HUMAN)
    others = _pick(used, logits, lambda row: row.lang != "en" and row.source == OWN)
    scaled = {"en": fit_platt(*english, prior=Platt(), hold=(2.0, 2.0))}
    scaled["*"] = fit_platt(*others, prior=scaled["en"], hold=(FIRM_SLOPE, 2.0))
    for lang in sorted({row.lang for row in used if row.source == OWN and row.lang != "en"}):
        own = _pick(used, logits, lambda row, lang=lang: row.lang == lang and row.source == OWN)
        scaled[lang] = fit_platt(*own, prior=scaled["*"], hold=(FIRM_SLOPE, 4.0))
    return Calibration(complaint=scaled, temperature=_temperatures(used, logits), band=costs.band)


def _pick(rows: Sequence[Row], logits: Floats, wanted: object) -> tuple[Floats, Floats]:
    assert callable(wanted)
    places = [at for at, row in enumerate(rows) if row.complaint is not None and wanted(row)]
    return logits[places, 0], np.array([float(bool(rows[at].complaint)) for at in places])


def _temperatures(rows: Sequence[Row], logits: Floats) -> dict[str, float]:
    groups: dict[str, list[int]] = defaultdict(list)
    for at, row in enumerate(rows):
        if row.sentiment is not None and not row.weak:
            groups["*"].append(at)
            groups[row.lang].append(at)
    found = {}
    for name, places in groups.items():
        if name == "*" or len(places) >= FEW:
            labels = np.array([SENTIMENTS.index(rows[at].sentiment or "neutral") for at in places])
            found[name] = fit_temperature(logits[places, 1:], labels)
    return found
