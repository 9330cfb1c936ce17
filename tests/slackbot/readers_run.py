"""May all who can read a channel of Slack read what it is answered from? Random workspaces, many of them.

    python -m tests.slackbot.readers_run --count 1000 --seed 1

Prints one JSON object. Exit status 1 if somebody could have read what they may not, or if nothing was shown.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict

from tests.access.own_database import own_database


def main() -> int:
    """Read the arguments, make a database, look, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=500, help="workspaces")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    with own_database():
        from tests.slackbot.readers import check_many  # noqa: PLC0415 - after the database is made

        report = check_many(chosen.count, chosen.seed)
    print(json.dumps(asdict(report)))
    return 0 if report.shown and not report.leaks else 1


if __name__ == "__main__":
    sys.exit(main())
