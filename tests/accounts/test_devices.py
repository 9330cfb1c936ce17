"""What a browser says of itself becomes two plain words, or none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.accounts.devices import NAMES, browser_and_system

_KIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
_WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
_MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
_ANDROID = "Mozilla/5.0 (Linux; Android 14; SM-S921N)"
_IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X)"


@pytest.mark.parametrize(
    ("says", "words"),
    [
        (f"{_WINDOWS} {_KIT} Chrome/126.0.0.0 Safari/537.36", ("chrome", "windows")),
        (f"{_WINDOWS} {_KIT} Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0", ("edge", "windows")),
        (f"{_WINDOWS} {_KIT} Chrome/126.0.0.0 Whale/3.27.254.15 Safari/537.36", ("whale", "windows")),
        (
            f"{_MAC} AppleWebKit/605.1.15 Version/17.5 Safari/605.1.15",
            ("safari", "macos"),
        ),
        (
            f"{_ANDROID} {_KIT} SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36",
            ("samsung", "android"),
        ),
        (
            f"{_IPHONE} {_KIT} CriOS/126.0.6478.54 Mobile/15E148 Safari/604.1",
            ("chrome", "iphone"),
        ),
        (
            f"{_ANDROID} {_KIT} Version/4.0 Chrome/126.0;KAKAOTALK 10",
            ("kakaotalk", "android"),
        ),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0", ("firefox", "linux")),
        ("Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) Chrome/126.0.0.0 Safari/537.36", ("chrome", "chromeos")),
        ("curl/8.8.0", ("", "")),
        ("", ("", "")),
    ],
)
def test_browsers_and_systems_are_known_by_their_own_marks(says: str, words: tuple[str, str]) -> None:
    assert browser_and_system(says) == words


@given(st.text())
def test_whatever_is_said_nothing_of_it_is_kept_but_known_words(says: str) -> None:
    assert set(browser_and_system(says)) <= {"", *NAMES}
