"""Ctrl+Enter does what a dialog asks, Enter takes what was typed there, and in the look back it closes nothing."""

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect

from store.tables import follow_ups
from tests.browser.conftest import WAIT_MS, Product, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240), pytest.mark.xdist_group("browser")]


def test_a_case_is_snoozed_reopened_and_resolved_without_a_mouse(page: Page, product: Product) -> None:
    product.world.post("hannah_b", "My order is three weeks late and nobody answers. Terrible service.", lang="en")
    sign_in(page, product)
    page.goto(f"{product.address}/queue/all")
    page.get_by_test_id("row").click(timeout=WAIT_MS)
    status = page.get_by_test_id("status")

    expect(status).to_have_text("new")
    page.keyboard.press("s")
    choices = page.locator("#snooze-dialog .choices")
    assert choices.evaluate("one => one.scrollWidth <= one.clientWidth")
    year = datetime.now(UTC).year + 1
    page.locator("#snooze-custom").fill(f"{year}-01-04T09:00")
    page.locator("#snooze-custom").press("Enter")
    expect(status).to_contain_text(f"4 Jan {year}")

    page.keyboard.press("o")
    page.locator("#reopen-why").press("Control+Enter")
    expect(status).to_have_text("open")

    page.keyboard.press("e")
    page.get_by_test_id("root-cause").press("Control+Enter")
    expect(status).to_have_text("resolved")

    with product.database.write() as connection:
        connection.execute(sa.update(follow_ups).values(due_at=datetime.now(UTC)))
    page.reload()
    page.get_by_test_id("follow-up-note").fill("All is well")
    page.get_by_test_id("follow-up-note").press("Enter")
    page.wait_for_timeout(500)
    expect(status).to_have_text("resolved")
    page.keyboard.press("Escape")
    page.keyboard.press("x")
    expect(status).to_have_text("open")
