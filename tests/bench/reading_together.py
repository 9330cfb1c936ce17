"""What does it cost that others read along? Prints JSON.

    python -m tests.bench.reading_together [--documents N] [--home DIR]

Somebody asks alone, and beside 1, 10, 100 and 500 others, over 50,000 documents with 5,000 access lists, of
which each person reads others (`large_world`, SQLite). Everything is in milliseconds; `ratio` is to the same
person alone in the same run. Each set of people is asked for

- the mask, for the first time after permissions have changed, and again;
- the check of an answer's eight documents, which stands before each of its events;
- a whole question, answered by quoting: search, door, sentences, notes.

Exit status 1 if what the three forms give differs, or if the check beside 500 takes longer than 500 ms.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from tests.bench.visible_set import Figures, figures, milliseconds, set_up

if TYPE_CHECKING:
    from assistant.access.viewer import Viewer

BESIDE = (0, 1, 10, 100, 500)
FIRST_RUNS, RUNS, QUESTIONS = 5, 20, 6
MOST_FOR_A_CHECK_MS = 500.0
TOPICS = ("the budget", "the schedule", "safety at work", "the supplier", "the move to Daejeon", "quality")
_TEXTS = 240  # different ones
_ROWS_AT_ONCE = 5_000


def lay_down_once(home: Path, documents: int) -> None:
    """The world with texts and an index; nothing if the home has it."""
    note = home / "made.json"
    if note.exists():
        return
    from django.core.management import call_command  # noqa: PLC0415
    from django.utils import timezone  # noqa: PLC0415

    from assistant.ingest.indexing import publish_missing  # noqa: PLC0415
    from tests.bench.large_world import Size, lay_down  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    lists = documents // 10
    size = Size(documents=documents, lists=lists, groups=2_000, people=1_000, asked=5, groups_of_each=200)
    lay_down(size, now=timezone.now())
    write_texts(documents)
    publish_missing()
    note.write_text("{}", encoding="utf-8")


def write_texts(documents: int) -> None:
    """One passage a document, of few different texts, so that each of these is embedded once."""
    from assistant.documents.models import Body, Chunk, Document  # noqa: PLC0415

    texts = [text_of(number) for number in range(_TEXTS)]
    ids = list(Document.objects.filter(version__gt=0, pk__lte=documents).values_list("pk", flat=True))
    for start in range(0, len(ids), _ROWS_AT_ONCE):
        part = [(pk, texts[pk % _TEXTS]) for pk in ids[start : start + _ROWS_AT_ONCE]]
        Body.objects.bulk_create(
            Body(document_id=pk, version=1, text=text, blocks=[["paragraph", 0, len(text), 0, ""]])
            for pk, text in part
        )
        Chunk.objects.bulk_create(
            Chunk(
                document_id=pk,
                version=1,
                ordinal=0,
                start=0,
                end=len(text),
                text=text,
                digest=f"{pk % _TEXTS:064x}",
            )
            for pk, text in part
        )


def text_of(number: int) -> str:
    """One of the texts: a topic, a project and a figure."""
    topic = TOPICS[number % len(TOPICS)]
    return (
        f"Project {number} reports on {topic}. The review of {topic} takes {number + 3} days. "
        f"Its results are discussed every {('Monday', 'Tuesday', 'Thursday')[number % 3]}."
    )


def viewers() -> list[Viewer]:
    """One person with others beside, who are taken at random from the company."""
    from assistant.access.viewer import viewer_for  # noqa: PLC0415
    from assistant.accounts.models import User  # noqa: PLC0415

    asker = User.objects.get(pk=1)
    others = list(User.objects.exclude(pk=1).order_by("pk").values_list("pk", flat=True))
    Random(7).shuffle(others)
    return [viewer_for(asker, beside=others[:count]) for count in BESIDE]


def measured(viewer: Viewer) -> dict[str, Figures | float]:
    """What is asked of one set of people."""
    from assistant.access import door, mask  # noqa: PLC0415
    from assistant.chat.finding import ask  # noqa: PLC0415

    first = []
    for _ in range(FIRST_RUNS):
        change_permissions()
        first.append(milliseconds(partial(mask.permitted_versions, viewer)))
    versions = mask.permitted_versions(viewer)
    readable = [pk for pk in range(len(versions)) if versions[pk]][:8]
    questions = [f"How long does the review of {topic} take?" for topic in TOPICS[:QUESTIONS]]
    for question in questions[:2]:
        ask(question, viewer=viewer)
    return {
        "readable": int((versions > 0).sum()),
        "mask_first": figures(first),
        "mask_again": figures([milliseconds(partial(mask.permitted_versions, viewer)) for _ in range(RUNS)]),
        "check_of_8": figures(
            [milliseconds(partial(door.may_still_read, viewer, readable)) for _ in range(RUNS)]
        ),
        "question": figures([milliseconds(partial(ask, question, viewer=viewer)) for question in questions]),
    }


def change_permissions() -> None:
    """As a sync does that brings another membership: nothing that people hold is known any more."""
    from django.db import transaction  # noqa: PLC0415

    from assistant.accounts.revisions import Counter, bump  # noqa: PLC0415

    with transaction.atomic():
        bump(Counter.PERMISSIONS)


def differing(viewer: Viewer) -> int:
    """Documents about which mask, queryset and the masks of each person alone do not agree."""
    import numpy as np  # noqa: PLC0415

    from assistant.access.mask import permitted_versions  # noqa: PLC0415
    from assistant.access.viewer import each_alone  # noqa: PLC0415
    from assistant.access.visibility import visible_documents  # noqa: PLC0415

    by_mask = permitted_versions(viewer)
    common = np.minimum.reduce([permitted_versions(one) for one in each_alone(viewer)[:60]])
    by_query = set(visible_documents(viewer).values_list("pk", flat=True))
    beyond = int(np.count_nonzero((by_mask > 0) & (common == 0)))
    return beyond + len(by_query ^ set(np.flatnonzero(by_mask).tolist()))


def ratios(rows: Sequence[dict[str, Figures | float]]) -> None:
    """Beside each median, how many times that of the person alone it is."""
    for name in ("mask_first", "mask_again", "check_of_8", "question"):
        alone = rows[0][name]
        for row in rows:
            one = row[name]
            if isinstance(one, dict) and isinstance(alone, dict):
                one["ratio"] = round(one["p50"] / max(alone["p50"], 0.01), 1)


def main() -> int:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", type=int, default=50_000)
    parser.add_argument("--home", type=Path, help="keep the world here")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mundap-together-") as made:
        home = chosen.home or Path(made)
        set_up(home)
        lay_down_once(home, chosen.documents)
        sets = viewers()
        rows = [measured(viewer) for viewer in sets]
        wrong = sum(differing(viewer) for viewer in sets[1:])
    ratios(rows)
    report = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "load": round(os.getloadavg()[0], 1),
        "documents": chosen.documents,
        "beside": {str(count): row for count, row in zip(BESIDE, rows, strict=True)},
        "differing": wrong,
    }
    print(json.dumps(report, indent=1))
    check = rows[-1]["check_of_8"]
    return 1 if wrong or (isinstance(check, dict) and check["p50"] > MOST_FOR_A_CHECK_MS) else 0


if __name__ == "__main__":
    sys.exit(main())
