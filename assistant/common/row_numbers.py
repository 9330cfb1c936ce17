"""Can there be a row of this number? A larger one than the database's own numbers is that of nothing."""

from __future__ import annotations

from collections.abc import Mapping

from assistant.common.errors import NotFound

LARGEST_NUMBER = 2**63 - 1  # of a BigAutoField, in every database


def require_possible_numbers(given: Mapping[str, object]) -> None:
    """Numbers out of an address are asked for only where a row can have them.

    Raises:
        NotFound: one is too large; databases answer that with errors of several kinds.
    """
    if any(isinstance(value, int) and value > LARGEST_NUMBER for value in given.values()):
        raise NotFound("There is nothing of such a number.")
