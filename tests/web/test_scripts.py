"""Our scripts make no markup of text, keep nothing in the browser, and listen to no other window."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
SCRIPTS = sorted((REPOSITORY / "static" / "js").glob("*.js"))
TEMPLATES = sorted((REPOSITORY / "templates").rglob("*.html"))
FORBIDDEN = re.compile(
    r"innerHTML|outerHTML\s*=|insertAdjacentHTML|document\.write|createContextualFragment"
    r"|\beval\(|new Function"
    r"|localStorage|sessionStorage|indexedDB|onmessage"
    r"|__proto__|setTimeout\(\"|javascript:|onpaste"
)
INPUT = re.compile(r"<input\b[^>]*>")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda file: file.name)
def test_a_script_uses_nothing_that_makes_code_or_markup_of_text(script: Path) -> None:
    found = FORBIDDEN.findall(script.read_text(encoding="utf-8"))
    assert found == []


def test_no_message_goes_to_or_comes_from_another_origin() -> None:
    talking = [
        file for file in SCRIPTS if re.search(r'postMessage|"message"', file.read_text(encoding="utf-8"))
    ]
    assert [file.name for file in talking] == ["door.js"]
    told = talking[0].read_text(encoding="utf-8")
    # A channel is of one origin; only what a window is sent may come from anywhere.
    assert re.findall(r"([\w.]+)\.(?:postMessage|addEventListener)\(", told) == ["door", "door"]
    assert 'const door = new BroadcastChannel("' in told


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda file: file.name)
def test_a_script_compares_without_converting(script: Path) -> None:
    loose = re.findall(r"[^=!<>]==[^=]|!=[^=]", script.read_text(encoding="utf-8"))
    assert loose == []


def test_the_only_cookie_that_a_script_writes_is_the_theme() -> None:
    writing = [file.name for file in SCRIPTS if "document.cookie" in file.read_text(encoding="utf-8")]
    assert writing == ["page.js"]
    told = (REPOSITORY / "static" / "js" / "page.js").read_text(encoding="utf-8")
    assert set(re.findall(r"document\.cookie = `([^=]+)=", told)) == {"${themeCookie}"}


def test_every_password_is_masked_and_open_to_password_managers() -> None:
    fields = [
        (template.name, field)
        for template in TEMPLATES
        for field in INPUT.findall(template.read_text(encoding="utf-8"))
        if "password" in field
    ]
    assert {name for name, _ in fields} == {
        "new_password.html",
        "password.html",
        "prove_form.html",
        "sign_in.html",
    }
    for _, field in fields:
        assert 'type="password"' in field
        assert re.search(r'autocomplete="(current|new)-password"', field), field
        longest = re.search(r'maxlength="(\d+)"', field)
        assert longest is None or int(longest[1]) >= 1_024, field
