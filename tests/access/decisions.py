"""How many decisions do the three forms share with the oracle, and how fast are they?

    python tests/access/decisions.py --decisions 200000 --seed 1

Lays random worlds down in a database of its own, asks all three forms and the oracle
for every (person, document), and prints one JSON object. Exit status 1 on a mismatch.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

if TYPE_CHECKING:
    from tests.access.laid_down import Decision, LaidDown

    Form = Callable[[LaidDown, datetime], set[Decision]]

PEOPLE, PAPERS = 12, 250
ONE_BY_ONE = 10  # documents of each world that the object form is asked about, for it asks one at a time


def main() -> int:
    """Read the arguments, make a database, compare, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--decisions", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mundap-decisions-") as home:
        os.environ.update({"MUNDAP_HOME": home, "DJANGO_SETTINGS_MODULE": "assistant.config.settings"})
        os.environ["DATABASE_URL"] = f"sqlite:///{home}/decisions.sqlite3"
        import django  # noqa: PLC0415
        from django.core.management import call_command  # noqa: PLC0415

        django.setup()
        call_command("migrate", verbosity=0)
        report = compare(chosen.decisions, chosen.seed)
    print(json.dumps(report))
    return 1 if report["mismatches"] else 0


def compare(decisions: int, seed: int) -> dict[str, int | float]:
    """Ask until there are `decisions`; every form's rate is in decisions a second."""
    from tests.access.laid_down import by_mask, by_object, by_queryset, expected  # noqa: PLC0415
    from tests.access.made_worlds import NOW, made_world  # noqa: PLC0415
    from tests.access.test_three_forms_agree import world_in_database  # noqa: PLC0415

    random = Random(seed)
    spent = dict.fromkeys(("oracle", "queryset", "object", "mask"), 0.0)
    answered = dict.fromkeys(spent, 0)
    asked = allowed = mismatches = 0
    while asked < decisions:
        world = made_world(random, people=PEOPLE, papers=PAPERS)
        said = _timed(spent, "oracle", partial(expected, world))
        with world_in_database(world) as laid:
            few = dict(list(laid.documents.items())[:ONE_BY_ONE])
            forms: dict[str, tuple[Form, LaidDown]] = {
                "queryset": (by_queryset, laid),
                "mask": (by_mask, laid),
                "object": (by_object, replace(laid, documents=few)),
            }
            for name, (form, rows) in forms.items():
                answer = _timed(spent, name, partial(form, rows, NOW))
                mismatches += len({decision for decision in said if decision[1] in rows.documents} ^ answer)
                answered[name] += PEOPLE * len(rows.documents)
        asked += PEOPLE * PAPERS
        allowed += len(said)
    answered["oracle"] = asked
    rates = {f"{name}_per_s": round(answered[name] / seconds) for name, seconds in spent.items()}
    return {
        "decisions": asked,
        "by_object": answered["object"],
        "allowed": allowed,
        "mismatches": mismatches,
        **rates,
    }


def _timed(spent: dict[str, float], name: str, ask: Callable[[], set[Decision]]) -> set[Decision]:
    began = time.perf_counter()
    answer = ask()
    spent[name] += time.perf_counter() - began
    return answer


if __name__ == "__main__":
    sys.exit(main())
