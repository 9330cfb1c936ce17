"""The scope of a question, by keyboard alone, on a phone, in both languages and themes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import sign_in
from tests.browser.test_asking import DOUBLED_IDS, NAMELESS, OVERFLOW, ask

pytestmark = pytest.mark.browser


def picture(page: Page, name: str) -> None:
    """A picture for a person to look at, where MUNDAP_TEST_PICTURES names a folder."""
    folder = os.environ.get("MUNDAP_TEST_PICTURES")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png")


def test_a_scope_is_chosen_by_keyboard_and_told_over_the_answer(ann: Page, complaints: list[str]) -> None:
    control = ann.locator("[data-scope]")
    summary = control.locator("summary")
    expect(summary).to_contain_text("All documents that you may read")
    summary.focus()
    ann.keyboard.press("Enter")
    panel = ann.get_by_role("group", name="Scope", exact=True)
    expect(panel).to_be_visible()
    ann.keyboard.press("Tab")
    expect(ann.get_by_role("checkbox", name="Handbook")).to_be_focused()
    ann.keyboard.press("Space")
    expect(summary).to_contain_text("Handbook")
    ann.get_by_label("From").fill("2026-03-15")
    expect(summary).to_contain_text("Handbook, since March 15, 2026")
    assert ann.evaluate(NAMELESS) == []
    assert ann.evaluate(DOUBLED_IDS) == []
    picture(ann, "scope-open")
    ann.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(summary).to_be_focused()

    ask(ann, "국내 출장 일비는 하루 얼마인가요?")  # changed on 1 April
    turn = ann.locator("[data-turn]").nth(0)
    expect(turn.locator(".answer")).to_contain_text("50,000원")
    expect(turn.locator("[data-turn-scope]")).to_have_text("Scope: Handbook, since March 15, 2026")
    picture(ann, "scope-turn")
    ask(ann, "How many days a week may employees work from home?")  # changed on 2 March: outside
    outside = ann.locator("[data-turn]").nth(1)
    expect(outside).to_contain_text("don’t hold the answer")
    ann.reload()
    expect(ann.locator("[data-turn]").nth(1).locator("[data-turn-scope]")).to_contain_text(
        "since March 15, 2026"
    )
    expect(summary).to_contain_text("Handbook, since March 15, 2026")

    summary.click()
    ann.get_by_role("button", name="Search everything").click()
    ann.get_by_role("button", name="Done").click()
    expect(summary).to_contain_text("All documents that you may read")
    ask(ann, "How many days a week may employees work from home?")
    everywhere = ann.locator("[data-turn]").nth(2)
    expect(everywhere.locator(".answer")).to_contain_text("two days a week")
    expect(everywhere.locator("[data-turn-scope]")).to_have_count(0)
    assert complaints == []


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1280, 860)])
def test_the_control_fits_in_korean_and_in_the_dark(
    chromium: Browser, address: str, width: int, height: int
) -> None:
    with chromium.new_context(
        locale="ko-KR", viewport={"width": width, "height": height}, color_scheme="dark"
    ) as context:
        page = context.new_page()
        page.goto(f"{address}/sign-in/")
        page.locator("input[type=email]").fill("ann@example.com")
        page.locator("input[type=password]").fill("correct horse battery staple")
        page.keyboard.press("Enter")
        page.wait_for_url(f"{address}/")
        page.locator("[data-scope] summary").click()
        panel = page.get_by_role("group", name="검색 범위", exact=True)
        expect(panel).to_be_in_viewport(ratio=1)
        page.get_by_role("checkbox", name="Handbook").check()
        page.locator("[name=scope_first]").fill("2024-01-01")
        assert page.evaluate(OVERFLOW) == 0
        expect(page.locator("[data-scope-words]")).to_have_text("Handbook, 2024년 이후")
        picture(page, f"scope-ko-dark-{width}")
        page.get_by_role("button", name="완료").click()
        page.locator("[data-question]").fill("국내 출장 일비는 하루 얼마인가요?")
        page.keyboard.press("Enter")
        head = page.locator("[data-turn-scope]")
        expect(head).to_have_text("검색 범위: Handbook, 2024년 이후")
        expect(page.locator("[data-turn] .sources").first).to_be_visible()
        picture(page, f"scope-turn-ko-dark-{width}")


def test_the_control_works_without_scripts(chromium: Browser, address: str) -> None:
    with chromium.new_context(locale="en-US", java_script_enabled=False) as context:
        page = context.new_page()
        sign_in(page, address, "ann@example.com")
        page.locator("[data-scope] summary").click()
        page.get_by_label("From").fill("2026-03-15")
        page.get_by_label("Your question").fill("How many days a week may employees work from home?")
        page.get_by_role("button", name="Send").click()
        expect(page.locator("[data-turn-scope]")).to_have_text("Scope: since March 15, 2026")
        expect(page.locator("[data-turn]")).to_contain_text("don’t hold the answer")
