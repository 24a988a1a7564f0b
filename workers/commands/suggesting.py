"""`amends suggest`: drafts for a post, JSON lines in and out, no database needed."""

import json
import sys
from functools import cache
from typing import Any

import typer

from config import settings as configuration
from config.playbook_files import load_playbooks
from domain.classification import URGENCIES, Text, Topic, Unclassifiable
from domain.errors import Invalid
from domain.limits import Limits
from domain.ports import Classifier
from responders.suggest import SuggestRequest
from responders.suggest import suggest as drafts_for
from workers import models
from workers.wiring import limits


def suggest() -> None:
    """Read posts as JSON lines from stdin and write drafts to stdout; what is missing is classified first."""
    settings = configuration.load()
    playbooks, counting = load_playbooks(), limits()

    @cache
    def classifier() -> Classifier:
        return models.load(settings.model, threads=settings.threads)

    failed = False
    for number, line in enumerate(sys.stdin, 1):
        identity = f"line {number}"
        try:
            record = json.loads(line)
            if not isinstance(record, dict):
                raise Invalid("not a JSON object")
            identity = str(record.get("id") or identity)
            request = _request(record, identity, classifier)
        except (Invalid, ValueError, RecursionError) as error:
            message = str(error) if isinstance(error, Invalid) else "not JSON"
            sys.stdout.write(json.dumps({"id": identity, "error": message}) + "\n")
            failed = True
            continue
        found = drafts_for(request, playbooks, counting.get(request.platform, Limits()))
        answer = {"id": identity, "language": request.lang, "drafts": [draft.to_record() for draft in found]}
        sys.stdout.write(json.dumps(answer, ensure_ascii=False) + "\n")
        sys.stdout.flush()
    if failed:
        raise typer.Exit(1)


def _request(record: dict[str, Any], identity: str, classifier: Any) -> SuggestRequest:
    text = record.get("text")
    if not isinstance(text, str) or not text.strip():
        raise Invalid("no text")
    lang, topics, urgency = record.get("lang"), record.get("topics"), record.get("urgency")
    if urgency is not None and urgency not in URGENCIES:
        raise Invalid(f"urgency is one of {', '.join(URGENCIES)}")
    if not (isinstance(lang, str) and topics is not None and urgency):
        result = classifier().classify([Text(id=identity, text=text, lang=lang)])[0]
        if isinstance(result, Unclassifiable):
            raise Invalid(result.error)
        lang = lang or result.language.code
        urgency = urgency or result.urgency.label
        topics = topics if topics is not None else [{"name": t.name, "score": t.score} for t in result.topics]
    return SuggestRequest(
        id=identity,
        text=text,
        lang=lang,
        platform=str(record.get("platform") or ""),
        rating=record.get("rating"),
        author_name=str(record.get("author_name") or ""),
        brand=str(record.get("brand") or ""),
        topics=tuple(_topic(topic) for topic in topics),
        urgency=urgency,
    )


def _topic(topic: Any) -> Topic:
    if isinstance(topic, str):
        return Topic(name=topic, score=1.0)
    if isinstance(topic, dict) and isinstance(topic.get("name"), str):
        return Topic(name=topic["name"], score=float(topic.get("score", 1.0)))
    raise Invalid('topics are names, or objects such as {"name": "delivery", "score": 0.9}')
