"""Patterns of paths: `*` within a folder, `**` across folders, `**/` also no folder, `?` one character.

Matched by a deterministic automaton that is built as it is needed (Thompson 1968), so that no pattern
and no path, however hostile, takes longer than their lengths.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum

_MOST_REMEMBERED = 10_000  # transitions


class _Wild(Enum):
    ONE = "one character within a folder"
    WITHIN = "any number of them"
    ACROSS = "any number of any characters"
    NOTHING = "no character: here a way begins that a jump leaves out"


_PASSABLE = (_Wild.WITHIN, _Wild.ACROSS, _Wild.NOTHING)
_Token = str | _Wild
_States = frozenset[int]


@dataclass(slots=True)
class Glob:
    """A compiled pattern. A state is the number of tokens that are matched so far."""

    _tokens: tuple[_Token, ...]
    _jumps: dict[int, int]  # states from which another is reached without a character
    _steps: dict[tuple[_States, str], _States] = field(default_factory=dict)

    def fits(self, path: str) -> bool:
        """Whether the pattern fits the whole path."""
        states = self._with_jumps([0])
        for character in path:
            states = self._step(states, character)
            if not states:
                return False
        return len(self._tokens) in states

    def _step(self, states: _States, character: str) -> _States:
        key = (states, character)
        known = self._steps.get(key)
        if known is not None:
            return known
        following = self._with_jumps(after for state in states for after in self._after(state, character))
        if len(self._steps) < _MOST_REMEMBERED:
            self._steps[key] = following
        return following

    def _after(self, state: int, character: str) -> tuple[int, ...]:
        if state == len(self._tokens):
            return ()
        match self._tokens[state]:
            case _Wild.ONE:
                return (state + 1,) if character != "/" else ()
            case _Wild.WITHIN:
                return (state,) if character != "/" else ()
            case _Wild.ACROSS:
                return (state,)
            case _Wild.NOTHING:
                return ()
            case literal:
                return (state + 1,) if character == literal else ()

    def _with_jumps(self, states: Iterable[int]) -> _States:
        reached: set[int] = set()
        waiting = list(states)
        while waiting:
            state = waiting.pop()
            if state in reached:
                continue
            reached.add(state)
            if state < len(self._tokens) and self._tokens[state] in _PASSABLE:
                waiting.append(state + 1)
            if state in self._jumps:
                waiting.append(self._jumps[state])
        return frozenset(reached)


def compiled(pattern: str) -> Glob:
    """The pattern, ready to be tried on many paths."""
    tokens: list[_Token] = []
    jumps: dict[int, int] = {}
    at = 0
    while at < len(pattern):
        if pattern.startswith("**/", at):
            jumps[len(tokens)] = len(tokens) + 3  # no folder at all
            tokens += [_Wild.NOTHING, _Wild.ACROSS, "/"]
            at += 3
        elif pattern.startswith("**", at):
            tokens.append(_Wild.ACROSS)
            at += 2
        else:
            tokens.append({"*": _Wild.WITHIN, "?": _Wild.ONE}.get(pattern[at], pattern[at]))
            at += 1
    return Glob(tuple(tokens), jumps)
