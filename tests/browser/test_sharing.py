"""Sharing a conversation from its button to the reader's own question, with and without scripts."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import sign_in
from tests.browser.test_asking import DOUBLED_IDS, NAMELESS, OVERFLOW, ask, wait_for_answers

pytestmark = pytest.mark.browser

QUESTION = "How many days a week may employees work from home?"


def link_of(page: Page) -> str:
    """The address in the small window, once it stands there."""
    field = page.get_by_label("Link", exact=True)
    expect(field).to_be_visible()
    return field.input_value()


def test_a_link_is_made_copied_opened_by_a_colleague_moved_on_and_ended(
    ann: Page, chromium: Browser, address: str, complaints: list[str]
) -> None:
    ask(ann, QUESTION)
    wait_for_answers(ann, 1)
    expect(ann.locator(".answer")).to_contain_text("two days a week")
    ann.get_by_role("link", name="Share", exact=True).click()
    dialog = ann.get_by_role("dialog", name="Share this conversation")
    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name="Make a link").click()
    link = link_of(ann)
    assert link.startswith(f"{address}/s/")
    dialog.get_by_role("button", name="Copy").click()
    expect(dialog.get_by_role("button", name="Copied")).to_be_visible()
    assert ann.evaluate(NAMELESS) == []
    assert ann.evaluate(DOUBLED_IDS) == []
    ann.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(ann.get_by_role("link", name="Shared", exact=True)).to_be_visible()

    with chromium.new_context(locale="en-US", viewport={"width": 390, "height": 844}) as context:
        colleague = context.new_page()
        sign_in(colleague, address, "ada@example.com")
        colleague.goto(link)
        expect(colleague.get_by_text("Shared by Ann.")).to_be_visible()
        colleague.locator("a.cite").first.click()
        expect(colleague.locator("#panel-body mark").first).to_be_in_viewport()
        colleague.keyboard.press("Escape")
        assert colleague.evaluate(OVERFLOW) <= 0
        assert colleague.evaluate(NAMELESS) == []
        colleague.get_by_role("link", name="Ask this in a conversation of my own").click()
        expect(colleague.get_by_label("Your question")).to_have_value(QUESTION)
        expect(colleague.locator("[data-turn]")).to_have_count(0)

        ask(ann, "What is the core time?")
        wait_for_answers(ann, 2)
        ann.get_by_role("link", name="Shared", exact=True).click()
        dialog.get_by_role("button", name="Include newer answers").click()
        expect(dialog.get_by_text("2 answers are behind the link")).to_be_visible()
        colleague.goto(link)
        expect(colleague.locator(".turn")).to_have_count(2)
        dialog.get_by_role("button", name="Stop sharing").click()
        expect(dialog.get_by_role("button", name="Make a link")).to_be_visible()
        colleague.goto(link)
        expect(colleague.get_by_role("heading", name="This page isn’t there")).to_be_visible()
    assert complaints == []


def test_a_saved_page_shows_the_answer_and_nothing_in_it_runs_or_loads(
    ann: Page, tmp_path: Path, complaints: list[str]
) -> None:
    ask(ann, QUESTION)
    wait_for_answers(ann, 1)
    ann.get_by_role("link", name="Save", exact=True).click()
    dialog = ann.get_by_role("dialog", name="Save this conversation")
    with ann.expect_download() as download:
        dialog.get_by_role("link", name="Web page").click()
    assert download.value.suggested_filename.endswith(f"{QUESTION.rstrip('?')}.html")
    file = tmp_path / "saved.html"
    download.value.save_as(file)
    requests: list[str] = []
    saved = ann.context.new_page()
    saved.on("request", lambda request: requests.append(request.url))
    saved.on("console", lambda line: complaints.append(line.text))
    saved.goto(file.as_uri())
    expect(saved.get_by_text("two days a week").first).to_be_visible()
    expect(saved.locator("body")).not_to_have_css(
        "max-width", "none"
    )  # its style is the one the policy names
    assert requests == [file.as_uri()]
    assert complaints == []


def test_without_scripts_a_link_is_made_and_ended(chromium: Browser, address: str) -> None:
    with chromium.new_context(locale="en-US", java_script_enabled=False) as context:
        page = context.new_page()
        sign_in(page, address, "ann@example.com")
        page.get_by_label("Your question").fill(QUESTION)
        page.get_by_role("button", name="Send").click()
        page.get_by_role("link", name="Share", exact=True).click()
        page.get_by_role("button", name="Make a link").click()
        link = link_of(page)
        page.goto(link)
        expect(page.locator(".answer")).to_contain_text("two days a week")
        page.locator("a.cite").first.click()
        expect(page.locator("mark").first).to_be_attached()
        page.go_back()
        page.go_back()
        page.get_by_role("button", name="Stop sharing").click()
        page.goto(link)
        expect(page.get_by_role("heading", name="This page isn’t there")).to_be_visible()
