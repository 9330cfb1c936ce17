"""Do all three forms give several people exactly what the oracle lets each of them read?

    python tests/access/common_decisions.py --worlds 500 --seed 1

Lays random worlds down in a database of its own and asks for random sets of people in each, with closed
accounts and accounts that are not there among them. Prints one JSON object; exit status 1 on a mismatch.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

if TYPE_CHECKING:
    from assistant.access.viewer import Viewer
    from tests.access.laid_down import LaidDown
    from tests.access.oracle import World

NOT_THERE = 2**31 - 9


def main() -> int:
    """Read the arguments, make a database, compare, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--worlds", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    from tests.access.own_database import own_database  # noqa: PLC0415

    with own_database():
        report = compare(chosen.worlds, chosen.seed)
    print(json.dumps(report))
    return 1 if report["mismatches"] else 0


def compare(worlds: int, seed: int) -> dict[str, float]:
    """Ask about so many worlds; `allowed` of the decisions let in."""
    from tests.access.made_worlds import made_world  # noqa: PLC0415
    from tests.access.test_three_forms_agree import world_in_database  # noqa: PLC0415

    random, began = Random(seed), time.perf_counter()
    asked = allowed = mismatches = 0
    for _ in range(worlds):
        world = made_world(random, people=random.choice((3, 5, 8)))
        with world_in_database(world, order=random.getrandbits(32)) as laid:
            for people in sets_of_people(random, world):
                said = common_papers(world, people)
                mismatches += sum(said != form for form in seen_by_all_forms(world, laid, people))
                asked += len(world.papers)
                allowed += len(said)
    seconds = round(time.perf_counter() - began, 1)
    return {"worlds": worlds, "decisions": asked, "allowed": allowed, "mismatches": mismatches, "s": seconds}


def sets_of_people(random: Random, world: World) -> list[list[str]]:
    """Sets of two and more, the asker first. Most are of open accounts, or nearly all would see nothing."""
    open_ones = [key for key, active in world.people.items() if active]
    sets = [
        random.sample(open_ones, k=random.randint(2, len(open_ones))) for _ in range(4 * (len(open_ones) > 1))
    ]
    return [*sets, random.sample(list(world.people), k=2), [random.choice(list(world.people)), ""]]


def common_papers(world: World, people: list[str]) -> set[str]:
    """What the oracle lets each of them read; "" is nobody."""
    from tests.access.oracle import Judge  # noqa: PLC0415

    judge = Judge(world)
    return {name for name, paper in world.papers.items() if all(judge.may_read(key, paper) for key in people)}


def together(laid: LaidDown, people: list[str]) -> Viewer:
    """The first of them with the others beside."""
    from assistant.access.viewer import viewer_for  # noqa: PLC0415
    from assistant.accounts.models import User  # noqa: PLC0415

    asker, *others = people
    ids = [laid.viewers[key].user_id if key else NOT_THERE for key in others]
    return viewer_for(User.objects.get(pk=laid.viewers[asker].user_id), beside=ids)


def seen_by_all_forms(world: World, laid: LaidDown, people: list[str]) -> list[set[str]]:
    """By the queryset of all, the queryset of those that are named, the object test and the mask."""
    import numpy as np  # noqa: PLC0415
    from django.db.models import Q  # noqa: PLC0415

    from assistant.access.mask import permitted_versions  # noqa: PLC0415
    from assistant.access.visibility import may_read, visible_documents  # noqa: PLC0415
    from assistant.documents.models import Document  # noqa: PLC0415
    from tests.access.laid_down import nothing_changes  # noqa: PLC0415

    viewer, now = together(laid, people), world.now
    names = {pk: name for name, pk in laid.documents.items()}
    named = visible_documents(viewer, now=now, among=Q(pk__in=list(names)))
    rows = Document.objects.select_related("connection", "acl").in_bulk(list(names))
    with nothing_changes():
        by_object = {names[pk] for pk, row in rows.items() if may_read(viewer, row, now=now)}
    return [
        {names[pk] for pk in visible_documents(viewer, now=now).values_list("pk", flat=True)},
        {names[pk] for pk in named.values_list("pk", flat=True)},
        by_object,
        {names[pk] for pk in np.flatnonzero(permitted_versions(viewer, now=now)).tolist()},
    ]


if __name__ == "__main__":
    raise SystemExit(main())
