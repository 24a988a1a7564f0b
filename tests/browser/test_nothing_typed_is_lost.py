"""What is typed stays: through an early approval, another draft, a clash, and a session that has ended."""

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect

from store.tables import replies, sessions
from tests.browser.conftest import WAIT_MS, Product, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240), pytest.mark.xdist_group("browser")]

POST = "My order has been on its way for three weeks and nobody answers my messages. Terrible service."
WORDS = (
    "We are sorry, Hannah: your order is three weeks late. We send a new one today, and you have it by Friday 12:00."
)


def stored(product: Product) -> list[tuple[str, str]]:
    """Return the replies as `(status, text)`."""
    with product.database.read() as connection:
        rows = connection.execute(sa.select(replies.c.status, replies.c.text).order_by(replies.c.id))
        return [(row.status, row.text) for row in rows]


def two_cases(page: Page, product: Product) -> None:
    """Have two cases, the first of them open."""
    product.world.post("hannah_b", POST, lang="en")
    product.world.post(
        "bo", "Two weeks without an answer about my refund. This is unacceptable, I am angry.", lang="en"
    )
    sign_in(page, product)
    page.goto(f"{product.address}/queue/all")
    expect(page.get_by_test_id("row")).to_have_count(2, timeout=WAIT_MS)
    page.get_by_test_id("row").first.click()
    expect(page.get_by_test_id("draft").first).to_be_visible()


def other_and_back(page: Page) -> None:
    """Open the other case, then the first one again."""
    for place in (1, 0):
        page.get_by_test_id("row").nth(place).click()
        expect(page.get_by_test_id("row").nth(place)).to_have_attribute("aria-current", "true")
        number = page.get_by_test_id("row").nth(place).get_attribute("data-row")
        expect(page.locator(f"#the-case[data-case='{number}']")).to_be_visible()


def test_approved_within_a_second_of_the_last_key_it_is_one_reply(page: Page, product: Product) -> None:
    product.world.post("hannah_b", POST, lang="en")
    sign_in(page, product)
    page.goto(f"{product.address}/queue/all")
    page.get_by_test_id("row").click(timeout=WAIT_MS)
    page.get_by_test_id("reply-text").fill(WORDS)
    page.keyboard.press("Control+Enter")
    expect(page.get_by_test_id("live")).to_be_visible(timeout=WAIT_MS)
    page.wait_for_timeout(2000)
    assert stored(product) == [("sent", WORDS)]


def test_words_are_there_again(page: Page, product: Product) -> None:
    two_cases(page, product)
    text, unkept = page.get_by_test_id("reply-text"), page.get_by_test_id("unkept")

    # One's own words stay under their button while a draft is chosen and changed.
    text.fill("My own words.")
    expect(page.get_by_test_id("saved")).to_contain_text("kept")
    text.press("Escape")
    page.keyboard.press("2")
    text.press("End")
    page.keyboard.type(" Changed.")
    expect(page.get_by_test_id("saved")).to_contain_text("kept")
    page.get_by_test_id("mine").click()
    expect(text).to_have_value("My own words.")
    expect(page.get_by_test_id("saved")).to_contain_text("kept")
    page.wait_for_timeout(1500)
    assert stored(product) == [("draft", "My own words.")]
    text.fill("")
    expect(page.get_by_test_id("saved")).to_have_text("An empty reply is not kept")

    # Words that the server did not take wait in the tab, and are offered when the case is opened again.
    page.route("**/draft", lambda route: route.fulfill(status=409, body='<div class="notice clash">Eero wrote</div>'))
    text.fill("Words in a clash.")
    expect(page.get_by_test_id("saved")).to_have_text("Not kept yet")
    page.get_by_test_id("note-text").fill("A note begun")
    other_and_back(page)
    expect(unkept).to_have_count(2)
    page.unroute("**/draft")
    page.get_by_test_id("bring-back").first.click()
    expect(text).to_have_value("Words in a clash.")
    page.get_by_test_id("bring-back").click()

    # The note is kept with Ctrl+Enter, and nothing is offered any more once all is kept.
    expect(page.get_by_test_id("note-text")).to_have_value("A note begun")
    page.get_by_test_id("note-text").press("Control+Enter")
    expect(page.get_by_test_id("note")).to_contain_text("A note begun")
    text.press("End")
    page.keyboard.type(" More.")
    expect(page.get_by_test_id("saved")).to_contain_text("kept")
    other_and_back(page)
    expect(text).to_have_value("Words in a clash. More.")
    expect(unkept.get_by_text("A note begun")).to_have_count(0)


def test_a_session_that_ended_takes_nothing_away(page: Page, product: Product) -> None:
    two_cases(page, product)
    with product.database.write() as connection:
        connection.execute(sa.delete(sessions))
    text = page.get_by_test_id("reply-text")
    text.fill(WORDS)
    expect(page.get_by_test_id("signed-out").first).to_be_visible()
    page.keyboard.press("Control+Enter")
    page.wait_for_timeout(1000)
    expect(text).to_have_value(WORDS)
    with page.context.expect_page() as opened:
        page.locator("#composer").get_by_role("link", name="Sign in in another tab").click()
    tab = opened.value
    tab.get_by_label("E-mail").fill("anna@example.com")
    tab.get_by_label("Password").fill("correct horse battery")
    tab.get_by_test_id("sign-in").click()
    tab.wait_for_url("**/queue/**")
    tab.close()
    text.focus()
    page.keyboard.press("Control+Enter")
    expect(page.get_by_test_id("reply")).to_be_visible(timeout=WAIT_MS)
    assert WORDS in [words for _, words in stored(product)]
