"""Adding a source in a real browser, from the first click to the first answer out of it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import sign_in
from tests.browser.server import REPOSITORY, environment_of
from tests.browser.test_asking import DOUBLED_IDS, NAMELESS, OVERFLOW
from tests.browser.test_scope import picture

pytestmark = pytest.mark.browser

QUESTION = "Which code opens the bicycle shed?"
REFUSED = "422 (Unprocessable"  # the browser says so of every form with a mistake in it


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of two documents, of which one is open to Ada's group."""
    (tmp_path / "shed.md").write_text("# Bicycle shed\n\nThe code 7301 opens the bicycle shed.", "utf-8")
    (tmp_path / "empty.md").write_text("", "utf-8")
    access = [
        {"keyPrefix": "", "aclEntries": [{"Name": "ada@example.com", "Type": "USER", "Access": "ALLOW"}]}
    ]
    (tmp_path / "access.json").write_text(json.dumps(access), "utf-8")
    return tmp_path


@pytest.fixture
def ada(chromium: Browser, address: str, complaints: list[str]) -> Iterator[Page]:
    """The administrator's browser."""
    with chromium.new_context(locale="en-US", viewport={"width": 1280, "height": 860}) as context:
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
        sign_in(page, address, "ada@example.com")
        yield page


def sound(page: Page, name: str) -> None:
    """Nothing without a name, no id twice, nothing wider than the page; pictures wide and narrow."""
    for width, height in ((390, 844), (1280, 860)):
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate(NAMELESS) == []
        assert page.evaluate(DOUBLED_IDS) == []
        assert page.evaluate(OVERFLOW) == 0
        picture(page, f"{name}-{width}")


def test_from_the_first_click_to_the_first_answer(
    ada: Page, address: str, folder: Path, home: Path, complaints: list[str]
) -> None:
    ada.goto(f"{address}/console/")
    ada.get_by_role("link", name="Add a source").click()
    sound(ada, "source-kind")
    ada.locator("a[href$='/new/filesystem/']").click()
    ada.get_by_role("textbox", name="Folder", exact=True).fill("somewhere")
    ada.get_by_role("button", name="Continue to the test").click()
    expect(ada.get_by_text("Write the whole path")).to_be_visible()
    ada.get_by_label("Name of the source").fill("Sheds")
    ada.get_by_role("textbox", name="Folder", exact=True).fill(str(folder))
    ada.get_by_label("Access file").fill(str(folder / "access.json"))
    sound(ada, "source-settings")
    ada.get_by_role("button", name="Continue to the test").click()
    expect(ada.get_by_text("Everything works.")).to_be_visible()
    sound(ada, "source-test")
    ada.get_by_role("link", name="Continue to the preview").click()
    expect(ada.get_by_role("row", name="shed.md")).to_contain_text("ada@example.com")
    ada.get_by_text("Take only a part of it").click()
    ada.get_by_label("Not these").fill("empty.*")
    ada.get_by_role("button", name="Show what these rules take").click()
    expect(ada.get_by_role("row", name="empty.md")).to_contain_text("a pattern leaves it out")
    sound(ada, "source-preview")
    ada.get_by_label("Not these").fill("")
    ada.get_by_role("button", name="Continue to the schedule").click()
    ada.get_by_role("radio", name="Every week").check()
    ada.get_by_label("Day of the week").select_option("Monday")
    expect(ada.locator("#next-times li")).to_have_count(3)
    expect(ada.locator("#next-times")).to_contain_text("(Mon)")
    ada.get_by_text("Only a test group").click()
    ada.get_by_label("People and groups").fill("ada@example.com")
    sound(ada, "source-plan")
    ada.get_by_role("button", name="Start the first sync").click()
    expect(ada.get_by_text("Waiting for a worker")).to_be_visible()
    sound(ada, "source-waiting")
    sync(home, "Sheds")
    expect(ada.get_by_text("Some documents failed").first).to_be_visible()
    expect(ada.locator("#failures")).to_contain_text("empty.md")
    sound(ada, "source-failures")
    ada.goto(f"{address}/")
    ada.get_by_role("textbox").last.fill(QUESTION)
    ada.keyboard.press("Enter")
    expect(ada.locator(".sentence").first).to_contain_text("7301")
    assert [line for line in complaints if REFUSED not in line] == []


def sync(home: Path, name: str) -> None:
    """Carry the waiting run out, as a worker would."""
    command = [sys.executable, "manage.py", "sync", name, "--wait"]
    done = subprocess.run(
        command, cwd=REPOSITORY, env=environment_of(home), check=False, capture_output=True, timeout=120
    )
    assert done.returncode == 0, done.stderr.decode()
