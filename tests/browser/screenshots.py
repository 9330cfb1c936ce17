"""Takes pictures of every page, in both languages and themes, wide and on a phone. A command, not a test.

    python -m tests.browser.screenshots FOLDER --address URL --email E --admin A --password P

`E` asks, `A` opens the console; both have the same password, as the demo's accounts do.

    python -m tests.browser.screenshots FOLDER --address URL --inspector A --password P

takes those of the inspector only, of a server whose home `tests.browser.permission_states` has filled.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.permission_states import STATES
from tests.browser.server import CHROMIUM, FLAGS

QUESTIONS = {
    "ko": {
        "answer": "올해 연차는 며칠까지 이월할 수 있나요?",
        "blocked": "어떤 주식을 사면 좋을까요?",
        "no-answer": "화성 지사는 언제 여나요?",
    },
    "en": {
        "answer": "How long must a password be?",
        "blocked": "Which stocks should I buy this month?",
        "no-answer": "Which zebra won the Antarctic chess tournament?",
    },
}
SIZES = {"wide": (1280, 860), "phone": (390, 844)}
TOP_BAR, TALLEST = 60, 2600


@dataclass(frozen=True, slots=True)
class Session:
    """Where to look, as whom, and where the pictures go."""

    address: str
    email: str
    admin: str
    password: str
    folder: Path


@dataclass(frozen=True, slots=True)
class Look:
    """One of the eight ways in which the pages can look."""

    language: str
    theme: str
    size: str

    @property
    def suffix(self) -> str:
        """The end of each picture's name."""
        return f"{self.language}-{self.theme}-{self.size}"


def main(arguments: list[str]) -> int:
    """Take all pictures."""
    parser = argparse.ArgumentParser(prog="screenshots", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--address", default="http://127.0.0.1:8000")
    parser.add_argument("--email")
    parser.add_argument("--admin")
    parser.add_argument("--inspector")
    parser.add_argument("--password", required=True)
    given = parser.parse_args(arguments)
    if not given.inspector and not (given.email and given.admin):
        parser.error("give --email and --admin, or --inspector")
    admin = given.inspector or given.admin
    session = Session(given.address.rstrip("/"), given.email or "", admin, given.password, given.folder)
    tour = _inspector_tour if given.inspector else _tour
    session.folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        for language in QUESTIONS:
            for theme in ("light", "dark"):
                for size in SIZES:
                    _with_page(browser, session, Look(language, theme, size), tour)
        browser.close()
    return 0


def _with_page(
    browser: Browser, session: Session, look: Look, tour: Callable[[Page, Session, Look], None]
) -> None:
    width, height = SIZES[look.size]
    with browser.new_context(
        locale="ko-KR" if look.language == "ko" else "en-US",
        color_scheme="dark" if look.theme == "dark" else "light",
        viewport={"width": width, "height": height},
    ) as context:
        tour(context.new_page(), session, look)


def _tour(page: Page, session: Session, look: Look) -> None:
    page.goto(f"{session.address}/sign-in/")
    _take(page, session, look, "sign-in")
    _sign_in(page, session, look, session.email)
    _take(page, session, look, "home")
    if look.size == "phone":
        page.click("[data-rail-open]")
        _take(page, session, look, "conversations")
    for name, question in QUESTIONS[look.language].items():
        _ask(page, session, look, name, question)
    page.context.clear_cookies()
    page.goto(f"{session.address}/sign-in/")
    _sign_in(page, session, look, session.admin)
    _console(page, session, look)


def _inspector_tour(page: Page, session: Session, look: Look) -> None:
    page.goto(f"{session.address}/sign-in/")
    _sign_in(page, session, look, session.admin)
    start = f"{session.address}/console/permissions/"
    page.goto(start)
    _take_whole(page, session, look, "inspector")
    for state, (who, what) in STATES.items():
        page.goto(f"{start}?{urlencode({'who': who, 'what': what})}")
        page.wait_for_selector("#verdict")
        _take_whole(page, session, look, f"inspector-{state}")
        if state == "nested-group":
            _follow(page, session, look)
    for name in ("people", "sources/1/runs/2/changes"):
        page.goto(f"{session.address}/console/{name}/")
        _take_whole(page, session, look, name.rsplit("/", 1)[-1])
    page.goto(f"{session.address}/console/people/")
    page.get_by_role("link", name="김민서").click()
    page.wait_for_selector("#addresses")
    _take_whole(page, session, look, "person")


def _follow(page: Page, session: Session, look: Look) -> None:
    """From an inspection to all readers of its document, and to all that its person sees."""
    links = {name: page.locator(f"a[href*='/permissions/{name}/']").first for name in ("documents", "people")}
    for name, path in {name: link.get_attribute("href") for name, link in links.items()}.items():
        page.goto(f"{session.address}{path}")
        _take_whole(page, session, look, f"inspector-all-{name}")


def _sign_in(page: Page, session: Session, look: Look, email: str) -> None:
    page.fill("#email", email)
    page.fill("#password", session.password)
    page.click("form.form button")
    page.wait_for_url(f"{session.address}/")
    _choose_language(page, look)


def _choose_language(page: Page, look: Look) -> None:
    """The account's own choice may differ from the browser's."""
    if page.get_attribute("html", "lang") != look.language:
        page.evaluate("document.querySelector('.languages button').click()")
        page.wait_for_selector(f"html[lang={look.language}]")


def _ask(page: Page, session: Session, look: Look, name: str, question: str) -> None:
    page.goto(f"{session.address}/")
    page.fill("#question", question)
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-turn]")
    if name == "answer":
        page.wait_for_selector(".sentence, .outcome")
        _take(page, session, look, "streaming")
    page.wait_for_selector("[data-turn]:not([data-stream])", timeout=60_000)
    _take(page, session, look, name)
    if page.locator("a.cite").count():
        page.click("a.cite >> nth=0")
        page.wait_for_selector("#panel-body [data-source-title]")
        _take(page, session, look, f"{name}-source")


def _console(page: Page, session: Session, look: Look) -> None:
    page.goto(f"{session.address}/console/")
    _take(page, session, look, "console")
    links = [link.get_attribute("href") for link in page.locator(".row-name").all()]
    for number, link in enumerate(links[:4], start=1):
        page.goto(f"{session.address}{link}")
        _take(page, session, look, f"source-{number}")
    for name in ("", "rules/new/personal_data/", "bench/", "history/"):
        page.goto(f"{session.address}/console/guardrails/{name}")
        _take_whole(page, session, look, f"guardrails-{name.strip('/').replace('/', '-') or 'rules'}")


def _take_whole(page: Page, session: Session, look: Look, name: str) -> None:
    """As `_take`, of the whole page: its content scrolls inside the frame, so the window grows instead."""
    width, height = SIZES[look.size]
    whole = page.evaluate("document.getElementById('main').scrollHeight")
    page.set_viewport_size({"width": width, "height": min(max(whole + TOP_BAR, height), TALLEST)})
    _take(page, session, look, name)
    page.set_viewport_size({"width": width, "height": height})


def _take(page: Page, session: Session, look: Look, name: str) -> None:
    page.wait_for_timeout(300)  # let motion come to rest
    page.screenshot(path=session.folder / f"{name}-{look.suffix}.png")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
