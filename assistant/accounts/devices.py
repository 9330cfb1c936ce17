"""Which browser and system does somebody use? In the few words by which one knows one's own devices."""

from __future__ import annotations

from collections.abc import Mapping

_LONGEST = 1_000

# In this order: many browsers also name those that they want to be taken for.
_BROWSERS: tuple[tuple[str, str], ...] = (
    ("KAKAOTALK", "kakaotalk"),
    ("NAVER(inapp", "naver"),
    ("Whale/", "whale"),
    ("SamsungBrowser/", "samsung"),
    ("Edg/", "edge"),
    ("EdgA/", "edge"),
    ("EdgiOS/", "edge"),
    ("OPR/", "opera"),
    ("FxiOS/", "firefox"),
    ("Firefox/", "firefox"),
    ("CriOS/", "chrome"),
    ("Chrome/", "chrome"),
    ("Version/", "safari"),
)
_SYSTEMS: tuple[tuple[str, str], ...] = (
    ("iPhone", "iphone"),
    ("iPad", "ipad"),
    ("Android", "android"),
    ("Windows", "windows"),
    ("CrOS", "chromeos"),
    ("Macintosh", "macos"),
    ("Linux", "linux"),
)

# Names of products are the same in every language.
NAMES: Mapping[str, str] = {
    "kakaotalk": "KakaoTalk",
    "naver": "NAVER",
    "whale": "Whale",
    "samsung": "Samsung Internet",
    "edge": "Edge",
    "opera": "Opera",
    "firefox": "Firefox",
    "chrome": "Chrome",
    "safari": "Safari",
    "iphone": "iPhone",
    "ipad": "iPad",
    "android": "Android",
    "windows": "Windows",
    "chromeos": "ChromeOS",
    "macos": "macOS",
    "linux": "Linux",
}


def browser_and_system(user_agent: str) -> tuple[str, str]:
    """The keys of both in `NAMES`; empty for what is not known. What a browser says proves nothing."""
    text = user_agent[:_LONGEST]
    return _first(_BROWSERS, text), _first(_SYSTEMS, text)


def _first(rules: tuple[tuple[str, str], ...], text: str) -> str:
    return next((name for mark, name in rules if mark in text), "")
