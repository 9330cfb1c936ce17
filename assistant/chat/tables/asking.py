"""What does a question want of a table? By its words alone, in English and in Korean.

In doubt nothing: a question that asks for two calculations, or for one that is not known here, asks for none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from assistant.chat.tables.asking_words import (
    ASKS_FOR_ONE,
    ASKS_WHICH,
    COSTS,
    ENDINGS,
    GENERIC,
    NEUTRAL,
    OF_ALL,
    OPERATIONS,
    REFUSED,
    Wanted,
)
from assistant.chat.tables.conditions import (
    Bound,
    Stretch,
    bounds_in,
    groups_in,
    spelled_out,
    stretch_in,
)
from assistant.chat.tables.periods import Named, named_periods
from assistant.common.analysis import language_of, normalise, terms
from assistant.common.sentences import Span

_LONGEST = 160  # characters of a question that asks for one figure
_WORD = re.compile(r"[^\W_]+(?:[-.&'’/+][^\W_]+)*|%")
_HANGUL = re.compile(r"[가-힣]")

Operation = tuple[Wanted, Span]


@dataclass(frozen=True, slots=True)
class Token:
    """A word of the question that the table must account for. `forms`: with and without Korean endings.

    `keys` are its stems. `is_needed`: a word that says something of its own.
    """

    at: int
    forms: tuple[str, ...]
    keys: tuple[str, ...]
    is_needed: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """A question for a figure. `counted`: tokens that name what is counted, or which thing is looked for.

    `costs`: it asks by an adjective for what something costs. `by`: tokens that name what it is grouped by;
    `bound` and `stretch` say which amounts and which time are meant.
    """

    wanted: Wanted
    language: str
    tokens: tuple[Token, ...]
    periods: tuple[Named, ...]
    counted: frozenset[int]
    costs: bool = False
    by: frozenset[int] = frozenset()
    bound: Bound | None = None
    stretch: Stretch | None = None


# What can be narrowed to some amounts or a stretch of time, and what can be told group by group.
_NARROWED = frozenset((Wanted.SUM, Wanted.AVERAGE, Wanted.COUNT, Wanted.MOST, Wanted.LEAST))
_GROUPED = frozenset((Wanted.SUM, Wanted.AVERAGE, Wanted.COUNT))


def asked_of(question: str, *, today: date | None = None) -> Asked | None:
    """What the question wants of a table, or None where it is none that can be calculated."""
    text = spelled_out(" ".join(normalise(question).split()).rstrip(" ?？.!"))
    if not text or len(text) > _LONGEST or "?" in text or "\n" in question.strip():
        return None
    bounds = tuple(bounds_in(text))
    unbound = _without(text, [span for _, span in bounds])
    found = tuple(_operations(unbound))
    spans = [span for _, span in (*found, *bounds)]
    wanted = _wanted([one for one, _ in found], unbound)
    periods = named_periods(_without(text, spans), today=today)
    stretch = stretch_in(text, periods)
    spans += [stretch[1]] if stretch else [(one.start, one.end) for one in periods]
    groups = tuple(groups_in(_without(text, spans)))
    plain = _without(text, [around for _, _, said in groups for around in said])
    if wanted is None or REFUSED.search(_without(plain, spans)):
        return None
    if ((bounds or stretch) and wanted not in _NARROWED) or (groups and wanted not in _GROUPED):
        return None
    if len(bounds) > 1 or len(groups) > 1:
        return None
    if wanted is Wanted.SHARE:
        spans += [match.span() for match in OF_ALL.finditer(text)]
    placed = tuple(_tokens(plain, spans))
    by = frozenset(token.at for token, start in placed for _, at, _ in groups if at == start)
    tokens = tuple(_with_generic(token, narrowed=bool(bounds)) for token, _ in placed)
    if (groups and not by) or not (bounds or any(token.is_needed for token in tokens)):
        return None
    return Asked(
        wanted,
        language_of(question),
        tokens,
        () if stretch else periods,
        _counted(text, wanted, tokens, found),
        costs=COSTS.search(text) is not None,
        by=by,
        bound=bounds[0][0] if bounds else None,
        stretch=stretch[0] if stretch else None,
    )


def _operations(text: str) -> Iterator[Operation]:
    """The operations that the words name; of those that overlap the longer one."""
    every = [(wanted, match.span()) for wanted, pattern in OPERATIONS for match in pattern.finditer(text)]
    every.sort(key=lambda one: one[1][0] - one[1][1])
    taken: list[Span] = []
    for one in every:
        if all(one[1][1] <= start or one[1][0] >= end for start, end in taken):
            taken.append(one[1])
            yield one


def _wanted(named: Sequence[Wanted], text: str) -> Wanted | None:
    """The one operation that is asked for. A total that something is a share of is none of its own."""
    kinds = set(named)
    if Wanted.SHARE in kinds:
        if not OF_ALL.search(text) and "차지" not in text and "비중" not in text:
            return None
        kinds -= {Wanted.SUM}
    if Wanted.SUM in kinds:
        kinds -= {Wanted.COUNT}  # "how many in total" is a sum where there are figures
    if not kinds:
        return Wanted.CELL if ASKS_FOR_ONE.search(text) else None
    return kinds.pop() if len(kinds) == 1 else None


def _without(text: str, spans: Sequence[Span]) -> str:
    kept = list(text)
    for start, end in spans:
        kept[start:end] = " " * (end - start)
    return "".join(kept)


def _with_generic(token: Token, *, narrowed: bool) -> Token:
    """The token; beside a bound, words for any row at all say nothing of their own."""
    return replace(token, is_needed=token.is_needed and not (narrowed and GENERIC & set(token.forms)))


def _tokens(text: str, spans: Sequence[Span]) -> Iterator[tuple[Token, int]]:
    """The words that no span touches, with where they begin.

    Of a word that a span ends inside of, the rest is an ending.
    """
    at = 0
    for match in _WORD.finditer(text):
        if any(start < match.end() and match.start() < end for start, end in spans):
            continue
        word = match.group().replace("’", "'").removesuffix("'s")
        forms = tuple(_forms(word))
        needed = not any(form in NEUTRAL for form in forms)
        yield Token(at, forms, tuple(key_of(form) for form in forms), needed), match.start()
        at += 1


def _forms(word: str) -> Iterator[str]:
    yield word
    if _HANGUL.search(word[-1]):
        for ending in ENDINGS:
            if word.endswith(ending) and len(word) > len(ending):
                yield word[: -len(ending)]


def key_of(word: str) -> str:
    """The form in which a word is compared: an English stem, a Korean word as it is."""
    if word.isascii() and word.isalpha():
        return "".join(terms(word)) or word
    return word


def words_of(text: str) -> tuple[str, ...]:
    """The keys of a text's words."""
    return tuple(key_of(match.group()) for match in _WORD.finditer(normalise(text).replace("_", " ")))


def _counted(
    text: str, wanted: Wanted, tokens: Sequence[Token], found: Sequence[Operation]
) -> frozenset[int]:
    """The tokens that say what is counted or looked for: after "how many", before "몇", after "which"."""
    names: set[str] = set()
    if wanted is Wanted.COUNT:
        start, end = next(span for one, span in found if one is Wanted.COUNT)
        before, after = _WORD.findall(text[:start]), _WORD.findall(text[end:])
        names.update(after[:2] if text[start:end].isascii() else before[-1:])
    elif wanted in {Wanted.MOST, Wanted.LEAST} and (match := ASKS_WHICH.search(text)):
        names.add(next(group for group in match.groups() if group))
    return frozenset(token.at for token in tokens if token.is_needed and names & set(token.forms))
