"""The simplest rival: words and letter groups, TF-IDF, logistic regression, on the same rows (needs scikit-learn)."""

from collections.abc import Sequence
from typing import Any

from classifiers.judge import graded
from classifiers.rows import Row
from classifiers.sampling import target
from domain.classification import (
    SENTIMENTS,
    Classification,
    Complaint,
    Graded,
    Language,
    Text,
    Topic,
    Unclassifiable,
)

LETTERS = 60_000
"""Letter groups and words that are kept of a language."""


class Rival:
    """Logistic regression per head, sentiment per language; behind the classifier's port, for evaluation only."""

    model = "tfidf-lr"

    def __init__(self, rows: Sequence[Row]) -> None:
        """Train on the rows of the part `train`, with the same weak complaint labels as the transformer."""
        rows = [row for row in rows if row.part == "train"]
        judged = [(row, target(row)) for row in rows]
        judged = [(row, aim) for row, aim in judged if aim.complaint_counts]
        self._complaint = _fitted(
            [row.text for row, _ in judged],
            [str(aim.complaint > 0) for _, aim in judged],
            [aim.complaint_counts for _, aim in judged],
        )
        self._sentiment: dict[str, Any] = {}
        for lang in sorted({row.lang for row in rows}):
            some = [row for row in rows if row.lang == lang and row.sentiment]
            self._sentiment[lang] = _fitted(
                [row.text for row in some],
                [row.sentiment or "" for row in some],
                [target(r).sentiment_counts for r in some],
            )

    def classify(self, texts: Sequence[Text]) -> list[Classification | Unclassifiable]:
        """Classify texts whose hint names their language."""
        yes = list(self._complaint.classes_).index("True")
        complaints = self._complaint.predict_proba([text.text for text in texts])[:, yes].tolist()
        return [self._one(text, score) for text, score in zip(texts, complaints, strict=True)]

    def why(self, text: Text) -> list[Any]:
        return []

    def _one(self, text: Text, complaint: float) -> Classification:
        model = self._sentiment.get(text.lang or "en", self._sentiment["en"])
        shares = dict(zip(model.classes_, model.predict_proba([text.text])[0].tolist(), strict=True))
        return Classification(
            id=text.id,
            language=Language(code=text.lang or "und", score=1.0),
            complaint=Complaint(label=complaint >= 0.5, score=complaint),
            urgency=Graded(label="low", score=1.0, scores={"low": 1.0, "normal": 0.0, "high": 0.0, "critical": 0.0}),
            sentiment=graded([shares.get(name, 0.0) for name in SENTIMENTS]),
            topics=(Topic(name="other", score=0.0),),
            model=self.model,
        )


def _fitted(texts: Sequence[str], labels: Sequence[str], weights: Sequence[float]) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline, make_union

    words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True, max_features=LETTERS)
    letters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), min_df=2, sublinear_tf=True, max_features=LETTERS)
    model = make_pipeline(make_union(words, letters), LogisticRegression(C=4.0, max_iter=200))
    return model.fit(list(texts), list(labels), logisticregression__sample_weight=list(weights))
