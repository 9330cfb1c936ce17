"""The ranking in a real browser: sliders and numbers agree, and the preview shows both orders."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import sign_in
from tests.browser.test_asking import DOUBLED_IDS, NAMELESS, OVERFLOW
from tests.browser.test_scope import picture

pytestmark = pytest.mark.browser


@pytest.fixture(params=[(1280, 860), (390, 844)], ids=["wide", "phone"])
def ada(
    chromium: Browser, address: str, complaints: list[str], request: pytest.FixtureRequest
) -> Iterator[Page]:
    """The administrator's browser."""
    width, height = request.param
    with chromium.new_context(
        locale="en-US",
        viewport={"width": width, "height": height},
        color_scheme="dark" if width < 600 else "light",
    ) as context:
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
        sign_in(page, address, "ada@example.com")
        yield page


def test_what_is_typed_is_tried_then_saved(ada: Page, address: str, complaints: list[str]) -> None:
    ada.goto(f"{address}/console/ranking/")
    recency = ada.get_by_label("Newer documents")
    slider = ada.locator("[data-slides=recency]")
    recency.fill("30")
    expect(slider).to_have_value("30")
    slider.fill("20")
    expect(recency).to_have_value("20")
    ada.get_by_label("Handbook").fill("-10")
    ada.get_by_label("A question to try").fill("work from home days")
    ada.keyboard.press("Enter")
    then = ada.get_by_role("region", name="With the values above")
    expect(then.locator("li").first).to_be_visible()
    expect(then).to_contain_text("Remote work guideline")
    nameless = [element for element in ada.evaluate(NAMELESS) if 'aria-hidden="true"' not in element]
    assert nameless == []  # sliders are for the pointer; the number beside each has the name
    assert ada.evaluate(DOUBLED_IDS) == []
    assert ada.evaluate(OVERFLOW) == 0
    wide = (ada.viewport_size or {"width": 0})["width"]
    then.scroll_into_view_if_needed()
    picture(ada, f"ranking-{wide}")
    ada.get_by_role("button", name="Save").click()
    expect(ada.get_by_role("status").filter(has_text="Saved.")).to_be_visible()
    expect(ada.get_by_label("Newer documents")).to_have_value("20")
    ada.evaluate("scrollTo(0, 0)")
    picture(ada, f"ranking-saved-{wide}")
    assert complaints == []
