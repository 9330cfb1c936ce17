"""From the sign-in page to the highlighted passage, in a real browser against a real server."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import sign_in

pytestmark = pytest.mark.browser

# What every form control, image, link and button needs so that a screen reader can name it.
NAMELESS = """() => [...document.querySelectorAll("a, button, input:not([type=hidden]), textarea, summary")]
  .filter((element) => element.checkVisibility())
  .filter((element) => !(element.textContent.trim() || element.getAttribute("aria-label")
    || element.labels?.length || element.title))
  .map((element) => element.outerHTML)"""
DOUBLED_IDS = """() => { const seen = new Set();
  return [...document.querySelectorAll("[id]")].map((element) => element.id)
    .filter((id) => seen.has(id) || !seen.add(id)); }"""
LONGER = "() => document.documentElement.scrollHeight - innerHeight"
OVERFLOW = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


def ask(page: Page, question: str) -> None:
    """Type the question and press Enter."""
    page.get_by_label("Your question").fill(question)
    page.keyboard.press("Enter")


def wait_for_answers(page: Page, count: int) -> None:
    """Wait until exactly so many turns are on the page and none of them is still written.

    That no turn is being written is also true of a page on which the question has not arrived yet.
    """
    expect(page.locator("[data-turn]:not([data-stream])")).to_have_count(count)
    expect(page.locator("[data-stream]")).to_have_count(0)


def test_ask_in_korean_and_in_english_and_open_the_passage(
    ann: Page, address: str, complaints: list[str]
) -> None:
    ask(ann, "국내 출장 일비는 하루 얼마인가요?")
    korean = ann.locator("[data-turn]").nth(0)
    expect(korean.locator(".answer")).to_contain_text("50,000원")
    expect(korean).to_have_attribute("aria-labelledby", korean.locator("h2").get_attribute("id") or "")
    korean.locator("a.cite").first.click()
    panel = ann.get_by_role("complementary", name="Source")
    expect(panel.locator("mark").first).to_be_visible()
    assert "50,000원" in " ".join(panel.locator("mark").all_inner_texts())
    expect(panel.locator("[data-source-title]")).to_be_focused()
    expect(panel.get_by_role("link", name="Open at the source")).to_have_attribute(
        "rel", "noopener noreferrer"
    )
    ann.keyboard.press("Escape")
    expect(panel).to_be_hidden()

    ask(ann, "How many days a week may employees work from home?")
    english = ann.locator("[data-turn]").nth(1)
    expect(english.locator(".answer")).to_contain_text("two days a week")
    english.locator("a.cite").first.click()
    marked = panel.locator("mark").first
    expect(marked).to_be_in_viewport()  # though it stands deep in the document
    assert "two days a week" in " ".join(panel.locator("mark").all_inner_texts())
    expect(panel.get_by_role("link", name="Open at the source")).to_have_count(0)  # its address was a script
    expect(english.locator(".sentence-text").first).to_have_css("text-decoration-line", "none")
    assert ann.url.startswith(f"{address}/c/")
    assert complaints == []


def test_asking_about_a_blocked_topic_names_it_and_shows_no_answer(ann: Page) -> None:
    ask(ann, "What is the salary of a senior engineer?")
    turn = ann.locator("[data-turn]")
    expect(turn).to_contain_text("“Pay” is a blocked topic")
    expect(turn).to_contain_text("Ask the HR desk")
    expect(turn.locator(".answer")).to_have_count(0)
    assert "82 to 96" not in ann.content()


def test_a_question_without_an_answer_says_what_was_searched(ann: Page) -> None:
    ask(ann, "Which zebra won the Antarctic chess tournament?")
    turn = ann.locator("[data-turn]")
    expect(turn).to_contain_text("don’t hold the answer")
    expect(turn).to_contain_text("3 documents were searched.")


def test_enter_that_ends_a_korean_composition_never_sends(ann: Page, address: str) -> None:
    box = ann.get_by_label("Your question")
    box.fill("출장 일비")
    for init in ("{isComposing: true}", "{keyCode: 229}"):
        sent = ann.evaluate(
            f"""() => {{
              const box = document.querySelector("[data-question]");
              box.dispatchEvent(new CompositionEvent("compositionstart", {{bubbles: true}}));
              const down = new KeyboardEvent("keydown",
                {{key: "Enter", bubbles: true, cancelable: true, ...{init}}});
              const went = box.dispatchEvent(down);
              box.dispatchEvent(new CompositionEvent("compositionend", {{bubbles: true, data: "비"}}));
              return !went;
            }}"""
        )
        assert sent is False, init
    ann.wait_for_timeout(300)
    expect(ann.locator("[data-turn]")).to_have_count(0)
    expect(box).to_have_value("출장 일비")
    ann.keyboard.press("Shift+Enter")
    expect(box).to_have_value("출장 일비\n")
    expect(ann.locator("[data-turn]")).to_have_count(0)
    ann.keyboard.press("Enter")
    expect(ann.locator("[data-turn]")).to_have_count(1)
    ann.wait_for_url(f"{address}/c/*/")


def test_text_from_events_never_becomes_markup_and_a_bare_sentence_is_marked(ann: Page) -> None:
    hostile = "<img src=x onerror='document.title=1'><b>bold</b>"
    events = [
        ("status", {"step": "reading", "documents": 6}),
        ("status", {"step": "writing", "documents": 0}),
        ("token", {"text": hostile, "citations": []}),
        ("token", {"text": "Seoul\t150,000", "citations": [1, 2]}),
    ]
    body = "".join(
        f"id: {seq}\nevent: {kind}\ndata: {json.dumps(data)}\n\n"
        for seq, (kind, data) in enumerate(events, start=1)
    )
    ann.route(
        "**/turns/*/stream/**", lambda route: route.fulfill(body=body, content_type="text/event-stream")
    )
    ask(ann, "How many days a week may employees work from home?")
    answer = ann.locator(".answer")
    expect(answer).to_contain_text(hostile)
    expect(answer.locator("img, b")).to_have_count(0)
    expect(answer.locator(".unsupported-word").first).to_have_text("no source")
    expect(answer.locator(".row .cell").first).to_have_text("Seoul")
    expect(answer.locator(".cite").first).to_have_text("1")
    expect(ann.locator("[data-step=reading]")).to_have_text("Reading 6 documents")
    expect(ann.locator("[data-reconnecting]")).to_be_visible()  # the line ended without a last event


def test_a_reload_and_a_second_tab_show_the_same_conversation(ann: Page) -> None:
    ask(ann, "How many days a week may employees work from home?")
    expect(ann.locator("[data-turn]")).to_have_count(1)
    ann.wait_for_url("**/c/*/")
    ann.reload()
    expect(ann.locator(".answer")).to_contain_text("two days a week")
    other = ann.context.new_page()
    other.goto(ann.url)
    expect(other.locator(".answer")).to_contain_text("two days a week")
    expect(other.locator("[data-conversation] [aria-current=page]")).to_have_count(1)


def test_without_scripts_a_question_is_still_answered(chromium: Browser, address: str) -> None:
    with chromium.new_context(locale="en-US", java_script_enabled=False) as context:
        page = context.new_page()
        sign_in(page, address, "ann@example.com")
        page.get_by_label("Your question").fill("How many days a week may employees work from home?")
        page.get_by_role("button", name="Send").click()
        expect(page.locator(".answer")).to_contain_text("two days a week")
        page.locator("a.cite").first.click()
        expect(page.locator("mark").first).to_be_attached()


def test_on_a_phone_the_source_is_a_drawer_and_nothing_overflows(chromium: Browser, address: str) -> None:
    with chromium.new_context(locale="en-US", viewport={"width": 390, "height": 844}) as context:
        page = context.new_page()
        sign_in(page, address, "ann@example.com")
        page.get_by_role("link", name="Open the menu").click()
        expect(page.locator("#rail")).to_be_in_viewport()
        page.keyboard.press("Escape")
        ask(page, "How many days a week may employees work from home?")
        page.locator("a.cite").first.click()
        expect(page.locator("#panel-body mark").first).to_be_in_viewport()
        assert page.locator("#main").evaluate("element => element.inert")
        assert page.evaluate(OVERFLOW) <= 0
        page.keyboard.press("Escape")
        assert not page.locator("#main").evaluate("element => element.inert")


def test_everything_has_a_name_and_ids_are_single(ann: Page, address: str) -> None:
    ask(ann, "How many days a week may employees work from home?")
    ann.locator("a.cite").first.click()
    expect(ann.locator("#panel-body mark").first).to_be_visible()
    assert ann.evaluate(NAMELESS) == []
    assert ann.evaluate(DOUBLED_IDS) == []
    assert ann.locator("h1").count() == 1


def test_theme_and_language_are_kept(ann: Page, address: str) -> None:
    ann.get_by_role("button", name="Dark").click()
    ann.reload()
    expect(ann.locator("html")).to_have_attribute("data-theme", "dark")
    ann.get_by_role("button", name="한국어").click()
    expect(ann.get_by_text("무엇이 궁금하세요?")).to_be_visible()
    ann.get_by_role("button", name="English").click()
    expect(ann.get_by_text("What would you like to know?")).to_be_visible()


def test_a_conversation_is_found_by_its_words_and_deleted_after_one_question(ann: Page, address: str) -> None:
    ask(ann, "Where is the core time written down?")
    ann.wait_for_url("**/c/*/")
    wait_for_answers(ann, 1)
    find = ann.get_by_label("Find a conversation")
    find.fill("no such words")
    expect(ann.get_by_text("No conversation has these words.")).to_be_visible()
    find.fill("CORE TIME")
    item = ann.locator("[data-conversation]:visible")
    expect(item).to_have_count(1)
    item.hover()
    item.get_by_role("link", name="Delete “Where is the core time written down?”").click()
    expect(ann.get_by_role("heading", name="Delete “Where is the core time written down?”?")).to_be_visible()
    ann.get_by_role("button", name="Delete").click()
    ann.wait_for_url(f"{address}/")
    expect(ann.get_by_text("Where is the core time written down?")).to_have_count(0)


def test_the_console_and_the_admin_work_under_the_policy(chromium: Browser, address: str) -> None:
    complaints: list[str] = []
    with chromium.new_context(locale="en-US") as context:
        page = context.new_page()
        page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        sign_in(page, address, "ada@example.com")
        page.get_by_role("link", name="Console").click()
        expect(page.get_by_role("link", name="Handbook")).to_be_visible()
        page.get_by_role("button", name="Sync now").click()
        expect(page.get_by_text("Waiting for a worker")).to_be_visible()
        page.get_by_role("button", name="Cancel").click()
        expect(page.locator(".page-title-line .badge")).to_contain_text("Cancelled")
        page.get_by_role("link", name="Guardrails").click()
        page.get_by_role("link", name="Pay").click()
        expect(page.get_by_label("Name")).to_have_value("Pay")
    assert complaints == []


def test_no_page_is_longer_than_its_window(chromium: Browser, address: str) -> None:
    """The content scrolls in its frame; what is hidden from view must not make the page itself scroll."""
    with chromium.new_context(locale="en-US", viewport={"width": 390, "height": 844}) as context:
        page = context.new_page()
        sign_in(page, address, "ada@example.com")
        for path in ("/", "/console/", "/console/models/", "/console/guardrails/bench/", "/console/people/"):
            page.goto(f"{address}{path}")
            assert page.evaluate(LONGER) <= 0, path
