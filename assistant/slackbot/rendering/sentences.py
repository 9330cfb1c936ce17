"""How do the sentences of an answer become rich text, and where does a long answer end?

Sentences of a part follow each other in one paragraph, rows of tables and lines of drafts on lines of their
own; sentences of a list or of one side of a comparison have a point each. A short answer leads its part in
bold, as on the web. What no longer fits is left out by whole sentences.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext

from assistant.chat.events import Token
from assistant.chat.reading import AnswerPart
from assistant.slackbot.rendering.blocks import (
    LONGEST_TEXT,
    Block,
    Element,
    bullets,
    clean,
    length,
    rich_text,
    section,
    words,
)

_LONGEST_TITLE = 300
_LEAST_BEGINNING = 200  # characters of a single sentence that are worth showing where it does not fit
_AS_ITEMS = ("list", "side")  # layouts whose sentences have a point each
_FRAME = 100  # what an element with a style, or an item of a list, takes as JSON beside its text, about
_LEAD = 80  # what a lead's own line and a part's frame take as JSON, about


@dataclass(frozen=True, slots=True)
class DrawnAnswer:
    """Blocks of rich text. `is_whole`: every sentence is in them; `shown`: those that are."""

    blocks: tuple[Block, ...]
    is_whole: bool
    shown: tuple[str, ...]


def draw(
    parts: Sequence[AnswerPart], *, is_draft: bool, empty_part: str, room: int, most: int
) -> DrawnAnswer:
    """The parts within so much room, counted as `blocks.length` counts, and so many blocks.

    `empty_part` stands below a heading that has no sentence; nothing does where it is "".
    """
    blocks: list[Block] = []
    shown: list[str] = []
    for part in parts[:most]:
        drawn, fitting = _part(part, is_draft=is_draft, empty_part=empty_part, room=room)
        shown += [sentence.text for sentence in fitting]
        if len(fitting) < len(part.sentences):
            if fitting:
                blocks += drawn
            elif not blocks:
                beginning = _beginning(part.sentences[0].text, room)
                blocks += rich_text([section(words(beginning))])
                shown.append(beginning)
            return DrawnAnswer(tuple(blocks), is_whole=False, shown=tuple(shown))
        blocks += drawn
        room -= length(drawn)
    return DrawnAnswer(tuple(blocks), is_whole=len(parts) <= most, shown=tuple(shown))


def sentence_words(sentence: Token, *, is_draft: bool) -> list[Element]:
    """A sentence with its marks and numbers; nothing for one that shows nothing."""
    cells = _cells(sentence.text)
    if not cells:
        return []
    if len(cells) > 1:
        said = words(" · ".join(cells))
    elif sentence.short:
        before, after = sentence.around_short
        said = [
            *words(clean(before)),
            *words(clean(sentence.short_answer), bold=True),
            *words(clean(after)),
        ]
    else:
        said = words(clean(sentence.text))
    mark = sentence_mark(sentence, is_draft=is_draft)
    numbers = "".join(f"[{n}]" for n in sentence.citations)
    return [
        *said,
        *(words(f" ({mark})", italic=True) if mark else []),
        *words(f" {numbers}" if numbers else ""),
    ]


def sentence_mark(sentence: Token, *, is_draft: bool) -> str:
    """The word for a calculation, or for a missing source; of a draft only the former."""
    if sentence.calculated:
        return gettext("read from a table") if sentence.calculated == "cell" else gettext("calculated")
    if sentence.citations or is_draft:
        return ""
    return gettext("general knowledge") if sentence.general else gettext("no source")


def _part(
    part: AnswerPart, *, is_draft: bool, empty_part: str, room: int
) -> tuple[list[Block], Sequence[Token]]:
    """A part with as many of its first sentences as there is room for."""
    title = clean(part.title)[:_LONGEST_TITLE]
    heading = [section(words(title, bold=True))] if title else []
    if not part.sentences:
        return rich_text([*heading, section(words(empty_part))]) if title else [], ()
    room -= length(heading) + _LEAD
    fitting: list[Token] = []
    for sentence in part.sentences:
        room -= _cost(sentence_words(sentence, is_draft=is_draft), is_item=part.layout in _AS_ITEMS)
        room -= len(sentence.short_answer)
        if room < 0:
            break
        fitting.append(sentence)
    if not fitting:
        return [], ()
    if part.layout in _AS_ITEMS:
        items = [sentence_words(sentence, is_draft=is_draft) for sentence in fitting]
        return rich_text([*heading, bullets(item for item in items if item)]), fitting
    return rich_text([*heading, *_lead(fitting), *_paragraphs(fitting, is_draft=is_draft)]), fitting


def _cost(elements: Sequence[Element], *, is_item: bool) -> int:
    """What a sentence takes as JSON, about: text without a style becomes one with what is around it."""
    frames = sum("style" in element for element in elements) + is_item
    return sum(length([element["text"]]) for element in elements) + frames * _FRAME


def _lead(sentences: Sequence[Token]) -> list[Element]:
    """The short answer on a line of its own, unless it is the whole sentence."""
    first = next((one for one in sentences if one.short and len(_cells(one.text)) == 1), None)
    if first is None or first.short_answer == first.text:
        return []
    return [section([*words(clean(first.short_answer), bold=True), *words("\n")])]


def _paragraphs(sentences: Sequence[Token], *, is_draft: bool) -> list[Element]:
    """The sentences one after another; rows and lines of a draft below each other."""
    paragraphs: list[list[Element]] = [[]]
    stood_alone = False
    for sentence in sentences:
        elements = sentence_words(sentence, is_draft=is_draft)
        stands_alone = is_draft or len(_cells(sentence.text)) > 1
        for place, element in enumerate(elements):
            between = "" if place or not paragraphs[-1] else "\n" if stands_alone or stood_alone else " "
            if _characters(paragraphs[-1]) + len(between) + _characters([element]) > LONGEST_TEXT:
                paragraphs.append([element])
            else:
                paragraphs[-1] += [*words(between), element]
        stood_alone = stands_alone
    return [section(paragraph) for paragraph in paragraphs]


def _characters(elements: Iterable[Element]) -> int:
    return sum(len(str(element["text"])) for element in elements)


def _cells(text: str) -> list[str]:
    """The cells of a table's row; one or none for other text."""
    return [cell.strip() for cell in clean(text).split("\t") if cell.strip()]


def _beginning(text: str, room: int) -> str:
    """Of a single sentence without an end the words that fit."""
    most = max(room // 2, _LEAST_BEGINNING)  # as JSON, a character can take two
    said = clean(text)[:most]
    return f"{said[: said.rfind(' ')] if ' ' in said[most // 2 :] else said}…"


def as_text(sentences: Iterable[str], most: int) -> str:
    """The first sentences on one line, of at most so many characters."""
    found = ""
    for sentence in sentences:
        line = " ".join(clean(sentence).split())
        if len(found) + len(line) + 1 > most:
            return f"{found} …".strip() if found else f"{line[: most - 1]}…"
        found = f"{found} {line}".strip()
    return found
