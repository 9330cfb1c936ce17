"""Does a chain of entries hold, and if not, where exactly? Pure: entries in, problems out.

Every entry says by itself under which number it was written (`is_linked`), whatever number it stands at
now. So the examination first learns which numbers are there, and then tells what is missing, what stands
elsewhere, and what the program never wrote; one alteration does not spoil what stands behind it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from itertools import islice

from assistant.audit.chain import BEGINNING, ChainKey, Entry, Head, is_intact, is_linked

_NEAR = 64  # how far from where it stands an entry's own number is looked for at once
_KEPT = 1_000  # problems that are told one by one
_TRIED = 300  # missing numbers that each entry without a place is held against


class Kind(StrEnum):
    """What is wrong."""

    CHANGED = "changed"  # the entry, or one of its codes, is not as it was written
    REMOVED = "removed"  # entries are missing
    INSERTED = "inserted"  # stands where the program has written another entry, or none
    MOVED = "moved"  # a genuine entry stands under another number
    CUT = "cut"  # the newest entries are missing
    SPLICED = "spliced"  # a genuine entry that followed on another one than it does now
    HEAD = "head"  # the head in the database was altered or set back
    HEAD_FILE = "head_file"  # the file beside the database was altered
    UNREADABLE = "unreadable"  # a line of a file is none that was exported; the number is the line's
    END = "end"  # the file has no last line that says where it ends


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: at `number`, or from there to `last`.

    `at` is the time of the entry; of missing ones, that of the entry before them. `moved_from` is the
    number that a moved entry was written under (the first of them).
    """

    kind: Kind
    number: int
    last: int
    at: datetime | None = None
    moved_from: int | None = None


@dataclass(slots=True)
class _Run:
    """Numbers without a gap, from `first` to `last`, and when the last of them was recorded."""

    first: int
    last: int
    at: datetime | None


class Examination:
    """Takes entries in the order of their numbers and says at the end what is wrong.

    `first` is the number that the first one must have; of the entries `watched` the digests are kept, to
    be held against what somebody remembers of them.
    """

    def __init__(self, by: Sequence[ChainKey], *, first: int = 1, watched: Iterable[int] = ()) -> None:
        self.entries = 0
        self.more = 0  # problems beyond those that are told
        self._by = by
        self.first = first
        self._watched = frozenset(watched)
        self._digests: dict[int, str] = {}
        self._standing: list[_Run] = []
        self._elsewhere: list[_Run] = []  # own numbers of moved entries
        self._unplaced: list[Entry] = []
        self._doubtful: list[tuple[Entry, int]] = []  # moved and changed, or made of copied codes
        self._problems: list[Problem] = []
        self._before: Entry | None = None
        self._offset = 0

    @property
    def last(self) -> Head:
        """The last genuine entry that stands in its place."""
        before = self._before
        if before is None or before.number is None:
            return Head(self.first - 1, BEGINNING)
        return Head(before.number, before.digest)

    def add(self, entry: Entry) -> None:
        """Look at the next one."""
        if entry.number is None:
            raise ValueError("Only entries with a number stand in the chain.")
        self.entries += 1
        number = self._own_number(entry, entry.number)
        if number is None:
            self._keep_unplaced(entry)
            return
        intact = is_intact(entry, self._by)
        if number == entry.number:
            if not intact:
                self._tell(Problem(Kind.CHANGED, number, number, entry.at))
            self._in_place(entry, number)
        elif intact:
            _note(self._elsewhere, number, entry.at)
            self._moved(entry.number, number, entry.at)
        elif len(self._doubtful) < _KEPT:
            self._doubtful.append((entry, number))
        else:
            self.more += 1

    def finish(self, *, end: Head | None, seen: Iterable[Head] = ()) -> list[Problem]:
        """What is wrong, in the order of numbers.

        `end` must be the last entry (None: nobody knows which is); those `seen` must be among the entries.
        """
        self._unmask_copies()
        known = [*([end] if end else []), *seen]
        newest = max((run.last for run in (*self._standing, *self._elsewhere)), default=self.first - 1)
        missing = _Numbers(self._missing(max([newest, *(head.number for head in known)])))
        self._find_places(missing)
        for entry in self._unplaced:
            number = entry.number or 0
            kind = Kind.CHANGED if missing.take(number) else Kind.INSERTED
            self._tell(Problem(kind, number, number, entry.at))
        for run in missing.runs:
            self._tell(Problem(Kind.CUT if run.first > newest else Kind.REMOVED, run.first, run.last, run.at))
        self._compare(end, known)
        return sorted(self._problems, key=lambda problem: (problem.number, problem.last, problem.kind))

    def _own_number(self, entry: Entry, stands: int) -> int | None:
        """The number that it was written under, looked for where it stands and near it."""
        if is_linked(entry, stands, self._by):
            return stands
        near = (self._offset, *(sign * far for far in range(1, _NEAR + 1) for sign in (1, -1)))
        for offset in near:
            if offset and stands + offset > 0 and is_linked(entry, stands + offset, self._by):
                self._offset = offset
                return stands + offset
        return None

    def _in_place(self, entry: Entry, number: int) -> None:
        if self._standing and number <= self._standing[-1].last:  # the same one once more
            self._tell(Problem(Kind.INSERTED, number, number, entry.at))
            return
        before = self._before
        if before is not None and before.number == number - 1 and before.digest != entry.previous:
            self._tell(Problem(Kind.SPLICED, number, number, entry.at))
        self._before = entry
        _note(self._standing, number, entry.at)
        if number in self._watched:
            self._digests[number] = entry.digest

    def _moved(self, stands: int, number: int, at: datetime) -> None:
        last = self._problems[-1] if self._problems else None
        if (
            last is not None
            and last.moved_from is not None
            and last.last == stands - 1
            and last.moved_from - last.number == number - stands
        ):
            self._problems[-1] = replace(last, last=stands)
            return
        self._tell(Problem(Kind.MOVED, stands, stands, at, moved_from=number))

    def _keep_unplaced(self, entry: Entry) -> None:
        if len(self._unplaced) < _KEPT:
            self._unplaced.append(entry)
        else:
            self.more += 1

    def _tell(self, problem: Problem) -> None:
        if len(self._problems) < _KEPT:
            self._problems.append(problem)
        else:
            self.more += 1

    def _missing(self, top: int) -> Iterator[_Run]:
        """Numbers up to `top` of which no genuine entry is there, wherever it stands."""
        wanted, at = self.first, None
        for run in sorted((*self._standing, *self._elsewhere), key=lambda run: run.first):
            if run.first > wanted:
                yield _Run(wanted, run.first - 1, at)
            if run.last >= wanted:
                wanted, at = run.last + 1, run.at
        if wanted <= top:
            yield _Run(wanted, top, at)

    def _unmask_copies(self) -> None:
        """What seems moved, while the entry itself is there too, is a row that somebody made of it."""
        changed = sorted(problem.number for problem in self._problems if problem.kind is Kind.CHANGED)
        told, forged = [], set()
        for problem in self._problems:
            if problem.moved_from is not None and _holds(self._standing, problem.moved_from):
                # The row in the place of this one has its codes and not its content: that row was made.
                end = problem.moved_from + problem.last - problem.number
                theirs = changed[bisect_left(changed, problem.moved_from) : bisect_right(changed, end)]
                forged.update(theirs)
                told.append(problem if theirs else replace(problem, kind=Kind.INSERTED, moved_from=None))
            else:
                told.append(problem)
        self._problems = [
            replace(problem, kind=Kind.INSERTED)
            if problem.kind is Kind.CHANGED and problem.number in forged
            else problem
            for problem in told
        ]
        elsewhere = sorted(self._elsewhere, key=lambda run: run.first)
        for entry, number in self._doubtful:
            stands = entry.number or 0
            if _holds(self._standing, number) or _holds(elsewhere, number):
                self._tell(Problem(Kind.INSERTED, stands, stands, entry.at))
            else:
                _note(self._elsewhere, number, entry.at)
                self._moved(stands, number, entry.at)
                self._tell(Problem(Kind.CHANGED, stands, stands, entry.at))

    def _find_places(self, missing: _Numbers) -> None:
        """Entries far from where they belong: each is held against the numbers that are missing."""
        left = []
        for entry in self._unplaced:
            for number in missing.first(_TRIED):
                if is_linked(entry, number, self._by):
                    missing.take(number)
                    stands = entry.number or 0
                    self._tell(Problem(Kind.MOVED, stands, stands, entry.at, moved_from=number))
                    if not is_intact(entry, self._by):
                        self._tell(Problem(Kind.CHANGED, stands, stands, entry.at))
                    break
            else:
                left.append(entry)
        self._unplaced = left

    def _compare(self, end: Head | None, known: Iterable[Head]) -> None:
        last = self.last
        if end is not None and end.number < last.number:
            self._tell(Problem(Kind.HEAD, end.number, last.number))
        for head in known:
            digest = last.digest if head.number == last.number else self._digests.get(head.number)
            if digest is not None and digest != head.digest:
                self._tell(Problem(Kind.SPLICED, head.number, head.number))


class _Numbers:
    """Missing numbers, as runs."""

    def __init__(self, runs: Iterable[_Run]) -> None:
        self.runs = list(runs)

    def first(self, most: int) -> list[int]:
        """The lowest ones."""
        return list(islice((n for run in self.runs for n in range(run.first, run.last + 1)), most))

    def take(self, number: int) -> bool:
        """Take one out; False if it is not among them."""
        for at, run in enumerate(self.runs):
            if run.first <= number <= run.last:
                parts = (_Run(run.first, number - 1, run.at), _Run(number + 1, run.last, run.at))
                self.runs[at : at + 1] = [part for part in parts if part.first <= part.last]
                return True
        return False


def _holds(runs: Sequence[_Run], number: int) -> bool:
    """Whether one of the runs, which are sorted, holds the number."""
    at = bisect_right(runs, number, key=lambda run: run.first) - 1
    return at >= 0 and number <= runs[at].last


def _note(runs: list[_Run], number: int, at: datetime) -> None:
    if runs and number == runs[-1].last + 1:
        runs[-1].last, runs[-1].at = number, at
    else:
        runs.append(_Run(number, number, at))
