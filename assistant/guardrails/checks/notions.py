"""Which notions of a word list does a text speak of? One pass over the text, whatever the list's length.

A list is a text file with one notion a line: its name, a colon, then beginnings of words parted by "|". A
Latin beginning counts at the start of a word only, a Korean one anywhere, or at the start of a word where "^"
stands before it; "_" behind a beginning asks for the word's end. The text is compared in lower case.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_DIGITS = re.compile(r"\d")
_FOLDER = Path(__file__).parent
KEY = 2  # characters by which beginnings are looked up, so none is shorter


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a notion's word begins with."""

    notion: int
    text: str
    starts_word: bool
    ends_word: bool


@dataclass(frozen=True, slots=True)
class Notions:
    """A list, ready to be looked for. `names` are in the order of the file."""

    names: tuple[str, ...]
    table: Mapping[str, tuple[Beginning, ...]]

    def found(self, text: str) -> set[int]:
        """The notions of a text that went through `grams.folded()`, as places in `names`."""
        found: set[int] = set()
        for at in range(len(text) - KEY + 1):
            for one in self.table.get(text[at : at + KEY], ()):
                if one.notion not in found and _stands(one, text, at):
                    found.add(one.notion)
        return found


@cache
def notions(file: str) -> Notions:
    """The list in a file beside this one."""
    lines = (_FOLDER / file).read_text(encoding="utf-8").splitlines()
    parted = [line.partition(": ") for line in lines if line and not line.startswith("#")]
    table: dict[str, list[Beginning]] = defaultdict(list)
    for number, (_, _, words) in enumerate(parted):
        for word in words.split("|"):
            text = _as_folded(word.removeprefix("^").removesuffix("_"))
            latin = text[0].isascii() and text[0].isalpha()
            one = Beginning(number, text, latin or word.startswith("^"), word.endswith("_"))
            table[text[:KEY]].append(one)
    return Notions(tuple(name for name, _, _ in parted), {key: tuple(some) for key, some in table.items()})


def _as_folded(text: str) -> str:
    return _DIGITS.sub("0", unicodedata.normalize("NFKC", text))


def _stands(one: Beginning, text: str, at: int) -> bool:
    if not text.startswith(one.text, at) or (one.starts_word and at > 0 and text[at - 1].isalnum()):
        return False
    end = at + len(one.text)
    return not (one.ends_word and end < len(text) and _continues(text[end]))


def _continues(char: str) -> bool:
    """Whether a word goes on with `char`; a Korean particle does not continue a Latin word."""
    return char.isalnum() and char < "가"
