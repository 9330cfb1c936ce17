"""What Mundap shows in Slack, drawn as a chat client draws it: all of it fits, and text stays text."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.utils import translation
from playwright.sync_api import Browser, Page

from assistant.chat.events import Blocked, Citations, Done, Failed, NoAnswer, Searched, Section, Token
from assistant.slackbot.rendering.messages import Drawing, Where
from assistant.slackbot.rendering.views import ask_about_modal, sources_modal
from tests.slackbot.preview.drawing import open_preview, overflowing, show
from tests.slackbot.preview.scenes import ADDRESS, Scene, passage, scenes, titles, written_turns

pytestmark = pytest.mark.browser

SIZES = ((820, 640), (390, 720))
HOSTILE = "<img src=x onerror=alert(1)><b id=planted>*b* _i_ `c` :smile: <!channel> <@U0BOB> <https://evil.example|x>"
KNOWN = {"MAIN", "DIV", "SPAN", "B", "I", "CODE", "UL", "LI", "A", "HR", "HEADER", "FOOTER"}


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """An empty page that can reach nothing but the preview."""
    with chromium.new_context() as context:
        context.route("http**", lambda route: route.abort())
        page = context.new_page()
        open_preview(page)
        yield page


@pytest.mark.parametrize("language", ["ko", "en"])
def test_every_scene_fits_wide_and_on_a_phone(page: Page, language: str) -> None:
    with translation.override(language):
        drawn = scenes(written_turns(language), titles(language))
    too_wide: dict[str, list[str]] = {}
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        for name, scene in drawn.items():
            show(page, scene.payload(language))
            assert page.locator("main").inner_text().strip()
            if found := overflowing(page):
                too_wide[f"{name} at {width}"] = found
    assert too_wide == {}


def test_hostile_text_makes_no_element_no_mention_and_no_link(page: Page) -> None:
    trap = passage(1, HOSTILE, HOSTILE, url="javascript:alert(1)", source=HOSTILE)
    surfaces: list[Scene] = [
        Scene("modal", sources_modal([trap], address=ADDRESS, quotes={1: [HOSTILE]})),
        Scene("modal", ask_about_modal(HOSTILE, "{}")),
    ]
    for last in (Done(1), Failed("x", HOSTILE), Blocked(HOSTILE, HOSTILE)):
        drawing = Drawing(turn_id=1, question=HOSTILE, asker=HOSTILE, where=Where.PRIVATE, address=ADDRESS)
        for event in (
            Searched(HOSTILE),
            Section(HOSTILE),
            Token(HOSTILE, (1,)),
            NoAnswer(3),
            Citations((trap,)),
        ):
            drawing.take(event)
        drawing.take(last)
        surfaces.append(Scene("private", {"blocks": list(drawing.message().blocks)}))
    for scene in surfaces:
        show(page, scene.payload("en"))
        assert HOSTILE in page.locator("main").inner_text()
        tags = page.eval_on_selector_all("main, main *", "all => all.map(one => one.tagName)")
        assert set(tags) <= KNOWN
        assert page.locator("#planted, .mention").count() == 0
        links = page.eval_on_selector_all("main a", "all => all.map(one => one.href)")
        assert [link for link in links if link != ADDRESS] == []
