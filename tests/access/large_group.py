"""Is a group of very many members loaded in sane time, and are its decisions exact?

    python tests/access/large_group.py --members 200000

Prints seconds of the processor for each step and the growth of memory in MiB as one JSON
object. The tests run the same with fewer members.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))


def main() -> int:
    """Read the arguments, make a database, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--members", type=int, default=200_000)
    members = parser.parse_args().members
    from tests.access.own_database import own_database  # noqa: PLC0415

    with own_database():
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        seconds = decide_in_a_large_group(members)
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    figures = {name.replace(" ", "_") + "_s": round(spent, 2) for name, spent in seconds.items()}
    print(json.dumps({"members": members, **figures, "grown_mib": round(grown)}))
    return 0


def decide_in_a_large_group(members: int) -> dict[str, float]:
    """Load a group of this size inside another, decide, take one member out, decide. Seconds of each step.

    Raises:
        AssertionError: somebody reads what they must not, or the other way round.
    """
    from django.utils import timezone  # noqa: PLC0415

    from assistant.accounts.models import Connection, GroupEdge, User  # noqa: PLC0415
    from assistant.accounts.principals import replace_membership  # noqa: PLC0415
    from assistant.common import acl  # noqa: PLC0415
    from tests.access.laid_down import write_paper  # noqa: PLC0415
    from tests.access.oracle import Paper, group  # noqa: PLC0415
    from tests.access.test_who_is_meant import allow, deny  # noqa: PLC0415

    now = timezone.now()
    north = Connection.objects.create(name="north", kind="jsonl", permissions_confirmed_at=now)
    crowd = tuple(acl.user(f"p{number}@example.com") for number in range(members))
    inside, outside = (
        User.objects.create_user(f"p{number}@example.com") for number in (members - 1, members)
    )
    everybody = group("north", "all")
    for name, clause in (("in", allow(everybody)), ("out", deny(everybody))):
        write_paper(name, Paper("north", (clause,), now), {"north": north})
    groups = {"crowd": crowd, "all": (acl.group("crowd"),)}
    seconds: dict[str, float] = {}
    for step in ("load", "same again"):
        with _timed(seconds, step):
            replace_membership(connection=north, groups=groups, now=timezone.now())
    assert GroupEdge.objects.count() == members + 1
    with _timed(seconds, "decide"):
        assert (_readable(inside), _readable(outside)) == ({"in"}, {"out"})
    with _timed(seconds, "one leaves"):
        replace_membership(connection=north, groups={**groups, "crowd": crowd[:-1]}, now=timezone.now())
    assert (_readable(inside), _readable(outside)) == ({"out"}, {"out"})
    return seconds


def _readable(user: object) -> set[str]:
    """What the person may read; all three forms must say the same."""
    from assistant.access.viewer import viewer_for  # noqa: PLC0415
    from assistant.accounts.models import User  # noqa: PLC0415
    from tests.access.laid_down import readable_by  # noqa: PLC0415

    assert isinstance(user, User)
    return readable_by(viewer_for(user))


@contextmanager
def _timed(seconds: dict[str, float], step: str) -> Iterator[None]:
    began = time.process_time()
    yield
    seconds[step] = time.process_time() - began


if __name__ == "__main__":
    sys.exit(main())
