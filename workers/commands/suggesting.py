"""`amends suggest`: drafts for a post, JSON lines in and out, no database needed."""

from functools import cache
from typing import Any

from config import settings as configuration
from config.playbook_files import load_playbooks
from domain.classification import URGENCIES, Text, Topic, Unclassifiable
from domain.errors import AmendsError
from domain.limits import Limits
from domain.ports import Classifier
from responders.suggest import SuggestRequest
from responders.suggest import suggest as drafts_for
from workers import models
from workers.commands import lines
from workers.wiring import limits

TOPICS = 'topics are names, or objects such as {"name": "delivery", "score": 0.9}'


class BadRecord(ValueError):
    """A line that no draft can be written for; `str()` says why."""


def suggest() -> None:
    """Read posts as JSON lines from stdin and write drafts to stdout; what is missing is classified first."""
    settings = configuration.load()
    playbooks, counting = load_playbooks(settings.playbooks), limits()

    @cache
    def classifier() -> Classifier:
        return models.load(settings.model, threads=settings.threads)

    failed = 0
    for number, line in lines.read():
        record = lines.parse(number, line)
        if isinstance(record, Unclassifiable):
            identity, wrong = record.id, record.error
        else:
            identity, wrong = lines.identity_of(record, number), ""
            try:
                request = _request(record, str(identity), classifier)
            except BadRecord as error:
                wrong = str(error)
        if wrong:
            failed += 1
            lines.write({"id": identity, "error": wrong})
        else:
            found = drafts_for(request, playbooks, counting.get(request.platform, Limits()))
            lines.write({"id": identity, "language": request.lang, "drafts": [draft.to_record() for draft in found]})
        lines.flush()
    if failed:
        raise AmendsError(f"{failed:,} of the lines could not be answered: see their error")


def _request(record: dict[str, Any], identity: str, classifier: Any) -> SuggestRequest:
    text = record.get("text")
    if not isinstance(text, str) or not text.strip():
        raise BadRecord("no text")
    lang, topics, urgency = record.get("lang"), record.get("topics"), record.get("urgency")
    if lang is not None and not isinstance(lang, str):
        raise BadRecord("lang is a code such as fi")
    if topics is not None and not isinstance(topics, list):
        raise BadRecord(TOPICS)
    if urgency is not None and urgency not in URGENCIES:
        raise BadRecord(f"urgency is one of {', '.join(URGENCIES)}")
    rating = record.get("rating")
    if rating is not None and not lines.is_rating(rating):
        raise BadRecord("rating is a whole number, 1 to 5")
    flags = models.flags(text)
    if not lang or topics is None or not urgency:
        result = classifier().classify([Text(id=identity, text=text, lang=lang or None, rating=rating)])[0]
        if isinstance(result, Unclassifiable):
            raise BadRecord(result.error)
        lang, flags = lang or result.language.code, result.flags
        urgency = urgency or result.urgency.label
        topics = topics if topics is not None else [{"name": t.name, "score": t.score} for t in result.topics]
    return SuggestRequest(
        id=identity,
        text=text,
        lang=lang,
        platform=str(record.get("platform") or ""),
        rating=rating,
        author_name=str(record.get("author_name") or ""),
        brand=str(record.get("brand") or ""),
        topics=tuple(_topic(topic) for topic in topics),
        urgency=urgency,
        flags=flags,
    )


def _topic(topic: Any) -> Topic:
    match topic:
        case str():
            return Topic(name=topic, score=1.0)
        case {"name": str(name)} if isinstance(topic.get("score", 1.0), int | float):
            return Topic(name=name, score=float(topic.get("score", 1.0)))
    raise BadRecord(TOPICS)
