"""Does anybody in a channel of Slack see what they may not read? Random worlds, the whole way, many of them.

    python -m tests.slackbot.channel_safety_run --count 100 --seed 1

Each world has access lists that change, channels that people join, and questions; what each person sees is
looked at after each step. Prints one JSON object, with how often there was something to be seen (`Seen`).
Exit status 1 if somebody saw too much, or if that never happened.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from dataclasses import asdict
from pathlib import Path

from tests.access.own_database import own_database


def main() -> int:
    """Read the arguments, make a database, look, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=100, help="worlds")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=12, help="in each world")
    chosen = parser.parse_args()
    seen, leaks = Counter[str](), list[str]()
    with own_database(), tempfile.TemporaryDirectory() as folder:
        from tests.slackbot.test_channel_safety import in_a_world  # noqa: PLC0415 - after the database is made

        for seed in range(chosen.seed, chosen.seed + chosen.count):
            try:
                seen.update(asdict(in_a_world(Path(folder, str(seed)), seed, steps=chosen.steps)))
            except AssertionError as error:
                leaks.append(f"seed {seed}: {error}".splitlines()[0])
    print(json.dumps({"worlds": chosen.count, **seen, "leaks": leaks}))
    return 0 if all(seen.values()) and seen and not leaks else 1


if __name__ == "__main__":
    sys.exit(main())
