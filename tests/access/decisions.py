"""How many decisions do the three forms share with the oracle, and how fast are they?

    python tests/access/decisions.py --decisions 200000 --seed 1

Lays random worlds down in a database of its own, asks all three forms and the oracle
for every (person, document), the object form for a sample of them, and prints one JSON
object. Exit status 1 on a mismatch.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

if TYPE_CHECKING:
    from tests.access.laid_down import Decision, LaidDown

    Form = Callable[[LaidDown, datetime], set[Decision]]

ONE_BY_ONE = 3  # documents of each world that the object form is asked about, for it asks one at a time


@dataclass(frozen=True, slots=True)
class Size:
    """Of one world: how many people, and documents for each of them to be decided about."""

    people: int
    papers: int


LARGE, SMALL = Size(60, 1_000), Size(40, 250)


def main() -> int:
    """Read the arguments, make a database, compare, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--decisions", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--small", action="store_true", help="many small worlds: fewer decisions a second")
    chosen = parser.parse_args()
    from tests.access.own_database import own_database  # noqa: PLC0415

    with own_database():
        report = compare(chosen.decisions, chosen.seed, SMALL if chosen.small else LARGE)
    print(json.dumps(report))
    return 1 if report["mismatches"] else 0


def compare(decisions: int, seed: int, size: Size) -> dict[str, int | float]:
    """Ask until there are `decisions`; every form's rate is in decisions a second."""
    from tests.access.laid_down import by_mask, by_object, by_queryset, expected  # noqa: PLC0415
    from tests.access.made_worlds import NOW, made_world  # noqa: PLC0415
    from tests.access.test_three_forms_agree import world_in_database  # noqa: PLC0415

    random, began = Random(seed), time.perf_counter()
    spent = dict.fromkeys(("oracle", "queryset", "object", "mask"), 0.0)
    answered = dict.fromkeys(spent, 0)
    worlds = allowed = mismatches = 0
    while answered["oracle"] < decisions:
        world = made_world(random, people=size.people, papers=size.papers)
        said = _timed(spent, "oracle", partial(expected, world))
        answered["oracle"] += len(world.people) * len(world.papers)
        with world_in_database(world, order=random.getrandbits(32)) as laid:
            few = dict(random.sample(list(laid.documents.items()), ONE_BY_ONE))
            forms: dict[str, tuple[Form, LaidDown]] = {
                "queryset": (by_queryset, laid),
                "mask": (by_mask, laid),
                "object": (by_object, replace(laid, documents=few)),
            }
            for name, (form, rows) in forms.items():
                answer = _timed(spent, name, partial(form, rows, NOW))
                mismatches += len({decision for decision in said if decision[1] in rows.documents} ^ answer)
                answered[name] += len(world.people) * len(rows.documents)
        worlds += 1
        allowed += len(said)
    rates = {f"{name}_per_s": round(answered[name] / seconds) for name, seconds in spent.items()}
    return {
        "decisions": answered["oracle"],
        "by_object": answered["object"],
        "worlds": worlds,
        "allowed": allowed,
        "mismatches": mismatches,
        **rates,
        "seconds": round(time.perf_counter() - began, 1),
    }


def _timed(spent: dict[str, float], name: str, ask: Callable[[], set[Decision]]) -> set[Decision]:
    began = time.perf_counter()
    answer = ask()
    spent[name] += time.perf_counter() - began
    return answer


if __name__ == "__main__":
    sys.exit(main())
