"""Each mistake in permission code makes the check fail that is named with it.

A check that stays green under all of these would prove nothing.
"""

from __future__ import annotations

import pytest

from tests.security.mistake import Check, Mistake
from tests.security.mistakes import MISTAKES
from tests.security.mutants import is_noticed, passes

CHECKS = list(dict.fromkeys(mistake.check for mistake in MISTAKES))

# Slow, so that only one database does it: the mistakes are in our code, not in the database's.
pytestmark = [pytest.mark.django_db, pytest.mark.slow]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_nothing_is_noticed_where_nothing_is_wrong(check: Check) -> None:
    passes(check)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_mistake_is_noticed(mistake: Mistake) -> None:
    assert is_noticed(mistake)


def test_there_are_many_mistakes_and_each_has_a_name_of_its_own() -> None:
    assert len({mistake.name for mistake in MISTAKES}) == len(MISTAKES) >= 30
