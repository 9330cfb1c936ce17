"""Takes pictures of what Mundap shows in Slack. A command, not a test.

    python -m tests.slackbot.preview FOLDER [--demo]

Each scene in Korean and English, light and dark, wide and on a phone. `--demo` makes the demo company in a
home of its own and asks it, so that answer, sources, blocked topic and no answer are real.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

import django
from playwright.sync_api import Browser, sync_playwright

from assistant.common.types import JsonObject
from tests.browser.server import CHROMIUM, FLAGS

SIZES = {"wide": (820, 640), "phone": (390, 720)}


def main(arguments: list[str]) -> int:
    """Take all pictures."""
    parser = argparse.ArgumentParser(prog="preview", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--demo", action="store_true")
    given = parser.parse_args(arguments)
    given.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        os.environ["MUNDAP_HOME"] = home
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "assistant.config.settings")
        django.setup()
        payloads = _payloads(Path(home), demo=given.demo)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        found = [line for look in _looks() for line in _take(browser, given.folder, payloads, look)]
        browser.close()
    print("\n".join(found) or f"{len(payloads) * len(_looks()) // 2} pictures, nothing overflows")
    return bool(found)


def _looks() -> list[tuple[str, str, str]]:
    return [(lang, theme, size) for lang in ("ko", "en") for theme in ("light", "dark") for size in SIZES]


def _payloads(home: Path, *, demo: bool) -> dict[tuple[str, str], JsonObject]:
    """What the page is to show, by language and name of the scene."""
    from django.utils import translation  # noqa: PLC0415 - needs the settings

    from tests.slackbot.preview import demo_turns, scenes  # noqa: PLC0415

    if demo:
        demo_turns.make_company(home)
    found: dict[tuple[str, str], JsonObject] = {}
    for language in ("ko", "en"):
        with translation.override(language):
            turns = scenes.written_turns(language) | (demo_turns.asked_turns(language) if demo else {})
            for name, scene in scenes.scenes(turns, scenes.titles(language)).items():
                found[language, name] = scene.payload(language)
    return found


def _take(
    browser: Browser, folder: Path, payloads: dict[tuple[str, str], JsonObject], look: tuple[str, str, str]
) -> list[str]:
    """The pictures of one look; what overflows in them."""
    from tests.slackbot.preview import drawing  # noqa: PLC0415

    language, theme, size = look
    width, height = SIZES[size]
    found: list[str] = []
    with browser.new_context(
        color_scheme="dark" if theme == "dark" else "light", viewport={"width": width, "height": height}
    ) as context:
        page = context.new_page()
        drawing.open_preview(page)
        for (of, name), payload in payloads.items():
            if of == language:
                drawing.show(page, payload)
                found += [f"{name} {language} {size}: {line}" for line in drawing.overflowing(page)]
                page.screenshot(path=folder / f"{name}-{language}-{theme}-{size}.png", full_page=True)
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
