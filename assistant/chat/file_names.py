"""What is a file called? Names come from people's machines and from whoever made the file: they are hostile.

One function makes of any of them a name that can be shown, compared and given to a parser, which chooses by
the extension and never by the path.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

MOST_CHARACTERS = 120
_LONGEST_EXTENSION = 12
_NAMELESS = "file"
# Control characters, direction marks and other invisible ones, halves of pairs, what no font has.
_NEVER_SHOWN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
_FORBIDDEN = re.compile(r'[<>:"|?*]')


def clean_name(raw: str) -> str:
    """The last part of a path, in composed form, on one line, of at most 120 characters; never empty."""
    last = re.split(r"[/\\]", raw)[-1]
    visible = "".join(
        " " if char.isspace() else "" if unicodedata.category(char) in _NEVER_SHOWN else char for char in last
    )
    composed = unicodedata.normalize("NFC", visible)
    name = " ".join(_FORBIDDEN.sub(" ", composed).split()).strip(". ")
    if not name:
        return _NAMELESS
    stem, extension = _parted(name)
    return f"{stem[: MOST_CHARACTERS - len(extension)].rstrip('. ') or _NAMELESS}{extension}"


def told_apart(name: str, taken: Collection[str]) -> str:
    """The name, or with a number where another file of the conversation has it."""
    known = {one.casefold() for one in taken}
    if name.casefold() not in known:
        return name
    stem, extension = _parted(name)
    number = 2
    while (
        apart := f"{stem[: MOST_CHARACTERS - len(extension) - 5]} ({number}){extension}"
    ).casefold() in known:
        number += 1
    return apart


def _parted(name: str) -> tuple[str, str]:
    stem, dot, extension = name.rpartition(".")
    if not dot or not stem or not 0 < len(extension) <= _LONGEST_EXTENSION or " " in extension:
        return name, ""
    return stem, f".{extension}"
