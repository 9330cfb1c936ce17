"""Files in a conversation in a real browser: chosen, dropped, asked, removed, by keyboard and on a phone."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.conftest import sign_in
from tests.browser.test_asking import DOUBLED_IDS, NAMELESS, OVERFLOW, ask
from tests.browser.test_scope import picture
from tests.chat.files import CONTRACT_KO, OFFER

pytestmark = pytest.mark.browser

DROP = """([name, text]) => {
  const carried = new DataTransfer();
  carried.items.add(new File([text], name, { type: "text/plain" }));
  for (const kind of ["dragover", "drop"]) {
    document.querySelector("#main").dispatchEvent(
      new DragEvent(kind, { dataTransfer: carried, bubbles: true, cancelable: true }),
    );
  }
}"""


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """Files on the person's machine."""
    contents = {
        "offer.md": OFFER,
        "사무실 임대차 계약서.md": CONTRACT_KO,
        "scan of 2019.pdf": "no pdf at all",
    }
    for name, text in contents.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return {name: tmp_path / name for name in contents}


def chip(page: Page, name: str, state: str) -> None:
    """Wait until the file's chip shows this state."""
    expect(page.locator(f".file-chip[data-state='{state}']").filter(has_text=name)).to_be_visible()


def test_files_are_chosen_dropped_asked_and_removed(
    ann: Page, files: dict[str, Path], complaints: list[str]
) -> None:
    ann.get_by_label("Your question").fill("What is typed stays")
    ann.locator("[data-file-input]").set_input_files([files["offer.md"], files["scan of 2019.pdf"]])
    chip(ann, "offer.md", "ready")
    chip(ann, "scan of 2019.pdf", "failed")
    expect(ann.locator(".file-chips")).to_contain_text("isn’t what the file’s name says")
    assert "/c/" in ann.url
    expect(ann.get_by_label("Your question")).to_have_value("What is typed stays")
    expect(ann.locator("[data-welcome]")).to_be_visible()
    ann.evaluate(DROP, ["rival.md", OFFER.replace("4,310", "3,980")])
    chip(ann, "rival.md", "ready")
    assert ann.evaluate(NAMELESS) == []
    assert ann.evaluate(DOUBLED_IDS) == []

    ask(ann, "How much is the monthly fee in offer.md?")
    turn = ann.locator("[data-turn]").nth(0)
    expect(turn.locator(".answer")).to_contain_text("4,310 euros")
    expect(turn).to_contain_text("Asked of this conversation’s files only")
    expect(turn).to_contain_text("1 file couldn’t be read and was left out")
    turn.locator(".source-card").first.click()
    expect(ann.locator("#panel-body")).to_contain_text("Your file, which nobody else sees")
    expect(ann.locator("#panel-body mark").first).to_be_visible()
    ask(ann, "How many days a week may employees work from home?")
    expect(ann.locator("[data-turn]").nth(1).locator(".answer")).to_contain_text("two days a week")
    ask(ann, "Compare these two files")
    compared = ann.locator("[data-turn]").nth(2)
    expect(compared.locator(".part")).to_have_count(2)
    expect(compared).to_contain_text("3,980")

    ann.reload()
    chip(ann, "offer.md", "ready")
    expect(ann.locator("[data-turn]").nth(2)).to_contain_text("3,980")
    ann.once("dialog", lambda dialog: dialog.accept())
    remove = ann.get_by_role("button", name="Remove the file rival.md")
    remove.focus()
    ann.keyboard.press("Enter")
    expect(ann.locator(".file-chip").filter(has_text="rival.md")).to_have_count(0)
    expect(ann.locator("[data-turn]").nth(2)).to_contain_text("isn’t shown any more")
    expect(ann.locator("[data-turn]").nth(0)).to_contain_text("4,310 euros")
    assert complaints == []


def test_a_question_sent_while_a_file_is_on_its_way_reaches_the_same_conversation(
    ann: Page, files: dict[str, Path]
) -> None:
    ann.get_by_label("Your question").fill("Summarise this document")

    def slowly(route: Route) -> None:
        ann.wait_for_timeout(300)
        route.continue_()

    ann.route("**/files/", slowly)
    ann.locator("[data-file-input]").set_input_files(files["offer.md"])
    ann.get_by_label("Your question").press("Enter")
    turn = ann.locator("[data-turn]").first
    expect(turn.locator(".answer")).to_contain_text("26 months")
    chip(ann, "offer.md", "ready")
    expect(ann.locator("[data-turn]")).to_have_count(1)


def put(page: Page, question: str) -> None:
    """Ask, whatever the page's language is."""
    page.locator("[data-question]").fill(question)
    page.keyboard.press("Enter")


def fits(page: Page, name: str) -> None:
    """On a phone and on a desk, in light and in dark, nothing is wider than the page."""
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for width, height in ((390, 844), (1280, 860)):
        page.set_viewport_size({"width": width, "height": height})
        for scheme in schemes:
            page.emulate_media(color_scheme=scheme)
            assert page.evaluate(OVERFLOW) <= 0
            picture(page, f"{name}-{scheme}-{width}")


@pytest.mark.parametrize("language", ["ko", "en"])
def test_the_chips_fit_every_page(
    chromium: Browser, address: str, files: dict[str, Path], language: str
) -> None:
    with chromium.new_context(locale="en-US") as context:
        page = context.new_page()
        sign_in(page, address, "ann@example.com")
        if language == "ko":
            context.add_cookies([{"name": "django_language", "value": "ko", "url": address}])
            page.goto(address)
        page.locator("[data-file-input]").set_input_files(list(files.values()))
        chip(page, "offer.md", "ready")
        chip(page, "scan of 2019.pdf", "failed")
        chip(page, "계약서", "ready")
        fits(page, f"files-chips-{language}")
        put(
            page,
            "보증금은 얼마인가요?"
            if language == "ko"
            else "How much is the monthly fee of the catering contract?",
        )
        turn = page.locator("[data-turn]").first
        expect(turn.locator(".source-card").first).to_be_visible()
        fits(page, f"files-turn-{language}")
        put(page, "이 파일들을 비교해 줘" if language == "ko" else "Compare these files")
        expect(page.locator("[data-turn]").nth(1).locator(".part")).to_have_count(2)
        fits(page, f"files-compared-{language}")
