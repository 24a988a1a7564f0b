"""Every screen, light and dark, wide and narrow, without an accessibility violation."""

from itertools import product as every

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import WAIT_MS, Product, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300), pytest.mark.xdist_group("browser")]

SCREENS = ("queue/all", "queue/mine", "queue/done", "cases/1", "mentions", "sources", "sources/new")
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def test_axe_finds_nothing(page: Page, product: Product) -> None:
    product.world.post("hannah_b", "My order is three weeks late and nobody answers. Terrible service.", lang="en")
    product.world.post("bo", "Just a question: when do you open?", lang="en")
    page.goto(f"{product.address}/sign-in")
    found = {"sign-in": _violations(page)}
    sign_in(page, product, "leo")
    page.goto(f"{product.address}/queue/all")
    expect(page.get_by_test_id("row")).to_have_count(1, timeout=WAIT_MS)
    for scheme, width in every(("light", "dark"), (1280, 390)):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        page.set_viewport_size({"width": width, "height": 720})
        for screen in SCREENS:
            page.goto(f"{product.address}/{screen}")
            found[f"{screen} {scheme} {width}"] = _violations(page)
            wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wide <= 0, f"{screen} at {width} scrolls sideways by {wide} px"
    assert {screen: told for screen, told in found.items() if told} == {}


def _violations(page: Page) -> list[str]:
    results = Axe().run(page, options=RULES).response
    return [f"{v['id']}: {v['nodes'][0]['html'][:160]}" for v in results["violations"]]
