"""How much does a filter cost in a large company, and does it choose exactly?

    python tests/retrieval/large_filters.py --documents 1000000

Makes rows of documents with three attributes each in a database of its own, narrows a permission to
everything, and prints milliseconds of each step and the growth of memory in MiB as one JSON object. The
tests run the same with fewer documents.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

SOURCES, TEAMS, AUTHORS = 10, 40, 5_000
ENDINGS = ("pdf", "docx", "md")
FIRST = datetime(2015, 1, 1, tzinfo=UTC)
STEP = timedelta(minutes=5)
_ROWS = 10_000


def main() -> int:
    """Read the arguments, make a database, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", type=int, default=1_000_000)
    documents = parser.parse_args().documents
    from tests.access.own_database import own_database  # noqa: PLC0415

    with own_database():
        lay_down(documents)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        milliseconds = narrow_in_many_ways(documents)
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    figures = {f"{name.replace(' ', '_')}_ms": round(spent, 1) for name, spent in milliseconds.items()}
    print(json.dumps({"documents": documents, **figures, "grown_mib": round(grown)}))
    return 0


def lay_down(documents: int) -> None:
    """Rows `n` = 0, 1, ...: source, ending, team and author by their remainders, five minutes apart."""
    from django.db import transaction  # noqa: PLC0415

    from assistant.accounts.models import Connection  # noqa: PLC0415
    from assistant.accounts.revisions import Counter, bump  # noqa: PLC0415
    from assistant.documents.models import Document  # noqa: PLC0415

    sources = [Connection.objects.create(name=f"source {n}", kind="jsonl").pk for n in range(SOURCES)]
    for start in range(0, documents, _ROWS):
        with transaction.atomic():
            revision = bump(Counter.DOCUMENTS)
            Document.objects.bulk_create(
                [
                    Document(
                        connection_id=sources[n % SOURCES],
                        external_id=f"d{n}",
                        name=f"file {n}.{ENDINGS[n % len(ENDINGS)]}",
                        version=1,
                        revision=revision,
                        modified_at=FIRST + n * STEP,
                        attributes={"author": f"Person {n % AUTHORS}", "team": f"t{n % TEAMS}", "page": n},
                    )
                    for n in range(start, min(start + _ROWS, documents))
                ],
                batch_size=1_000,
            )


def narrow_in_many_ways(documents: int) -> dict[str, float]:
    """Milliseconds of each step.

    Raises:
        AssertionError: a filter chose other documents than the numbers say.
    """
    import numpy as np  # noqa: PLC0415
    from django.db import transaction  # noqa: PLC0415

    from assistant.accounts.revisions import Counter, bump  # noqa: PLC0415
    from assistant.documents.models import Document  # noqa: PLC0415
    from assistant.retrieval.filters import read_filters  # noqa: PLC0415
    from assistant.retrieval.narrowing import narrowed  # noqa: PLC0415

    first, last = Document.objects.order_by("pk").first(), Document.objects.order_by("pk").last()
    assert first is not None
    assert last is not None
    masks = [np.ones(last.pk + 1, np.int32) for _ in range(2)]
    for mask in masks:
        mask.setflags(write=False)
    spent: dict[str, float] = {}

    def step(
        name: str, fits: Callable[[int], bool], given: Mapping[str, list[str]], *, person: int = 0
    ) -> None:
        began = time.perf_counter()
        left = narrowed(masks[person], read_filters(given))
        spent[name] = (time.perf_counter() - began) * 1000
        assert int(left.sum()) == sum(map(fits, range(documents))), name

    half = documents // 2
    begin = [(FIRST + half * STEP).isoformat()]
    recent = {"source": ["Source 1", "source 2"], "after": begin}
    by_team = {"author": ["person 20"], "attribute": ["team=T20"], "source": ["source 0"]}

    def is_recent(n: int) -> bool:
        return n % SOURCES in (1, 2) and n >= half

    step("first filter of a process", is_recent, recent)
    step("same again", is_recent, recent)
    step("same for another person", is_recent, recent, person=1)
    step("another filter", lambda n: n % 3 == 0 and n < half, {"type": ["pdf"], "before": begin})
    step("first filter by attribute", lambda n: n % AUTHORS == 17, {"author": ["person 17"]})
    step("another author", lambda n: n % AUTHORS in (18, 19), {"author": ["PERSON 18", "person 19"]})
    step("author and team and source", lambda n: n % AUTHORS == 20, by_team)
    with transaction.atomic():
        changed = Document.objects.filter(pk__lt=first.pk + min(1_000, documents))
        changed.update(revision=bump(Counter.DOCUMENTS), attributes={}, modified_at=None)
    step("after a thousand changes", is_recent, recent)
    step("by author after them", lambda n: n % AUTHORS == 17 and n >= 1_000, {"author": ["person 17"]})
    return spent


if __name__ == "__main__":
    sys.exit(main())
