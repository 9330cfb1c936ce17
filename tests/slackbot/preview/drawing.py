"""The preview page in a browser: shows one scene, and says what overflows."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page

from assistant.common.types import JsonObject

PAGE = Path(__file__).with_name("page.html")

# Elements that are wider than what holds them, and the page if it scrolls sideways.
_OVERFLOWING = """() => [...document.querySelectorAll("main, main *")]
  .filter((one) => one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).display !== "inline")
  .map((one) => `${one.tagName}.${one.className}: ${one.scrollWidth} in ${one.clientWidth}`)
  .concat(document.documentElement.scrollWidth > innerWidth ? ["the page scrolls sideways"] : [])"""


def open_preview(page: Page) -> None:
    """Load the page, with nothing drawn yet."""
    page.goto(PAGE.as_uri())


def show(page: Page, payload: JsonObject) -> None:
    """Draw the scene in place of the one before."""
    page.evaluate("(payload) => show(payload)", payload)


def overflowing(page: Page) -> list[str]:
    """What is wider than its place."""
    found: list[str] = page.evaluate(_OVERFLOWING)
    return found
