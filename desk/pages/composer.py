"""The composer: drafts to choose from, what is found in the words so far, and keeping them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Form, Request
from starlette.responses import JSONResponse, Response

from desk.edge import House, InHouse, SignedIn
from desk.pages.frame import clock
from desk.pages.wording import STEPS
from desk.render import page
from domain.errors import Conflict, Invalid, NotFound
from domain.person import Person
from domain.playbook import GAP, find_gaps
from domain.ports import Eligibility
from domain.reply import Reply, ReplyStatus
from responders import answer
from responders.lint import Finding
from store import cases, mentions, people, replies, suggestions

Row = sa.RowMapping
Id = int | None
SPOKEN = ("approved", "sending", "uncertain", "sent", "failed")
TOLD = 8
"""Letters that a piece of a step must have to be known again in an edited draft."""

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """What is found in a text: findings, length as the platform counts, steps as they stand there, gaps left."""

    text: str
    findings: Sequence[Finding]
    length: int
    most: int | None
    gaps: int
    steps: Mapping[str, bool]

    @property
    def over(self) -> bool:
        """Whether it is longer than the platform takes."""
        return self.most is not None and self.length > self.most

    @property
    def told(self) -> list[Finding]:
        """The findings to list: gaps are counted and marked already."""
        marked = {gap.span for gap in find_gaps(self.text)}
        return [finding for finding in self.findings if finding.span not in marked]


@dataclass(frozen=True, slots=True, kw_only=True)
class Composer:
    """What the composer shows. `mention` None: there is nothing to answer; `underway`: a reply that is not a draft.

    `writer` began the draft.
    """

    case_id: int
    mention: Row | None
    way: Eligibility
    checks: Checks
    lang: str = ""
    choices: Sequence[Row] = field(default=())
    chosen: Id = None
    draft: Reply | None = None
    writer: str = ""
    underway: Reply | None = None
    answered: bool = False
    replaces: bool = False
    preparing: bool = False


def look(text: str, *, mention: Row, lang: str, choice: Row | None, at: House) -> Checks:
    """Check a text for a post."""
    limits = at.rules.limits_of(mention["platform"])
    expected = mention["lang"] or lang
    found = answer.check(text, platform=mention["platform"], lang=lang, expected_lang=expected, rules=at.rules)
    return Checks(
        text=text,
        findings=found,
        length=limits.length(text),
        most=limits.max_length,
        gaps=len(find_gaps(text)),
        steps=_steps(text, choice),
    )


def _steps(text: str, choice: Row | None) -> dict[str, bool]:
    """Say of each step whether its words still stand; none where the text is a person's own from the start."""
    if choice is None:
        return {}
    told = dict.fromkeys(STEPS, False)
    for step in choice["steps"] or ():
        start, end = step["span"]
        pieces = [piece.strip() for piece in GAP.sub("\0", choice["text"][start:end]).split("\0")]
        if any(len(piece) >= TOLD and piece in text for piece in pieces):
            told[step["step"]] = True
    return told


def compose(connection: sa.Connection, head: Row, at: House, *, answering: Id = None) -> Composer:
    """Return the composer of a case, for the post to answer: the one asked for, the one with a draft, or the newest."""
    spoken = replies.of_case(connection, head["id"])
    mention = _to_answer(connection, head, spoken, answering)
    way = answer.way_of(connection, mention, rules=at.rules) if mention else at.rules.way(head["platform"])
    if mention is None:
        nothing = Checks(text="", findings=(), length=0, most=None, gaps=0, steps={})
        return Composer(case_id=head["id"], mention=None, way=way, checks=nothing)
    live = replies.live_for(connection, mention["id"])
    draft = live if live is not None and live.status is ReplyStatus.DRAFT else None
    choices = suggestions.of_mention(connection, mention["id"], mention["revision"])
    chosen = draft.suggestion_id if draft else (choices[0]["id"] if choices else None)
    choice = next((row for row in choices if row["id"] == chosen), None)
    text = draft.text if draft else (choice["text"] if choice else "")
    lang = (draft.lang if draft else choice["lang"] if choice else mention["lang"]) or "und"
    return Composer(
        case_id=head["id"],
        mention=mention,
        way=way,
        checks=look(text, mention=mention, lang=lang, choice=choice, at=at),
        lang=lang,
        choices=choices,
        chosen=chosen,
        draft=draft,
        writer=_name(connection, draft.created_by) if draft else "",
        underway=live if live is not None and draft is None else None,
        answered=any(row["mention_id"] == mention["id"] and row["status"] == "sent" for row in spoken),
        replaces=at.rules.limits_of(mention["platform"]).replaces,
        preparing=not choices and head["prepare_at"] is not None,
    )


def _to_answer(connection: sa.Connection, head: Row, spoken: Sequence[Row], answering: Id) -> Row | None:
    drafted = [row["mention_id"] for row in spoken if row["status"] == "draft"]
    wanted = [answering, *drafted[-1:], head["last_mention_id"]]
    for mention_id in wanted:
        row = mentions.get(connection, mention_id) if mention_id is not None else None
        if row is not None and row["case_id"] == head["id"] and not row["ours"] and row["deleted_at"] is None:
            return row
    said = mentions.conversation(connection, cases.conversation_ids(connection, head["id"]), case_id=head["id"])
    fit = [row for row in said if row["case_id"] == head["id"] and not row["ours"] and row["deleted_at"] is None]
    return fit[-1] if fit else None


Text = Annotated[str, Form(max_length=50_000)]
Field = Annotated[str, Form(max_length=20)]


def number(value: str) -> Id:
    """Return a form's number, None where the field is empty or is none."""
    return int(value) if value.isdecimal() and len(value) < 19 else None


def plain(text: str) -> str:
    """Return a form's text with plain line ends: browsers send carriage returns, platforms would count them."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def choice_of(connection: sa.Connection, mention: Row, suggestion_id: Id) -> Row | None:
    """Return the draft that was chosen, where it is one for this post."""
    rows = suggestions.of_mention(connection, mention["id"], mention["revision"])
    return next((row for row in rows if row["id"] == suggestion_id), None)


@router.post("/cases/{case_id}/check")
def check(
    request: Request,
    case_id: int,
    at: InHouse,
    who: SignedIn,
    mention_id: Field,
    text: Text = "",
    lang: Field = "",
    suggestion_id: Field = "",
) -> Response:
    """Say what is found in the words so far; keeps nothing."""
    with at.database.read() as connection:
        mention = mentions.get(connection, number(mention_id) or 0)
        if mention is None or mention["case_id"] != case_id:
            raise NotFound("this post does not belong to this case")
        choice = choice_of(connection, mention, number(suggestion_id))
    checks = look(plain(text), mention=mention, lang=lang or mention["lang"] or "und", choice=choice, at=at)
    return page(request, "checks_part.html", {"checks": checks})


@router.post("/cases/{case_id}/draft")
def keep(
    request: Request,
    case_id: int,
    at: InHouse,
    who: SignedIn,
    mention_id: Field,
    text: Text = "",
    lang: Field = "",
    reply_id: Field = "",
    version: Field = "",
    suggestion_id: Field = "",
) -> Response:
    """Keep the words so far as the draft; when somebody else has written meanwhile, show both and keep theirs."""
    words = plain(text)
    if not words.strip():
        return JSONResponse({"kept": False})
    with at.database.read() as connection:
        if _spoken(connection, case_id, mention_id=number(mention_id) or 0, text=words, but=number(reply_id)):
            return JSONResponse({"kept": False})
    try:
        reply = kept(
            at, case_id, by=who, text=words, mention_id=number(mention_id) or 0, lang=lang,
            reply_id=number(reply_id), version=number(version), suggestion_id=number(suggestion_id),
        )  # fmt: skip
    except Conflict:
        return clash(
            request, at, case_id, by=who, text=words, mention_id=number(mention_id) or 0, reply_id=number(reply_id)
        )
    local = at.now().astimezone(clock(request, at).zone)
    return JSONResponse({"kept": True, "reply_id": reply.id, "version": reply.version, "at": f"{local:%H:%M}"})


def _spoken(connection: sa.Connection, case_id: int, *, mention_id: int, text: str, but: Id) -> bool:
    """Whether these words are an approved reply to the post, or were: the last key's words come after the approval.

    Words that a person goes on with in a draft of their own (`but`) are not.
    """
    said = [row for row in replies.of_case(connection, case_id) if row["mention_id"] == mention_id]
    if any(row["id"] == but and row["status"] == "draft" for row in said):
        return False
    return any(row["status"] in SPOKEN and row["text"] == text for row in said)


def kept(
    at: House,
    case_id: int,
    *,
    by: Person,
    text: str,
    mention_id: int,
    lang: str,
    reply_id: Id,
    version: Id,
    suggestion_id: Id,
) -> Reply:
    """Store the words as the draft of a reply to this post, in a transaction of its own."""
    with at.database.write() as connection:
        mention = mentions.get(connection, mention_id)
        if mention is not None and mention["deleted_at"] is not None:
            raise Invalid("they deleted this post: there is nothing to answer, and your words are not kept")
        present = replies.load(connection, reply_id) if reply_id is not None else None
        if present is not None and present.case_id != case_id:
            raise NotFound(f"there is no reply {reply_id} in this case")
        if present is None or present.status is ReplyStatus.WITHDRAWN:
            live = replies.live_for(connection, mention_id)
            if live is not None and live.status is ReplyStatus.DRAFT and live.text == text:
                return live  # kept before, and the answer to that got lost
            choice = choice_of(connection, mention, suggestion_id) if mention is not None else None
            return answer.draft(
                connection, case_id, mention_id=mention_id, text=text, by=by, now=at.now(), rules=at.rules, lang=lang,
                suggestion_id=choice["id"] if choice else None,
            )  # fmt: skip
        if present.status is not ReplyStatus.DRAFT:
            raise Conflict("this reply is no draft any more")
        if present.version == version and present.text == text:
            return present
        return answer.edit(connection, present.id or 0, text=text, version=version or 0, now=at.now(), lang=lang)


def clash(
    request: Request, at: House, case_id: int, *, by: Person, text: str, mention_id: int, reply_id: Id
) -> Response:
    """Show both texts: what was typed here, and what stands there now."""
    with at.database.read() as connection:
        theirs = replies.live_for(connection, mention_id)
        if theirs is None and reply_id is not None:
            theirs = replies.load(connection, reply_id)
        writer = _writer(connection, theirs, by)
    if theirs is None or theirs.case_id != case_id:
        raise Conflict("this reply has changed meanwhile")
    context: dict[str, Any] = {"mine": text, "theirs": theirs, "writer": writer, "is_draft": theirs.status == "draft"}
    headers = {"HX-Retarget": "#composer-news", "HX-Reswap": "innerHTML"}
    return page(request, "clash.html", context, status=409, headers=headers)


def _writer(connection: sa.Connection, reply: Reply | None, who: Person) -> str:
    """Return who wrote. A draft says only who began it: where that is the reader, it was somebody else since."""
    actor = (reply.approved_by or reply.created_by) if reply else ""
    return "Somebody else" if actor == who.actor else _name(connection, actor)


def _name(connection: sa.Connection, actor: str) -> str:
    try:
        return people.get(connection, int(actor.removeprefix("user:"))).name
    except (ValueError, NotFound):
        return "Somebody else"
