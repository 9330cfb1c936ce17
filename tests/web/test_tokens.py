"""Colours live in tokens only, and every pair that is read together has enough contrast in each theme."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

CSS = Path(__file__).resolve().parents[2] / "static" / "css"
TEXT, SHAPE = 4.5, 3.0

# (foreground, backgrounds, least ratio)
PAIRS = [
    ("ink", ("paper", "paper-raised", "paper-sunk", "paper-hover", "read"), TEXT),
    ("ink-soft", ("paper", "paper-raised", "paper-sunk", "paper-hover"), TEXT),
    ("ink-faint", ("paper", "paper-raised", "paper-sunk"), TEXT),
    ("accent", ("paper", "paper-raised", "paper-sunk", "accent-soft"), TEXT),
    ("on-accent", ("accent", "accent-strong"), TEXT),
    ("on-quote", ("quote",), TEXT),
    ("good", ("good-soft", "paper"), TEXT),
    ("warning", ("warning-soft", "paper", "paper-raised"), TEXT),
    ("bad", ("bad-soft", "paper", "paper-raised"), TEXT),
    ("information", ("information-soft", "paper", "paper-raised"), TEXT),
    ("line-strong", ("paper", "paper-raised"), SHAPE),
    ("accent", ("paper", "paper-raised", "paper-hover"), SHAPE),
]


def declared(block: str) -> dict[str, tuple[str, str]]:
    """Token name to its (light, dark) colours."""
    found = re.findall(r"--([a-z-]+):\s*light-dark\((#[0-9a-f]{6}),\s*(#[0-9a-f]{6})\)", block)
    return {name: (light, dark) for name, light, dark in found}


def themes() -> dict[str, dict[str, str]]:
    """The four themes as token name to colour."""
    text = (CSS / "tokens.css").read_text(encoding="utf-8")
    normal, high = text.split("@media (prefers-contrast: more)")
    base = declared(normal)
    more = base | declared(high)
    return {
        "light": {name: pair[0] for name, pair in base.items()},
        "dark": {name: pair[1] for name, pair in base.items()},
        "light, high contrast": {name: pair[0] for name, pair in more.items()},
        "dark, high contrast": {name: pair[1] for name, pair in more.items()},
    }


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """The contrast ratio, 1 to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark", "light, high contrast", "dark, high contrast"])
@pytest.mark.parametrize(("foreground", "backgrounds", "least"), PAIRS)
def test_what_is_read_has_enough_contrast(
    theme: str, foreground: str, backgrounds: tuple[str, ...], least: float
) -> None:
    colours = themes()[theme]
    for background in backgrounds:
        ratio = contrast(colours[foreground], colours[background])
        assert ratio >= least, f"{foreground} on {background} in {theme}: {ratio:.2f}"


def test_the_contrast_formula_knows_black_on_white() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)


@pytest.mark.parametrize("sheet", [path.name for path in CSS.glob("*.css") if path.name != "tokens.css"])
def test_no_sheet_but_the_tokens_names_a_colour(sheet: str) -> None:
    text = (CSS / sheet).read_text(encoding="utf-8")
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b(?=[;\s,)])|\b(?:rgb|hsl|oklch)a?\(", text) == []


@pytest.mark.parametrize("sheet", [path.name for path in CSS.glob("*.css")])
def test_every_token_that_is_used_is_declared(sheet: str) -> None:
    known = set(re.findall(r"--([a-z0-9-]+):", (CSS / "tokens.css").read_text(encoding="utf-8")))
    used = set(re.findall(r"var\(--([a-z0-9-]+)", (CSS / sheet).read_text(encoding="utf-8")))
    assert used - known == set()
