"""Pictures of a source's life, from the wizard to the approval of a deletion. A command, not a test.

    python -m tests.browser.source_series FOLDER
        [--languages ko en] [--themes light dark] [--sizes wide phone]

A server of its own, over an empty home; the source is a copy of the demo company's folder, read by real
runs. For each look the whole series is taken anew:

    01 kinds  02 settings  03 connection test  04 preview  05 schedule and audience
    06 progress  07 failed documents  08 approval of a deletion  09 the source afterwards

Exit status 1 if a page is wider than the window or the browser complains.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.screenshots import SIZES, TALLEST, TOP_BAR
from tests.browser.server import CHROMIUM, FLAGS, REPOSITORY, environment_of, running_server
from tests.browser.world import PASSWORD

COMPANY = REPOSITORY / "assistant" / "demo" / "company"
NAMES = {"ko": "회사 문서", "en": "Company files"}
LEAVING = ("hr", "sales", "support")  # more than a run may delete unasked
MOMENT_MS = 250


@dataclass(slots=True)
class Series:
    """One look of the series: a page, and what was wrong with what it showed."""

    page: Page
    address: str
    home: Path
    share: Path
    folder: Path
    language: str
    suffix: str
    wrong: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The source's name; each look has a source of its own."""
        return f"{NAMES[self.language]} {self.suffix}"

    def picture(self, name: str) -> None:
        """The whole page, however tall."""
        page, size = self.page, self.page.viewport_size
        assert size is not None
        page.evaluate("document.getElementById('main').scrollTo(0, 0)")
        page.wait_for_timeout(MOMENT_MS)
        height = page.evaluate("document.getElementById('main').scrollHeight")
        page.set_viewport_size(
            {"width": size["width"], "height": min(max(height + TOP_BAR, size["height"]), TALLEST)}
        )
        page.wait_for_timeout(MOMENT_MS)
        page.screenshot(path=self.folder / f"{name}-{self.suffix}.png")
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            self.wrong.append(f"{name}-{self.suffix} is wider than the window")
        page.set_viewport_size(size)

    def started(self) -> subprocess.Popen[bytes]:
        """A run as a worker would make it."""
        command = [sys.executable, "manage.py", "sync", self.name, "--wait"]
        environment = environment_of(self.home)
        quiet = subprocess.DEVNULL
        return subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=quiet, stderr=quiet)

    def sign_in(self) -> None:
        """As the administrator, in the language of the series."""
        page = self.page
        page.goto(f"{self.address}/sign-in/")
        page.fill("#email", "ada@example.com")
        page.fill("#password", PASSWORD)
        page.click("form.form button")
        page.wait_for_url(f"{self.address}/")
        if page.get_attribute("html", "lang") != self.language:
            page.evaluate("document.querySelector('.languages button').click()")
            page.wait_for_selector(f"html[lang={self.language}]")

    def add(self) -> None:
        """The wizard, step by step."""
        page, root = self.page, str(self.share / "company")
        page.goto(f"{self.address}/console/sources/new/")
        self.picture("01-kinds")
        page.click("a[href$='/new/filesystem/']")
        page.fill("#name", self.name)
        page.fill("#setting-root", root)
        page.fill("#setting-access_file", f"{root}/access.json")
        page.fill("#setting-groups_file", f"{root}/groups.json")
        self.picture("02-settings")
        page.click(".step-actions button")
        page.wait_for_selector(".trial, .trial-problem")
        self.picture("03-test")
        page.click(".step-actions a >> nth=-1")
        page.wait_for_selector(".preview")
        self.picture("04-preview")
        page.click("button[name=go]")
        page.wait_for_selector(".choice-row")
        page.click(".choice-pill:has([value=week])")
        page.select_option("#weekday", "1")
        page.fill("#time", "03:30")
        page.keyboard.press("Tab")
        page.click("label:has([value=limited])")
        page.fill("#people", "ann@example.com\ngroup:staff")
        page.wait_for_timeout(5 * MOMENT_MS)
        self.picture("05-schedule")
        page.click(".step-actions button")
        page.wait_for_selector("#progress")

    def live(self) -> None:
        """Runs: one under way, what failed, and one that stops and asks."""
        page, run = self.page, self.started()
        while run.poll() is None:
            bar = page.locator("#progress progress[max]")
            if bar.count() and int(bar.get_attribute("value") or 0) > 0:
                break
            page.wait_for_timeout(MOMENT_MS / 4)
            page.reload()
        self.picture("06-progress")
        run.wait()
        page.reload()
        page.wait_for_selector("#failures .filter")
        self.picture("07-failed")
        for name in LEAVING:
            shutil.rmtree(self.share / "company" / name)
        self.started().wait()
        page.reload()
        page.click("#approval .ask summary")
        self.picture("08-approval")
        page.click("#approval form[action*=approve] button >> nth=0")
        page.wait_for_load_state("networkidle")
        page.reload()
        self.picture("09-afterwards")


def series(browser: Browser, address: str, home: Path, folder: Path, look: Sequence[str]) -> list[str]:
    """The whole series in one look; what was wrong."""
    language, theme, size = look
    width, height = SIZES[size]
    with (
        tempfile.TemporaryDirectory(prefix="mundap-share-") as share,
        browser.new_context(
            locale={"ko": "ko-KR", "en": "en-US"}[language],
            color_scheme="dark" if theme == "dark" else "light",
            viewport={"width": width, "height": height},
        ) as context,
    ):
        shutil.copytree(COMPANY, Path(share) / "company")
        page = context.new_page()
        taken = Series(page, address, home, Path(share), folder, language, "-".join(look))
        page.on("pageerror", lambda error: taken.wrong.append(str(error)))
        taken.sign_in()
        taken.add()
        taken.live()
        return taken.wrong


def main() -> int:
    """Take all series."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--languages", nargs="+", choices=["ko", "en"], default=["ko", "en"])
    parser.add_argument("--themes", nargs="+", choices=["light", "dark"], default=["light"])
    parser.add_argument("--sizes", nargs="+", choices=[*SIZES], default=["wide"])
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    wrong: list[str] = []
    with (
        tempfile.TemporaryDirectory(prefix="mundap-series-") as home,
        running_server(Path(home)) as address,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        for look in product(options.languages, options.themes, options.sizes):
            wrong += series(browser, address, Path(home), options.folder, look)
        browser.close()
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
