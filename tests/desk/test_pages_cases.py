"""The queue and the case: what is shown, what is done, what is refused, and that nothing typed is lost."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from time import perf_counter

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from desk.pages.case import snoozes
from desk.pages.marks import marked, spoke
from desk.pages.wording import Clock, zone
from domain.case import Case
from domain.classification import Classification, Complaint, Graded, Language, Topic, Weight
from domain.mention import Author, Mention
from domain.person import Person
from responders import casework
from store import cases, follow_ups, intake, mention_work, mentions, sources, suggestions, tables
from store.sources import SourceSpec
from tests.conftest import Now
from tests.desk.test_pages_doors import HTMX, Desk, agent, anna, desk

__all__ = ["agent", "anna", "desk"]

TEXT = "My parcel is two weeks late and nobody answers."
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)> \"'&amp; [[gap]] <hx-partial hx-target='body'>x"
DRAFT = "Hello Tom, I am sorry about [[order number]]. We will write to you by Friday."
READY = "Hello Tom, I am sorry: your parcel is two weeks late. I send a new one today, and you have it by Friday 12:00."


def judged(mention_id: int, *, label: bool | None = True) -> Classification:
    """Return what a model could say."""
    graded = Graded(label="high", score=0.8, scores={"high": 0.8}, reasons=("two weeks",))
    return Classification(
        id=str(mention_id),
        language=Language(code="en", score=0.9),
        complaint=Complaint(label=label, score=0.91),
        urgency=graded,
        sentiment=Graded(label="negative", score=0.9, scores={}),
        topics=(Topic(name="delivery", score=0.9),),
        model="test@1",
    )


def hear(desk: Desk, text: str = TEXT, *, label: bool | None = True, id: str = "1", **more: object) -> int:
    """Store a post as heard and judged; return its id."""
    author = more.pop("author", Author(external_id="tom", handle="@tom", name="Tom"))
    post = Mention(
        platform="simulated", external_id=id, text=text, author=author, posted_at=desk.now(), **more  # type: ignore[arg-type]
    )  # fmt: skip
    with desk.database.write() as connection:
        row = sources.by_name(connection, "sim")
        source = row["id"] if row else sources.add(
            connection, SourceSpec(name="sim", platform="simulated"), origin="desk", now=desk.now()
        )  # fmt: skip
        intake.keep(connection, [post], source_id=source, brand_id=None, now=desk.now())
        mention_id = mentions.listing(connection, limit=1)[0]["id"]
        mention_work.classified(connection, [(mention_id, 1, judged(mention_id, label=label))], now=desk.now())
        mentions.set_why(connection, mention_id, 1, why=[Weight(span=(13, 27), weight=0.7, head="complaint")])
        return int(mention_id)


def open_case(desk: Desk, text: str = TEXT, **more: object) -> tuple[int, int]:
    """Return the ids of a new case and of its post."""
    mention_id = hear(desk, text, **more)  # type: ignore[arg-type]
    with desk.database.write() as connection:
        row = mentions.get(connection, mention_id)
        assert row is not None
        case_id = cases.open_for(
            connection, row, by="system", now=desk.now(), policy=desk.house.policy, reason="complaint (0.91)"
        )  # fmt: skip
        mentions.settle(connection, mention_id, revision=1, outcome="opened", case_id=case_id)
        draft = {
            "playbook": "delivery", "lang": "en", "title": "Send it again", "text": DRAFT,
            "steps": [{"step": "own", "span": [11, 43]}], "gaps": [], "reasons": ["about a delivery"],
        }  # fmt: skip
        drafts = [draft, draft | {"title": "Refund", "text": "Hello Tom, your money goes back today."}]
        suggestions.add(connection, drafts, case_id=case_id, mention_id=mention_id, revision=1, now=desk.now())
        connection.execute(sa.update(tables.cases).values(prepare_at=None))
    return case_id, mention_id


def load(desk: Desk, case_id: int) -> Case:
    with desk.database.read() as connection:
        return cases.load(connection, case_id)


class Tags(HTMLParser):
    """Collects what a browser would act on."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_the_front_page_leads_to_where_work_is(desk: Desk, agent: TestClient) -> None:
    assert agent.get("/").headers["location"] == "/queue/all"
    open_case(desk)
    assert agent.get("/").headers["location"] == "/queue/urgent"


def test_an_empty_desk_says_what_to_do(desk: Desk, agent: TestClient) -> None:
    assert "amends import FILE" in agent.get("/queue/mine").text
    assert "/sources/new" not in agent.get("/queue/mine").text  # an agent may not
    with desk.signed_in(desk.person("Leo", "lead")) as lead:
        assert "/sources/new" in lead.get("/queue/mine").text


def test_a_row_says_who_where_how_long_and_what(desk: Desk, agent: TestClient) -> None:
    open_case(desk)
    page = agent.get("/queue/unassigned").text
    for words in ("Tom", "Simulated", "60 min left", "My parcel is two weeks late", "High · delivery"):
        assert words in page
    desk.now.forward(minutes=72)
    assert "12 min late" in agent.get("/queue/unassigned").text


def test_rows_alone_when_htmx_asks_for_them(desk: Desk, agent: TestClient) -> None:
    open_case(desk)
    part = agent.get("/queue/all", params={"q": "PARCEL"}, headers=HTMX | {"HX-Target": "div#rows"}).text
    assert "<html" not in part
    assert "My parcel" in part
    assert "Nothing found" in agent.get("/queue/all", params={"q": "zebra"}).text


def test_there_are_no_other_views(agent: TestClient) -> None:
    assert agent.get("/queue/promises").status_code == 404


def test_two_hundred_rows_come_at_once(desk: Desk, agent: TestClient) -> None:
    for number in range(200):
        open_case(
            desk, f"{TEXT} {number}", id=f"n{number}", author=Author(external_id=f"a{number}", handle=f"@a{number}")
        )
    started = perf_counter()
    page = agent.get("/queue/all").text
    assert page.count('data-test="row"') == 200
    assert perf_counter() - started < 2  # half a second alone; the machine is shared


def test_a_case_shows_the_post_its_reasons_and_drafts(desk: Desk, agent: TestClient) -> None:
    case_id, _ = open_case(desk)
    page = agent.get(f"/cases/{case_id}").text
    assert '<mark title="spoke for a complaint">two weeks late</mark>' in page
    assert "Complaint 0.91" in page
    assert "because of two weeks" in page
    assert "Send it again" in page
    assert DRAFT in page
    assert "The simulated platform takes replies by API." in page
    alone = agent.get(f"/cases/{case_id}", headers=HTMX | {"HX-Target": "section#case"}).text
    assert "<html" not in alone
    assert 'data-test="case"' in alone


def test_what_people_write_stays_text(desk: Desk, agent: TestClient) -> None:
    author = Author(external_id="e", handle='"><script>alert(3)</script>', name=HOSTILE, url="javascript:alert(4)")
    case_id, _ = open_case(desk, HOSTILE, author=author, url="javascript:alert(5)//https://x.example")
    with desk.database.write() as connection:
        case = cases.load(connection, case_id)
        case.note(HOSTILE, by="user:1", at=desk.now())
        cases.save(connection, case, now=desk.now())
        connection.execute(sa.update(tables.mentions).values(stage="failed", error=HOSTILE))
    for path in (f"/cases/{case_id}", "/queue/all", "/mentions", f"/queue/all?q={HOSTILE}", f"/mentions?q={HOSTILE}"):
        page = agent.get(path).text
        allowed = {"/static/early.js", "/static/vendor/htmx.min.js", "/static/main.js"}
        for tag, attrs in Tags(page).tags:
            assert tag not in ("img", "hx-partial", "iframe", "object", "style")
            assert not any(name.startswith(("on", "hx-on")) for name in attrs)
            assert not (attrs.get("href") or attrs.get("src") or "").lower().startswith(("javascript:", "data:"))
            if tag == "script":
                assert (attrs["src"] or "").split("?")[0] in allowed


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "https:///x", "//evil.example", "ftp://x.example"]
)
def test_only_web_addresses_become_links(desk: Desk, agent: TestClient, url: str) -> None:
    case_id, _ = open_case(desk, url=url)
    assert url not in [attrs.get("href") for _, attrs in Tags(agent.get(f"/cases/{case_id}").text).tags]


def test_a_missing_case_is_a_plain_page(agent: TestClient) -> None:
    answer = agent.get("/cases/99")
    assert answer.status_code == 404
    assert "There is no case 99." in answer.text
    assert agent.get("/cases/no").status_code == 400


def test_take_note_snooze_resolve_reopen(desk: Desk, agent: TestClient, anna: Person) -> None:
    case_id, _ = open_case(desk)
    assert agent.post(f"/cases/{case_id}/assign", data={"assignee": anna.id, "version": 1}).status_code == 303
    noted = agent.post(f"/cases/{case_id}/note", data={"text": "Call the depot"}, headers=HTMX)
    assert "amends:done" in noted.headers["hx-trigger"]
    assert "Call the depot" in noted.text
    until = (desk.now() + timedelta(hours=3)).isoformat()
    agent.post(f"/cases/{case_id}/snooze", data={"until": until, "version": 3})
    case = load(desk, case_id)
    assert (case.status, case.assignee_id, case.snoozed_until) == ("snoozed", anna.id, desk.now() + timedelta(hours=3))
    agent.post(f"/cases/{case_id}/resolve", data={"disposition": "replaced", "root_cause": "depot", "version": 4})
    case = load(desk, case_id)
    assert (case.status, case.disposition, case.root_cause) == ("resolved", "replaced", "depot")
    assert "Resolved as" in agent.get(f"/cases/{case_id}").text
    agent.post(f"/cases/{case_id}/reopen", data={"reason": "not yet", "version": 5})
    assert load(desk, case_id).status == "open"


def test_a_time_without_a_zone_is_the_readers(desk: Desk, agent: TestClient) -> None:
    case_id, _ = open_case(desk)
    agent.cookies.set("amends_zone", "Europe/Helsinki")
    agent.post(f"/cases/{case_id}/snooze", data={"custom": "2026-03-03T09:00", "version": 1})
    until = load(desk, case_id).snoozed_until
    assert until is not None
    assert until.isoformat() == "2026-03-03T07:00:00+00:00"


def test_what_somebody_else_did_meanwhile_is_shown(desk: Desk, agent: TestClient) -> None:
    case_id, _ = open_case(desk)
    eero = desk.person("Eero")
    with desk.database.write() as connection:
        casework.assign(connection, case_id, assignee_id=eero.id, version=1, by=eero, now=desk.now())
    stale = {"disposition": "solved", "root_cause": "typed", "version": 1}
    answered = agent.post(f"/cases/{case_id}/resolve", data=stale, headers=HTMX)
    assert answered.status_code == 409
    assert answered.headers["hx-retarget"] == "#notice"
    assert "Somebody else changed this meanwhile" in answered.text
    assert "Eero took the case" in answered.text
    assert 'id="case-version" name="version" value="2"' in answered.text
    assert load(desk, case_id).status == "open"


def test_a_wrong_answer_says_what_is_wrong(desk: Desk, agent: TestClient) -> None:
    case_id, _ = open_case(desk)
    answered = agent.post(f"/cases/{case_id}/snooze", data={"custom": "soon", "version": 1}, headers=HTMX)
    assert answered.status_code == 400
    assert "This is not a date and time." in answered.text


def test_a_look_back_is_asked_for_and_answered(desk: Desk, agent: TestClient) -> None:
    case_id, _ = open_case(desk)
    agent.post(f"/cases/{case_id}/resolve", data={"disposition": "solved", "version": 1})
    assert "Time to look back" not in agent.get(f"/cases/{case_id}").text
    desk.now.forward(days=2, hours=1)
    assert "Time to look back" in agent.get(f"/cases/{case_id}").text
    assert "look back" in agent.get("/queue/follow-ups").text
    agent.post(f"/cases/{case_id}/follow-up", data={"content": "true", "note": "all good"})
    assert load(desk, case_id).status == "closed"
    with desk.database.read() as connection:
        assert follow_ups.waiting(connection, case_id) is None
    assert agent.post(f"/cases/{case_id}/follow-up", data={"content": "true"}).status_code == 400


def test_the_words_of_a_case_open_meanwhile_come_in_parts(desk: Desk, agent: TestClient) -> None:
    case_id, mention_id = open_case(desk)
    with desk.database.read() as connection:
        ids = ",".join(str(row["id"]) for row in suggestions.of_mention(connection, mention_id, 1))
    same = {"mention": mention_id, "drafts": ids}
    assert 'hx-target="#composer"' not in agent.get(f"/cases/{case_id}/live", params=same).text
    assert 'hx-target="#composer"' in agent.get(f"/cases/{case_id}/live", params={"drafts": ""}).text
    assert 'hx-target="#composer"' not in agent.get(f"/cases/{case_id}/live", params={"keep": "true"}).text
    with desk.signed_in(desk.person("Eero")) as other:
        other.post(f"/cases/{case_id}/approve", data={"text": READY, "mention_id": mention_id})
    kept = agent.get(f"/cases/{case_id}/live", params=same | {"keep": "true"}).text
    assert "This post is being answered already" in kept


def test_quick_choices_are_in_the_readers_day(now: Now) -> None:
    helsinki = zone("Europe/Helsinki", fallback=zone("UTC", fallback=now.at.tzinfo))  # type: ignore[arg-type]
    said = [(words, f"{at:%a %H:%M}") for words, at in snoozes(Clock(now=now(), zone=helsinki))]
    assert said == [
        ("In an hour", "Mon 12:00"),
        ("This afternoon", "Mon 15:00"),
        ("Tomorrow", "Tue 09:00"),
        ("Next week", "Mon 09:00"),
    ]


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "No/Where", "x" * 100, "\0"])
def test_a_zone_that_is_none_is_the_houses(name: str) -> None:
    utc = zone("UTC", fallback=None)  # type: ignore[arg-type]
    assert zone(name, fallback=utc) is utc


def test_words_that_a_reason_quotes_are_marked_too() -> None:
    text = "Nobody answers & it is late."
    graded = Graded(label="high", score=0.8, scores={}, reasons=("no answer: “Nobody answers”", "a made-up “zebra”"))
    shown = marked(text, spoke(text, replace(judged(1), urgency=graded), []))
    assert shown == '<mark title="spoke for urgency">Nobody answers</mark> &amp; it is late.'


def test_more_readers_than_threads_do_not_hold_each_other_up(desk: Desk, agent: TestClient) -> None:
    """A request must not keep a transaction while it waits for a thread."""
    with ThreadPoolExecutor(60) as pool:
        answers = list(pool.map(lambda _: agent.get("/queue/all").status_code, range(120)))
    assert set(answers) == {200}


@pytest.mark.parametrize("path", ["/cases/99999999999999999999", "/cases/1?answer=99999999999999999999"])
def test_a_number_that_no_row_can_have_is_not_found(desk: Desk, agent: TestClient, path: str) -> None:
    assert agent.get(path).status_code in (400, 404)


def test_a_time_at_the_end_of_all_time_breaks_no_page(desk: Desk, agent: TestClient) -> None:
    hear(desk)
    with desk.database.write() as connection:
        connection.execute(sa.update(tables.mentions).values(posted_at=datetime(9999, 12, 31, 23, 59, tzinfo=UTC)))
    agent.cookies.set("amends_zone", "Pacific/Kiritimati")
    assert agent.get("/mentions").status_code == 200
