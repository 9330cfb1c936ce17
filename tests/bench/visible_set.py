"""How fast is the set of documents that a person may read, in a large company? Prints JSON.

    python -m tests.bench.visible_set [--documents N] [--home DIR]

A person in 1,000 nested groups asks over a million documents with 50,000 access lists
(`large_world`, SQLite). Cold: the first request of a new process, with the file that
maintenance keeps and without it. Warm: later requests of the same person, and the first
ones of other people. Everything is in milliseconds; `--home` keeps the world for next time.

The peer of the same run is the queryset form of the rule, asked for the same ids; both
must give the same documents. Exit status 1 if they do not, or if a target is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from random import Random

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))

WARM_TARGET_MS, COLD_TARGET_MS = 10.0, 1000.0
COLD_RUNS, WARM_RUNS, CHANGES, COMPARED = 7, 500, 20, 2

Figures = dict[str, float]


def figures(samples: Sequence[float]) -> Figures:
    """Median, 95th percentile and maximum of some milliseconds."""
    ordered = sorted(samples)
    at = min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))
    return {
        "runs": len(ordered),
        "p50": round(ordered[len(ordered) // 2], 2),
        "p95": round(ordered[at], 2),
        "max": round(ordered[-1], 2),
    }


def milliseconds(ask: Callable[[], object]) -> float:
    """How long one call takes."""
    began = time.perf_counter()
    ask()
    return 1000 * (time.perf_counter() - began)


def set_up(home: Path) -> None:
    """Django on a database of this home."""
    home.mkdir(parents=True, exist_ok=True)
    os.environ.update({"MUNDAP_HOME": str(home), "DJANGO_SETTINGS_MODULE": "assistant.config.settings"})
    os.environ["DATABASE_URL"] = f"sqlite:///{home}/world.sqlite3"
    import django  # noqa: PLC0415

    django.setup()


def lay_down_once(home: Path, documents: int) -> list[int]:
    """The people to ask about; the world is made if the home has none."""
    from django.core.management import call_command  # noqa: PLC0415
    from django.utils import timezone  # noqa: PLC0415

    from tests.bench.large_world import Size, lay_down  # noqa: PLC0415

    note = home / "asked.json"
    if note.exists():
        asked: list[int] = json.loads(note.read_text(encoding="utf-8"))
        return asked
    call_command("migrate", verbosity=0)
    asked = lay_down(Size(documents=documents), now=timezone.now())
    note.write_text(json.dumps(asked), encoding="utf-8")
    return asked


def first_request(home: Path, person: int) -> float:
    """Of a new process, in milliseconds."""
    command = [
        sys.executable,
        str(Path(__file__).resolve()),
        "--home",
        str(home),
        "--first-request",
        str(person),
    ]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def cold(home: Path, asked: list[int]) -> dict[str, Figures | float]:
    """First requests without and with the file that new processes start from."""
    from assistant.access import snapshot  # noqa: PLC0415

    snapshot.path().unlink(missing_ok=True)
    without = figures([first_request(home, person) for person in asked[:2]])
    took = milliseconds(snapshot.keep)
    return {
        "first_request": figures([first_request(home, person) for person in asked[:COLD_RUNS]]),
        "first_request_without_file": without,
        "file_written_in": round(took, 1),
        "file_mb": round(snapshot.path().stat().st_size / 1e6, 1),
    }


def warm(asked: list[int]) -> dict[str, Figures | float]:
    """Requests of a process that has its columns."""
    from assistant.access import mask  # noqa: PLC0415
    from assistant.access.viewer import Viewer  # noqa: PLC0415

    viewers = [Viewer(user_id=person, email="") for person in asked]

    def ask(number: int) -> Callable[[], object]:
        return lambda: mask.permitted_versions(viewers[number])

    first = mask.permitted_versions(viewers[0])
    same = [milliseconds(ask(0)) for _ in range(WARM_RUNS)]
    others = [milliseconds(ask(number)) for number in range(1, len(viewers))]
    after_document, after_membership = [], []
    for number in range(CHANGES):
        change_a_document(number + 1)
        after_document.append(milliseconds(ask(0)))
        change_membership(asked[0])
        after_membership.append(milliseconds(ask(0)))
    return {
        "same_person": figures(same),
        "another_person": figures(others),
        "after_one_document_changed": figures(after_document),
        "after_membership_changed": figures(after_membership),
        "share_visible": round(float((first > 0).sum()) / len(first), 3),
        "columns_mb": round(sum(t.documents.size + t.lists.size for t in mask._tables.values()) / 1e6, 1),
        "kept_masks_mb": round(sum(t.masks.size for t in mask._tables.values()) / 1e6, 1),
    }


def change_a_document(number: int) -> None:
    """Point one document at the list of another, as a sync does."""
    from django.db import transaction  # noqa: PLC0415

    from assistant.accounts.revisions import Counter, bump  # noqa: PLC0415
    from assistant.documents.models import Document  # noqa: PLC0415

    with transaction.atomic():
        other = Document.objects.values_list("acl_id", flat=True).get(pk=number + 100)
        Document.objects.filter(pk=number).update(acl_id=other, revision=bump(Counter.DOCUMENTS))


def change_membership(person: int) -> None:
    """Take the person out of one group, as a sync does at the end."""
    from django.db import transaction  # noqa: PLC0415

    from assistant.accounts.models import GroupEdge  # noqa: PLC0415
    from assistant.accounts.revisions import Counter, bump  # noqa: PLC0415
    from tests.bench.large_world import EVERYONE  # noqa: PLC0415

    with transaction.atomic():
        edge = GroupEdge.objects.filter(member_id=EVERYONE + person).first()
        if edge is not None:
            edge.delete()
        bump(Counter.PERMISSIONS)


def peer(asked: list[int], documents: int) -> tuple[dict[str, Figures | float], int]:
    """The queryset form, and the door, which always asks it; with the number of differing documents."""
    import numpy as np  # noqa: PLC0415

    from assistant.access import door, mask  # noqa: PLC0415
    from assistant.access.viewer import Viewer  # noqa: PLC0415
    from assistant.access.visibility import visible_documents  # noqa: PLC0415

    viewers = [Viewer(user_id=person, email="") for person in asked[:COMPARED]]
    random = Random(1)
    some = [random.sample(range(1, documents + 1), k=50) for _ in range(10)]

    def all_of(viewer: Viewer) -> set[int]:
        return set(visible_documents(viewer).values_list("pk", flat=True))

    def asked_of_all(ids: list[int]) -> int:
        return visible_documents(viewers[0]).filter(pk__in=ids).count()

    differing = sum(
        len(all_of(viewer) ^ set(np.flatnonzero(mask.permitted_versions(viewer)).tolist()))
        for viewer in viewers
    )
    counted = milliseconds(partial(door.count_readable, viewers[0]))
    return {
        "queryset_of_all": figures([milliseconds(partial(all_of, viewer)) for viewer in viewers]),
        "door_count_readable": round(counted, 1),
        "door_50_documents": figures(
            [milliseconds(partial(door.may_still_read, viewers[0], ids)) for ids in some]
        ),
        "queryset_50_documents": figures([milliseconds(partial(asked_of_all, ids)) for ids in some[:3]]),
    }, differing


def report(home: Path, documents: int) -> int:
    """Measure, print, and say whether the targets are met."""
    laid_down = milliseconds(lambda: lay_down_once(home, documents))
    asked = lay_down_once(home, documents)
    first, later = cold(home, asked), warm(asked)
    beside, differing = peer(asked, documents)
    print(
        json.dumps(
            {
                "machine": f"{platform.machine()}, {os.cpu_count()} cores",
                "load": round(os.getloadavg()[0], 1),
                "documents": documents,
                "world_s": round(laid_down / 1000, 1),
                "cold": first,
                "warm": later,
                "peer": beside,
                "differing": differing,
            },
            indent=1,
        )
    )
    p95 = [part["p95"] for part in (first["first_request"], later["same_person"]) if isinstance(part, dict)]
    return 1 if differing or p95[0] > COLD_TARGET_MS or p95[1] > WARM_TARGET_MS else 0


def answer_once(person: int) -> None:
    """The process whose first request is measured."""
    from assistant.access.mask import permitted_versions  # noqa: PLC0415
    from assistant.access.viewer import Viewer  # noqa: PLC0415

    print(milliseconds(lambda: permitted_versions(Viewer(user_id=person, email=""))))


def main() -> int:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", type=int, default=1_000_000)
    parser.add_argument("--home", type=Path, help="keep the world here")
    parser.add_argument("--first-request", type=int, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mundap-visible-set-") as made:
        home = chosen.home or Path(made)
        set_up(home)
        if chosen.first_request is not None:
            answer_once(chosen.first_request)
            return 0
        return report(home, chosen.documents)


if __name__ == "__main__":
    raise SystemExit(main())
