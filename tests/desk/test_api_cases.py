"""Cases over the API: logged by hand, moved with a version, followed up."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.classification import Classification, Complaint, Graded, Language, Topic, Weight
from store import mention_work, mentions, people, suggestions
from tests.desk.test_api_house import NOW, Desk, open_desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with open_desk(tmp_path) as opened:
        yield opened


def test_a_telephone_call_becomes_a_case_at_once(desk: Desk) -> None:
    case = desk.case(author_name="Ann Lee", contact="+358 40 123", priority="high", place="Turku", product="kettle")
    assert (case["status"], case["priority"], case["platform"], case["lang"]) == ("new", "high", "hand", "en")
    assert (case["author_name"], case["handle"], case["version"]) == ("Ann Lee", "+358 40 123", 1)
    assert case["next_due_at"] == "2026-03-02T10:00:00Z"
    assert desk.bell.kinds == ["classify"]
    whole = desk.get(f"/cases/{case['id']}")
    (post,) = whole["conversation"]
    assert (post["realm"], post["case_id"], post["outcome"], post["place"]) == ("phone", case["id"], "opened", "Turku")
    assert [event["kind"] for event in whole["events"]] == ["opened"]
    assert [target["kind"] for target in whole["targets"]] == ["first_response", "resolution"]
    assert (whole["suggestions"], whole["replies"], whole["follow_ups"]) == ([], [], [])


def test_the_same_contact_is_the_same_customer(desk: Desk) -> None:
    first, again = desk.case(contact="+358 40 123"), desk.case(contact="+35840123")
    stranger, another = desk.case(), desk.case()
    assert first["author_id"] == again["author_id"]
    assert first["id"] != again["id"]
    assert len({one["author_id"] for one in (first, stranger, another)}) == 3
    assert stranger["priority"] == "normal"


def test_a_case_is_opened_for_a_mention_once(desk: Desk) -> None:
    desk.post("/mentions", {"id": "1", "text": "Broken again"})
    case = desk.post("/cases", {"mention_id": 1}, status=201)
    assert desk.post("/cases", {"mention_id": 1})["id"] == case["id"]
    assert desk.get("/mentions/1")["case_id"] == case["id"]
    assert desk.post("/cases", {"mention_id": 9}, status=400)["detail"] == "there is no mention 9"


def test_a_whole_case_shows_what_was_understood_and_proposed(desk: Desk) -> None:
    case = desk.case()
    mention_id = case["last_mention_id"]
    draft = {"playbook": "delivery", "lang": "en", "title": "Look into it", "text": "Thank you", "steps": []}
    understood = classification(str(mention_id))
    with desk.house.database.write() as connection:
        mention_work.classified(connection, [(mention_id, 1, understood)], now=NOW)
        mentions.set_why(connection, mention_id, 1, why=[Weight(span=(0, 2), weight=0.5, head="complaint")])
        suggestions.add(connection, [draft], case_id=case["id"], mention_id=mention_id, revision=1, now=NOW)
    whole = desk.get(f"/cases/{case['id']}")
    why = [{"span": [0, 2], "weight": 0.5, "head": "complaint"}]
    assert whole["classification"] == understood.to_record() | {"why": why}
    assert [(one["title"], one["text"]) for one in whole["suggestions"]] == [("Look into it", "Thank you")]
    assert (whole["urgency"], whole["topics"]) == ("high", ["delivery"])
    body = {"text": "Thank you, Ann", "suggestion_id": whole["suggestions"][0]["id"]}
    reply = desk.post(f"/cases/{case['id']}/replies", body, status=201)
    assert (reply["suggestion_id"], reply["lang"]) == (whole["suggestions"][0]["id"], "en")
    assert desk.get(f"/mentions/{mention_id}")["classification"] == whole["classification"]
    assert desk.get("/mentions", complaint="true", topic="delivery", urgency="high")["items"][0]["id"] == mention_id
    assert desk.get("/mentions", complaint="false")["items"] == []


def classification(name: str) -> Classification:
    return Classification(
        id=name,
        language=Language(code="en", score=0.9),
        complaint=Complaint(label=True, score=0.8),
        urgency=Graded(label="high", score=0.7, scores={"low": 0.1, "normal": 0.1, "high": 0.7, "critical": 0.1}),
        sentiment=Graded(label="negative", score=1.0, scores={"negative": 1.0, "neutral": 0.0, "positive": 0.0}),
        topics=(Topic(name="delivery", score=0.6),),
        model="test@1",
    )


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"channel": "phone"},
        {"text": "x"},
        {"channel": "phone", "text": "  "},
        {"channel": "fax", "text": "x"},
        {"mention_id": 1, "text": "x"},
        {"mention_id": "1"},
        {"mention_id": 2**63},
        {"channel": "phone", "text": "x" * 20_001},
        {"channel": "phone", "text": "x", "lang": "English"},
        [],
        None,
    ],
)
def test_what_is_neither_a_mention_nor_a_complaint_is_refused(desk: Desk, body: object) -> None:
    assert desk.post("/cases", body, status=400)["errors"]


def test_the_moves_of_a_case(desk: Desk) -> None:
    path = f"/cases/{desk.case()['id']}"
    with desk.house.database.write() as connection:
        ann = people.add(connection, email="ann@example.org", name="Ann", role="agent", password_hash="", now=NOW)
    case = desk.post(f"{path}/assign", {"assignee_id": ann, "version": 1})
    assert (case["assignee"], case["status"], case["version"]) == ("Ann", "open", 2)
    assert desk.get("/cases", assignee=ann)["items"][0]["id"] == case["id"]
    case = desk.post(f"{path}/note", {"text": "Called back", "version": 2})
    case = desk.post(f"{path}/tag", {"tags": ["VIP", "Kettle"], "version": 3})
    assert case["tags"] == ["kettle", "vip"]
    case = desk.post(f"{path}/snooze", {"until": "2026-03-05T08:00:00+02:00", "version": 4})
    assert (case["status"], case["snoozed_until"]) == ("snoozed", "2026-03-05T06:00:00Z")
    case = desk.post(f"{path}/resolve", {"disposition": "replaced", "root_cause": "seal", "version": 5})
    assert case["status"] == "resolved"
    case = desk.post(f"{path}/reopen", {"reason": "leaks again", "version": 6})
    assert case["status"] == "open"
    whole = desk.get(path)
    assert [event["kind"] for event in whole["events"]][1:] == [
        "assigned",
        "note",
        "tagged",
        "snoozed",
        "resolved",
        "reopened",
    ]
    assert whole["events"][1]["who"] == "admin"
    assert whole["follow_ups"][0]["status"] == "dropped"


def test_a_stale_move_gets_the_present_state_and_changes_nothing(desk: Desk) -> None:
    path = f"/cases/{desk.case()['id']}"
    desk.post(f"{path}/note", {"text": "first", "version": 1})
    problem = desk.post(f"{path}/note", {"text": "second", "version": 1}, status=409)
    assert (problem["present"]["version"], problem["present"]["status"]) == (2, "open")
    assert [event["kind"] for event in desk.get(path)["events"]] == ["opened", "note"]


def test_a_move_that_is_not_declared_says_how_the_case_is(desk: Desk) -> None:
    path = f"/cases/{desk.case()['id']}"
    desk.post(f"{path}/resolve", {"disposition": "solved", "version": 1})
    problem = desk.post(f"{path}/snooze", {"until": "2026-04-01T00:00:00Z", "version": 2}, status=409)
    assert problem["present"]["status"] == "resolved"


def test_moves_ask_for_a_version_and_a_zone(desk: Desk) -> None:
    path = f"/cases/{desk.case()['id']}"
    missing = desk.post(f"{path}/note", {"text": "x"}, status=400)
    assert missing["errors"] == [{"field": "body.version", "message": "Field required"}]
    naive = desk.post(f"{path}/snooze", {"until": "2026-04-01T00:00:00", "version": 1}, status=400)
    assert naive["errors"][0]["field"] == "body.until"
    assert "no zone" in naive["errors"][0]["message"]
    past = desk.post(f"{path}/snooze", {"until": "2026-01-01T00:00:00Z", "version": 1}, status=400)
    assert "to come" in past["detail"]
    assert desk.post("/cases/99/note", {"text": "x", "version": 1}, status=404)["title"] == "Not Found"


def test_lists_filter_and_page(desk: Desk) -> None:
    ids = [desk.case(priority=priority)["id"] for priority in ("urgent", "low", "low")]
    desk.post(f"/cases/{ids[1]}/tag", {"tags": ["vip"], "version": 1})
    assert [one["id"] for one in desk.get("/cases", priority="low")["items"]] == [ids[2], ids[1]]
    assert [one["id"] for one in desk.get("/cases", tag="vip")["items"]] == [ids[1]]
    assert [one["id"] for one in desk.get("/cases", due_before="2026-03-02T09:30:00Z")["items"]] == [ids[0]]
    assert len(desk.get("/cases", q="parcel")["items"]) == 3
    page = desk.get("/cases", limit=2, status="new")
    assert [one["id"] for one in page["items"]] == [ids[2], ids[1]]
    assert [one["id"] for one in desk.get("/cases", after=page["next"])["items"]] == [ids[0]]


def test_a_follow_up_ends_well_or_reopens_the_case(desk: Desk) -> None:
    for content, status in ((True, "closed"), (False, "open")):
        case = desk.case()
        due = "2026-03-03T09:00:00Z"
        desk.post(f"/cases/{case['id']}/resolve", {"disposition": "solved", "follow_up_at": due, "version": 1})
        (waiting,) = desk.get("/follow-ups", status="waiting")["items"]
        assert (waiting["case_id"], waiting["due_at"], waiting["title"]) == (case["id"], due, case["title"])
        done = desk.post(f"/follow-ups/{waiting['id']}/done", {"content": content, "note": "rang her"})
        assert done["status"] == ("done" if content else "reopened")
        assert desk.get(f"/cases/{case['id']}")["status"] == status
        desk.post(f"/follow-ups/{waiting['id']}/done", {"content": content}, status=409)
    assert len(desk.get("/follow-ups")["items"]) == 2


def test_follow_ups_page(desk: Desk) -> None:
    for day in (5, 4, 6):
        body = {"disposition": "solved", "follow_up_at": f"2026-03-0{day}T09:00:00Z", "version": 1}
        desk.post(f"/cases/{desk.case()['id']}/resolve", body)
    page = desk.get("/follow-ups", limit=2)
    assert [one["due_at"][8:10] for one in page["items"]] == ["04", "05"]
    assert [one["due_at"][8:10] for one in desk.get("/follow-ups", after=page["next"])["items"]] == ["06"]
    assert desk.client.get("/api/v1/follow-ups?after=99").status_code == 400
