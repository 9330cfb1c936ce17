"""Replaces the secret key while several processes live on what is sealed, signed and chained under it.

    python -m tests.privacy.rotation --seconds 60 --seed 1 [--actors 3]

The way of an installation with several hosts: processes with the old key; one after the other started again
with the new key as a fallback; one after the other with the new key first; `rotate-key`, killed in the middle
and run again; one after the other with the new key alone. Nothing may fail at any moment. Prints JSON; ends
with 1 if anything failed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.unlimited import UNLIMITED

REPOSITORY = Path(__file__).resolve().parents[2]
# As good as real ones: the start refuses keys of few different characters.
OLD, NEW = (hashlib.sha256(name.encode()).hexdigest() for name in ("old", "new"))


@dataclass(slots=True)
class Outcome:
    """What happened. `killed_after`: what was sealed anew when the first run was killed."""

    done: Counter[str] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)
    killed_after: int = 0
    first: dict[str, object] = field(default_factory=dict)
    again: dict[str, object] = field(default_factory=dict)
    check: dict[str, object] = field(default_factory=dict)
    audit: dict[str, object] = field(default_factory=dict)


def environment(home: Path, url: str, key: str, fallbacks: str = "") -> dict[str, str]:
    """Of a process with these keys."""
    own = {
        "MUNDAP_HOME": str(home),
        "DATABASE_URL": url,
        "MUNDAP_SECRET_KEY": key,
        "MUNDAP_SECRET_KEY_FALLBACKS": fallbacks,
        "PYTHONPATH": str(REPOSITORY),
        "MUNDAP_LOG_LEVEL": "ERROR",
        "MUNDAP_REQUIRE_SECOND_FACTOR": "nobody",  # its people sign in by a password alone
        **UNLIMITED,
    }
    return {**os.environ, **own}


class Actor:
    """A running process. `end` gives what it did."""

    def __init__(self, known: str, number: int, seed: int, around: dict[str, str]) -> None:
        command = [sys.executable, "-m", "tests.privacy.rotation_actor"]
        command += ["--known", known, "--number", str(number), "--seed", str(seed)]
        self.process = subprocess.Popen(
            command,
            env=around,
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def started(self) -> None:
        """Wait until it works."""
        assert self.process.stdout is not None
        if self.process.stdout.readline() != "ready\n":
            raise RuntimeError(self.process.communicate()[1])

    def end(self, outcome: Outcome) -> None:
        """Stop it and take what it says."""
        said, complaints = self.process.communicate("\n", timeout=120)
        if self.process.returncode:
            outcome.errors.append(complaints[-500:])
            return
        result = json.loads(said)
        outcome.done.update(result["done"])
        outcome.errors += result["errors"]


def manage(around: dict[str, str], *words: str) -> dict[str, object]:
    """The JSON that a command prints, whatever its status."""
    ran = subprocess.run(
        [sys.executable, "manage.py", *words],
        env=around,
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    if not ran.stdout.strip():
        raise RuntimeError(ran.stderr)
    result: dict[str, object] = json.loads(ran.stdout)
    return result


def rotated(home: Path, url: str, *, seconds: float, seed: int, actors: int, brief: bool = False) -> Outcome:
    """The whole way; `seconds` are shared by its stations. The database is migrated.

    `brief`: the way of one host, where all processes are exchanged at once and get the new key first.
    """
    outcome = Outcome()
    stations = [
        environment(home, url, OLD),
        environment(home, url, OLD, NEW),
        environment(home, url, NEW, OLD),
    ]
    planted = subprocess.run(
        [sys.executable, "-m", "tests.privacy.rotation_actor"],
        env=stations[0],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    if planted.returncode:
        raise RuntimeError(planted.stderr)
    known, pause = planted.stdout.strip().splitlines()[-1], seconds / 5
    running = [Actor(known, n, seed, stations[0]) for n in range(actors)]
    for actor in running:
        actor.started()

    def move_to(around: dict[str, str]) -> None:
        time.sleep(pause)
        for n in range(actors):  # never all at once
            running[n].end(outcome)
            running[n] = Actor(known, n, seed, around)
            running[n].started()

    if not brief:
        move_to(stations[1])
    move_to(stations[2])
    time.sleep(pause)
    outcome.killed_after = _killed_in_the_middle(stations[2])
    outcome.first = manage(stations[2], "rotate-key")
    if not brief:
        outcome.again = manage(stations[2], "rotate-key")
        outcome.check = manage(stations[2], "rotate-key", "--check")
    alone = environment(home, url, NEW)
    move_to(alone)
    time.sleep(pause)
    for actor in running:
        actor.end(outcome)
    outcome.audit = manage(alone, "audit", "verify")
    return outcome


def _killed_in_the_middle(around: dict[str, str]) -> int:
    """Start `rotate-key`, kill it 0.2 s after its first column. How many rows that column had."""
    command = [sys.executable, "manage.py", "rotate-key"]
    process = subprocess.Popen(
        command, env=around, cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    said = process.stderr.readline()  # after the first column
    time.sleep(0.2)
    process.kill()
    process.wait()
    return int(said.rsplit(":", 1)[1]) if ":" in said else 0


def failures(outcome: Outcome) -> list[str]:
    """What must not have happened."""
    found = list(outcome.errors)
    if outcome.first.get("ok") is not True:
        found.append(f"rotate-key: {outcome.first}")
    if outcome.again and (outcome.again.get("ok") is not True or outcome.again.get("resealed") != 0):
        found.append(f"rotate-key once more: {outcome.again}")
    if outcome.check and outcome.check.get("ok") is not True:
        found.append(f"rotate-key --check: {outcome.check}")
    if outcome.audit.get("ok") is not True:
        found.append(f"audit verify: {outcome.audit}")
    return found


def main(arguments: list[str]) -> int:
    """The long form, in a home and a SQLite database of its own, or on DATABASE_URL."""
    parser = argparse.ArgumentParser(prog="rotation", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--actors", type=int, default=3)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        url = os.environ.get("DATABASE_URL", f"sqlite:///{home / 'mundap.sqlite3'}")
        subprocess.run(
            [sys.executable, "manage.py", "prepare"],
            env=environment(home, url, OLD),
            cwd=REPOSITORY,
            check=True,
            capture_output=True,
        )
        outcome = rotated(home, url, seconds=given.seconds, seed=given.seed, actors=given.actors)
    wrong = failures(outcome)
    shown = {
        "ok": not wrong,
        "requests": outcome.done.total(),
        "by_kind": dict(outcome.done),
        "killed_after": outcome.killed_after,
        "first": outcome.first,
        "errors": len(wrong),
    }
    print(json.dumps(shown))
    for line in wrong[:20]:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
