"""Which page of a long list is asked for, and which others are there?"""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest

PAGE_SIZE = 50
_LAST = 1_000_000


@dataclass(frozen=True, slots=True)
class Paging:
    """Page `number` of `count`, for lists of `total` rows."""

    number: int
    total: int

    @property
    def count(self) -> int:
        """How many pages there are; at least one."""
        return max(1, -(-self.total // PAGE_SIZE))

    @property
    def before(self) -> int | None:
        """The page before, if any."""
        return min(self.number - 1, self.count) if self.number > 1 else None

    @property
    def after(self) -> int | None:
        """The page after, if any."""
        return self.number + 1 if self.number < self.count else None


def page_asked(request: HttpRequest) -> int:
    """The page that the address asks for; the first one where it says nothing sensible."""
    return min(max(number_in(request.GET.get("page", "")) or 1, 1), _LAST)


def number_in(text: str) -> int | None:
    """A row id from an address or a form; None for anything else."""
    longest = 18  # digits: what fits into a database's integers
    return int(text) if text.isascii() and text.isdigit() and len(text) <= longest else None
