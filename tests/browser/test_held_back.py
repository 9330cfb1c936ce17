"""What a person sees who asks too fast: the reason, the wait, and their question where they typed it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.server import running_server

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that takes one question a minute, and a few dozen pages."""
    limits = {"MUNDAP_QUESTIONS_PER_MINUTE": "1", "MUNDAP_REQUESTS_PER_MINUTE": "80"}
    with running_server(tmp_path_factory.mktemp("held"), limits) as address:
        yield address


def test_a_held_question_stays_in_the_box_and_a_held_fragment_leaves_the_page(
    ann: Page, address: str, chromium: Browser
) -> None:
    box = ann.get_by_label("Your question")
    for question in ("How many days a week may employees work from home?", "And how many in Daejeon?"):
        box.fill(question)
        ann.keyboard.press("Enter")
        expect(ann.locator("[data-turn]")).to_have_count(1)
    refusal = ann.locator("#composer-error .refusal")
    expect(refusal).to_contain_text("You asked very many questions in a short time. Wait ")
    expect(box).to_have_value("And how many in Daejeon?")
    expect(ann.locator("#notice")).to_be_hidden()  # said once
    expect(ann.locator("[data-stream]")).to_have_count(0)

    ann.goto(f"{address}/sessions/")
    for _ in range(200):
        if ann.request.get(f"{address}/sessions/").status == 429:
            break
    ann.evaluate("htmx.ajax('GET', '/sessions/', {target: '#main', swap: 'innerHTML'})")
    expect(ann.locator("#notice")).to_contain_text("You opened very many pages in a short time. Wait ")
    expect(ann.locator("#main h1")).to_be_visible()  # what was there is still there
    assert ann.goto(f"{address}/sessions/").status == 429  # type: ignore[union-attr]
    expect(ann.get_by_role("heading", name="One moment")).to_be_visible()
