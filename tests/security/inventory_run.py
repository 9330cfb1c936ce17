"""Every route x everybody x every method, and everybody's things offered to everybody else.

    python -m tests.security.inventory_run [--markdown]

Asks all of it in a database of its own, with keys at pages and cookies at the API as well, and prints one
JSON object; exit status 1 if one answer is another than `wanted_access` says, or if something opened that is
not theirs. `--markdown` prints the table of `wanted_access` for reviewers and asks nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from tests.unlimited import UNLIMITED


def main() -> int:
    """Read the arguments, make a database, ask, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--markdown", action="store_true", help="print the table of expectation")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mundap-inventory-") as home:
        _start(home)
        if chosen.markdown:
            from tests.security.inventory import as_markdown  # noqa: PLC0415 - needs loaded apps

            print(as_markdown())
            return 0
        report = _run(Path(home))
    print(json.dumps(report, ensure_ascii=False))
    return 1 if report["surprises"] or report["opened"] or report["tables_changed"] else 0


def _start(home: str) -> None:
    os.environ.update({"MUNDAP_HOME": home, "DJANGO_SETTINGS_MODULE": "assistant.config.settings"})
    os.environ["DATABASE_URL"] = f"sqlite:///{home}/inventory.sqlite3"
    os.environ["MUNDAP_REQUIRE_SECOND_FACTOR"] = "nobody"  # its people are signed in without a page
    os.environ.update(UNLIMITED)
    os.environ["MUNDAP_ALLOWED_HOSTS"] = "testserver"
    os.environ["MUNDAP_LOG_LEVEL"] = "ERROR"
    import django  # noqa: PLC0415 - needs the environment above
    from django.conf import settings  # noqa: PLC0415

    django.setup()
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def _run(home: Path) -> dict[str, object]:
    from django.core.management import call_command  # noqa: PLC0415 - as above

    from assistant.accounts.models import User  # noqa: PLC0415
    from tests.conftest import PEOPLE, new_small_world  # noqa: PLC0415
    from tests.security.grounds import laid_out  # noqa: PLC0415
    from tests.security.idor import attempt_all  # noqa: PLC0415
    from tests.security.inventory import digest_of_tables, run  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    world = new_small_world(home)
    people = {name: User.objects.get(email=f"{name}@example.com") for name in PEOPLE}
    grounds = laid_out(world, people, home)
    before, began = digest_of_tables(), time.monotonic()
    asked = run(grounds, everything=True)
    offered = attempt_all(grounds)
    after = digest_of_tables()
    return {
        "combinations": asked.combinations,
        "expected": dict(asked.outcomes),
        "surprises": asked.surprises,
        "offers_of_what_is_not_theirs": offered.made,
        "routes_with_parameters": len(offered.routes),
        "opened": offered.successes,
        "tables": len(before),
        "tables_changed": sorted(table for table in before if before[table] != after[table]),
        "seconds": round(time.monotonic() - began),
    }


if __name__ == "__main__":
    sys.exit(main())
