"""An agent works a case from arrival to follow-up, by keyboard, in two languages, on the simulated platform."""

import re
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect

from store.tables import follow_ups
from tests.browser.conftest import WAIT_MS, Product, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240), pytest.mark.xdist_group("browser")]

POSTS = {
    "en": (
        "My order has been on its way for three weeks and nobody answers my messages. Terrible service.",
        "Thank you, that is exactly what I needed.",
        "Friday",
    ),
    "fi": (
        "Tilaukseni on ollut myöhässä jo kolme viikkoa eikä kukaan vastaa. Todella huonoa palvelua.",
        "Kiitos, juuri tätä toivoin.",
        "perjantaina",
    ),
}


@pytest.mark.parametrize("lang", ["en", "fi"])
def test_from_arrival_to_follow_up(page: Page, product: Product, lang: str) -> None:
    text, thanks, when = POSTS[lang]
    page.context.set_default_timeout(WAIT_MS)
    sign_in(page, product)
    page.goto(f"{product.address}/queue/unassigned")
    expect(page.get_by_text("Every case has somebody")).to_be_visible()

    # It arrives by itself, while the page is open.
    post = product.world.post("hannah_b", text, lang=lang)
    product.world.script(post, [(0.5, thanks)], lang=lang)
    row = page.get_by_test_id("row")
    expect(row).to_have_count(1, timeout=WAIT_MS)
    expect(row).to_contain_text("hannah_b")

    # Open it and take it, by keyboard alone.
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("post-theirs").first).to_contain_text(text)
    reply = page.get_by_test_id("reply-text")
    expect(page.get_by_test_id("draft").first).to_be_visible(timeout=WAIT_MS)
    assert page.get_by_test_id("draft").count() >= 2
    expect(reply).to_have_attribute("lang", lang)
    expect(page.locator("mark").first).to_be_visible()
    page.keyboard.press("a")
    expect(page.get_by_test_id("status")).to_contain_text("open")

    # A draft with gaps does not go out; the gaps are filled one after the other.
    page.keyboard.press("2")
    page.keyboard.press("r")
    draft = reply.input_value()
    assert "[[" in draft
    expect(page.get_by_test_id("findings")).to_contain_text("gap")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_test_id("findings")).to_contain_text("gap")
    assert product.world.replies_by_us() == []
    for gap in set(_gaps(draft)):
        draft = draft.replace(gap, when)
    reply.fill(draft)
    expect(page.get_by_test_id("findings").locator("[data-severity=block]")).to_have_count(0)
    expect(page.get_by_test_id("saved")).to_contain_text(re.compile("kept", re.IGNORECASE))
    page.keyboard.press("Control+Enter")

    # It is live, once; the author answers back, and that appears by itself.
    expect(page.get_by_test_id("live")).to_be_visible(timeout=WAIT_MS)
    assert [said["text"] for said in product.world.replies_by_us()] == [draft]
    expect(page.get_by_test_id("talk")).to_contain_text(thanks, timeout=WAIT_MS)

    # Resolve; two days later it comes back and is closed.
    page.keyboard.press("Escape")
    page.keyboard.press("e")
    page.get_by_test_id("root-cause").fill("carrier lost the scan")
    page.get_by_test_id("resolve-go").click()
    expect(page.get_by_test_id("status")).to_contain_text("resolved")
    with product.database.write() as connection:
        connection.execute(sa.update(follow_ups).values(due_at=datetime.now(UTC)))
    page.goto(f"{product.address}/queue/follow-ups")
    page.get_by_test_id("row").click()
    expect(page.get_by_test_id("follow-up-due")).to_be_visible()
    page.get_by_test_id("content").click()
    expect(page.get_by_test_id("status")).to_contain_text("closed")
    page.goto(f"{product.address}/queue/done")
    expect(page.get_by_test_id("row")).to_have_count(1)


def _gaps(text: str) -> list[str]:
    return [f"[[{part.split(']]')[0]}]]" for part in text.split("[[")[1:]]


def test_a_reply_that_may_be_live_comes_back_to_a_person(page: Page, product: Product) -> None:
    product.world.fault("drop_request", on="reply")
    product.world.post("hannah_b", POSTS["en"][0], lang="en")
    sign_in(page, product)
    page.goto(f"{product.address}/queue/all")
    page.get_by_test_id("row").click(timeout=WAIT_MS)
    page.get_by_test_id("reply-text").fill("We are sorry, Hannah. We will write to you by Friday.")
    expect(page.get_by_test_id("saved")).to_contain_text(re.compile("kept", re.IGNORECASE))
    page.get_by_test_id("approve").click()
    expect(page.get_by_test_id("fate-uncertain")).to_be_visible(timeout=WAIT_MS)
    page.goto(f"{product.address}/queue/attention")
    expect(page.get_by_test_id("row")).to_have_count(1)
    assert product.world.replies_by_us() == []
