"""What a detector says: where in a text something of which kind stands, and how sure it is.

Offsets are those of the text as it was given, so that whoever masks needs no view of its own.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

CERTAIN = 1.0  # a check digit, an exact form or an exact word proves it


@dataclass(frozen=True, slots=True)
class Finding:
    """`text[start:end]` is of this kind; `score` is 1.0 where a check digit or an exact word proves it."""

    kind: str
    start: int
    end: int
    score: float

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise ValueError(f"A finding needs 0 <= start < end, not {self.start} and {self.end}.")
        if not 0.0 <= self.score <= 1.0:
            raise ValueError(f"The score of a finding lies between 0 and 1: {self.score}.")


def apart(findings: Iterable[Finding]) -> list[Finding]:
    """The findings sorted and without overlaps: the surer one wins, then the longer one.

    What a losing one covers beyond the winners stays a finding, so that no character that some
    detector saw is left over; if the winner is of the same kind, the two are one.
    """
    return _swept(sorted(findings, key=lambda f: (-f.score, f.start - f.end, f.start, f.kind)))


def _swept(ranked: Sequence[Finding]) -> list[Finding]:
    """A sweep over the borders; at each place the best-ranked open finding counts. O(n log n)."""
    borders = sorted({edge for finding in ranked for edge in (finding.start, finding.end)})
    starting: dict[int, list[int]] = {}
    for rank, finding in enumerate(ranked):
        starting.setdefault(finding.start, []).append(rank)
    open_now: list[int] = []
    pieces: list[tuple[int, Finding]] = []
    for at, until in pairwise(borders):
        for rank in starting.get(at, ()):
            heapq.heappush(open_now, rank)
        while open_now and ranked[open_now[0]].end <= at:
            heapq.heappop(open_now)
        if not open_now:
            continue
        rank = open_now[0]
        one, other = (pieces[-1] if pieces else None), ranked[rank]
        if one and one[1].end == at and one[1].kind == other.kind and _meet(ranked[one[0]], other):
            pieces[-1] = (rank, replace(one[1], end=until, score=max(one[1].score, other.score)))
        else:
            pieces.append((rank, replace(other, start=at, end=until)))
    return [piece for _, piece in pieces]


def _meet(one: Finding, other: Finding) -> bool:
    return one.start < other.end and other.start < one.end


def masked(text: str, findings: Sequence[Finding], label: Callable[[Finding], str]) -> str:
    """`text` with every finding replaced by its label; `findings` are sorted and apart."""
    parts: list[str] = []
    last = 0
    for finding in findings:
        parts += (text[last : finding.start], label(finding))
        last = finding.end
    return "".join([*parts, text[last:]])
