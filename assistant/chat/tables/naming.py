"""Which words of a question name a heading or a cell of a table?

A name is whole where a run of words is all of it, with or without a Korean ending; or a part, which counts
only where no other cell of the column has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from assistant.chat.tables.amounts import says_nothing
from assistant.chat.tables.asking import Token, words_of
from assistant.chat.tables.grid import Column, Kind, Table
from assistant.common.analysis import normalise

_WIDEST = 6  # words that name a cell together
_SHORTESTPART = 2  # characters of a word that may stand for a longer Korean one
_LONGEST_TAIL = 3  # syllables that a cell may have beyond what names it: 영업 of 영업본부
EXACT, PART = 1.0, 0.6
_SEVERAL = re.compile(r"[+,/&;]|\s(?:및|와|과|and|or|또는)\s")  # a cell that names more than one thing


@dataclass(frozen=True, slots=True)
class Mention:
    """Words of the question that name cells of a column: the tokens, and the rows that have them."""

    column: int
    value: str
    tokens: frozenset[int]
    rows: frozenset[int]
    worth: float


@dataclass(frozen=True, slots=True)
class NamedColumn:
    """A column whose heading the question names, by which tokens and how well."""

    column: Column
    tokens: frozenset[int]
    worth: float


def heading_named(column: Column, tokens: Sequence[Token]) -> NamedColumn:
    """How far the tokens name the column."""
    words = words_of(column.name)
    squeezed = "".join(normalise(column.name).split())
    for width in range(min(_WIDEST, len(tokens)), 0, -1):
        whole = frozenset(
            token.at for run in _runs(tokens, width) if _is(run, words, squeezed) for token in run
        )
        if whole:
            return NamedColumn(column, whole, EXACT)
    found = frozenset(
        token.at
        for token in tokens
        if token.is_needed
        and any(
            key in words or (not key.isascii() and len(form) >= _SHORTESTPART and form in squeezed)
            for form, key in zip(token.forms, token.keys, strict=True)
        )
    )
    return NamedColumn(column, found, PART)


def _runs(tokens: Sequence[Token], width: int) -> Iterator[tuple[Token, ...]]:
    """Runs of neighbouring tokens."""
    for at in range(len(tokens) - width + 1):
        yield tuple(tokens[at : at + width])


def _is(run: Sequence[Token], words: tuple[str, ...], squeezed: str) -> bool:
    """Whether the run of tokens, the last one with or without its ending, is this name."""
    if not words:
        return False
    before = [token.forms[0] for token in run[:-1]]
    keys = tuple(token.keys[0] for token in run[:-1])
    for form, key in zip(run[-1].forms, run[-1].keys, strict=True):
        if (*keys, key) == words or "".join((*before, form)) == squeezed:
            return True
    return False


def words_around(table: Table, tokens: Sequence[Token]) -> frozenset[int]:
    """The tokens that stand in the title, headings, sheet or caption."""
    squeezed = ["".join(normalise(text).split()) for text in table.around]
    words = {word for text in table.around for word in words_of(text)}
    return frozenset(
        token.at
        for token in tokens
        if any(
            key in words
            or (not key.isascii() and len(form) >= _SHORTESTPART and any(form in text for text in squeezed))
            for form, key in zip(token.forms, token.keys, strict=True)
        )
    )


def mentions_in(
    table: Table, tokens: Sequence[Token], *, taken: frozenset[int], without: set[int]
) -> list[Mention] | None:
    """The cells that the question names, by column; None where it could be cells of several columns."""
    every = [
        mention
        for column in table.columns
        if column.kind is Kind.LABEL and column.at not in without
        for mention in _named_cells(table, column, tokens)
        if not mention.tokens & taken
    ]
    kept: list[Mention] = []
    for mention in sorted(every, key=lambda one: (-one.worth, -len(one.tokens))):
        twins = [at for at, other in enumerate(kept) if _is_twin(other, mention)]
        if twins:  # one name, written in two ways: "Seoul" and "Seoul (head office)"
            other = kept[twins[0]]
            kept[twins[0]] = replace(other, rows=other.rows | mention.rows)
            continue
        rivals = [other for other in kept if other.tokens & mention.tokens]
        if not rivals:
            kept.append(mention)
            continue
        equal = [
            other
            for other in rivals
            if other.tokens == mention.tokens and other.worth == mention.worth and other.rows != mention.rows
        ]
        if equal:
            return None
    return sorted(kept, key=lambda one: (one.column, first_token(one)))


def _is_twin(one: Mention, other: Mention) -> bool:
    alike = one.column == other.column and one.tokens == other.tokens and one.worth == other.worth == EXACT
    return alike and without_note(one.value) == without_note(other.value)


def without_note(value: str) -> str:
    """The cell without what stands in brackets at its end."""
    return value.partition("(")[0].strip() or value


def _named_cells(table: Table, column: Column, tokens: Sequence[Token]) -> Iterator[Mention]:
    """The values of a column that the question names: whole, or by a part that no other value has."""
    values: dict[str, set[int]] = {}
    for row in table.body:
        text = column.cells[row].text
        if not says_nothing(text):
            values.setdefault(" ".join(normalise(text).split()), set()).add(row)
    parts: dict[int, list[str]] = {}
    for value, rows in values.items():
        main = without_note(value)
        words, squeezed = words_of(main), "".join(main.split())
        whole = list(_runs_that_are(tokens, words, squeezed))
        for tokens_of in whole:
            yield Mention(column.at, value, tokens_of, frozenset(rows), EXACT)
        if whole or _SEVERAL.search(main):
            continue
        for token in tokens:
            if token.is_needed and _is_part(token, words, squeezed):
                parts.setdefault(token.at, []).append(value)
    for at, found in parts.items():
        if len(found) == 1:
            yield Mention(column.at, found[0], frozenset((at,)), frozenset(values[found[0]]), PART)


def _runs_that_are(
    tokens: Sequence[Token], words: tuple[str, ...], squeezed: str
) -> Iterator[frozenset[int]]:
    """The runs of tokens that are this name, the longest first."""
    for width in range(min(_WIDEST, len(tokens)), 0, -1):
        for run in _runs(tokens, width):
            if any(token.is_needed for token in run) and _is(run, words, squeezed):
                yield frozenset(token.at for token in run)


def _is_part(token: Token, words: tuple[str, ...], squeezed: str) -> bool:
    """Whether the token is one word of the value, or a Korean one without its last syllables."""
    if len(words) > 1 and any(key in words for key in token.keys):
        return True
    return len(words) == 1 and any(
        not form.isascii()
        and len(form) >= _SHORTESTPART
        and squeezed.startswith(form)
        and len(squeezed) - len(form) <= _LONGEST_TAIL
        for form in token.forms
    )


def first_token(mention: Mention) -> int:
    return min(mention.tokens)
