"""Is every mistake in permission code noticed?

    python -m tests.security.mutants

Makes each mistake of `mistakes` in turn, in a database of its own, and runs the check
that must fail under it. Prints one JSON object; exit status 1 if one survives.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from typing import TYPE_CHECKING

from tests.unlimited import UNLIMITED

if TYPE_CHECKING:
    from tests.security.mistake import Check, Mistake


def main() -> int:
    """Make a database, try every mistake, print."""
    with tempfile.TemporaryDirectory(prefix="mundap-mutants-") as home:
        os.environ.update({"MUNDAP_HOME": home, "DJANGO_SETTINGS_MODULE": "assistant.config.settings"})
        os.environ["DATABASE_URL"] = f"sqlite:///{home}/mutants.sqlite3"
        os.environ["MUNDAP_REQUIRE_SECOND_FACTOR"] = "nobody"  # its people are signed in without a page
        os.environ.update(UNLIMITED)
        import django  # noqa: PLC0415 - needs the environment above
        from django.core.management import call_command  # noqa: PLC0415

        django.setup()
        call_command("migrate", verbosity=0)
        began = time.perf_counter()
        from tests.security.mistakes import MISTAKES  # noqa: PLC0415 - needs loaded apps

        for check in dict.fromkeys(mistake.check for mistake in MISTAKES):
            passes(check)
        survivors = [mistake.name for mistake in MISTAKES if not is_noticed(mistake)]
        report = {
            "mutants": len(MISTAKES),
            "killed": len(MISTAKES) - len(survivors),
            "survivors": survivors,
            "seconds": round(time.perf_counter() - began, 1),
            "names": {mistake.name: mistake.check.__name__ for mistake in MISTAKES},
        }
    print(json.dumps(report, ensure_ascii=False))
    return 1 if survivors else 0


def is_noticed(mistake: Mistake) -> bool:
    """Whether the mistake's check fails while the mistake is made. Any other error is one of ours."""
    with mistake.made():
        try:
            passes(mistake.check)
        except AssertionError:
            return True
    return False


def passes(check: Check) -> None:
    """Run a check in a transaction that leaves nothing behind.

    Raises:
        AssertionError: the check has noticed something.
    """
    from django.db import transaction  # noqa: PLC0415 - as above

    from assistant.access import mask, visibility  # noqa: PLC0415
    from assistant.accounts import holding  # noqa: PLC0415

    mask.forget()
    visibility.forget()
    holding.forget()  # statements that were written without the mistake
    try:
        with transaction.atomic():
            try:
                check()
            finally:
                transaction.set_rollback(True)
    finally:
        mask.forget()
        visibility.forget()
        holding.forget()


if __name__ == "__main__":
    sys.exit(main())
