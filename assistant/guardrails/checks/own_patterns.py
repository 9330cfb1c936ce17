"""Administrators' own regular expressions, with a limit on the time that each may take over a text.

A pattern that is not through in time, or that matches nothing at some place, says so by one
finding over the whole text (`NOT_JUDGED`): the rule's action then applies to all of it. What
could not be judged is never let through.
"""

from __future__ import annotations

from dataclasses import dataclass

import regex

from assistant.common.errors import UsageError
from assistant.common.told import told
from assistant.guardrails.checks.aligned import aligned
from assistant.guardrails.checks.finding import CERTAIN, Finding

OWN_PATTERN = "own_pattern"
NOT_JUDGED = "could_not_be_judged"

KINDS: tuple[tuple[str, str], ...] = (
    (OWN_PATTERN, "Own pattern"),
    (NOT_JUDGED, "Could not be judged"),
)

MOST_CHARACTERS = 1_000  # of a pattern
TIME_LIMIT = 0.25  # seconds of the process's processor time for one pattern over one text
_PROBES = ("", "a", "0", "가", " ", "-", "Ab 1", "010-1234-5678", "가나 다라", "\n")


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern that is right in itself; made by `compile_pattern`."""

    source: str
    compiled: regex.Pattern[str]

    def findings(self, text: str, *, limit: float = TIME_LIMIT) -> list[Finding]:
        """Where the pattern matches the legible form of `text`; one `NOT_JUDGED` if it took too long.

        `limit` is in seconds of processor time of the process; other threads go on meanwhile and count.
        """
        if not text:
            return []
        view = aligned(text)
        found: list[Finding] = []
        try:
            for match in self.compiled.finditer(view.text, timeout=limit, concurrent=True):
                if match.start() == match.end():
                    return _not_judged(text)
                found.append(Finding(OWN_PATTERN, *view.span(*match.span()), CERTAIN))
        except TimeoutError:
            return _not_judged(text)
        return _merged(found)


def compile_pattern(source: str) -> Pattern:
    """The pattern that an administrator wrote, in the syntax of the `regex` library.

    Raises:
        UsageError: it is empty, too long, not a regular expression, or matches where nothing stands.
    """
    if not source.strip():
        raise UsageError(told("The pattern is empty. Write a regular expression, for example EMP-[0-9]+."))
    if len(source) > MOST_CHARACTERS:
        raise UsageError(
            told(
                "The pattern has {length} characters; at most {most} are allowed. Make several of it.",
                length=len(source),
                most=MOST_CHARACTERS,
            )
        )
    try:
        compiled = regex.compile(source)
    except regex.error as error:
        raise UsageError(_where(source, error)) from error
    except (OverflowError, RecursionError, MemoryError) as error:
        raise UsageError(
            told("The pattern is too large or too deeply nested. Make several of it.")
        ) from error
    if any(_matches_nothing(compiled, probe) for probe in _PROBES):
        raise UsageError(
            told(
                "The pattern “{pattern}” can match where nothing stands, so it would match everywhere. "
                "Demand at least one character, for example with + in place of *.",
                pattern=source,
            )
        )
    return Pattern(source, compiled)


def _where(source: str, error: regex.error) -> str:
    if error.pos is None or error.pos >= len(source):
        return told("The pattern “{pattern}” ends too early: {reason}.", pattern=source, reason=error.msg)
    return told(
        "The pattern “{pattern}” is wrong at character {place} (before “{rest}”): {reason}.",
        pattern=source,
        place=error.pos + 1,
        rest=source[error.pos : error.pos + 10],
        reason=error.msg,
    )


def _matches_nothing(compiled: regex.Pattern[str], probe: str) -> bool:
    try:
        return any(
            match.start() == match.end()
            for match in compiled.finditer(probe, timeout=TIME_LIMIT, concurrent=True)
        )
    except TimeoutError:
        return True


def _not_judged(text: str) -> list[Finding]:
    return [Finding(NOT_JUDGED, 0, len(text), CERTAIN)]


def _merged(found: list[Finding]) -> list[Finding]:
    """Two matches may stand in one character as it was given ("㈜"): they become one finding."""
    merged: list[Finding] = []
    for finding in found:
        if merged and finding.start < merged[-1].end:
            merged[-1] = Finding(OWN_PATTERN, merged[-1].start, max(merged[-1].end, finding.end), CERTAIN)
        else:
            merged.append(finding)
    return merged
