"""The API under fire: schemathesis makes requests from the description, good and bad, against a real server.

    python -m tests.api.fuzzing --examples 200 --seed 1

Every operation is called with a key that may do all: those of sources with a key of a source of pushed
documents. No answer may be a server's error, and each must be as the description says: status, content type,
headers and body. JSON on stdout: cases, answers by status, what failed; exit status 1 if anything did.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.browser.server import REPOSITORY, environment_of, fill, served

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
_OF_SOURCES = "^/sources/"
_LONGEST_S = 3_000
# Whose keys: a person's who may do everything, and that of a source into which documents are pushed.
_KEYS = """
import django; django.setup()
from assistant.accounts.api_keys import issue_key
from assistant.accounts.models import User
from assistant.accounts.push_keys import issue_push_key
from assistant.sync.services import add_source
source = add_source(kind="push", name="Pushed", config={}, actor="test")
person = User.objects.get(email="ada@example.com")
print(issue_key(user_id=person.pk, name="fuzz", days=1, actor="test").text)
print(issue_push_key(connection_id=source, name="fuzz", days=1, actor="test").text, source)
"""


@dataclass(slots=True)
class Fired:
    """What was sent, and what came back."""

    cases: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    operations: set[str] = field(default_factory=set)

    @property
    def server_errors(self) -> int:
        """Answers that begin with a 5, a 503 among them."""
        return sum(count for status, count in self.statuses.items() if status >= 500)


def fired(home: Path, *, examples: int, seed: int, short: bool = False) -> Fired:
    """So many made requests an operation and, unless `short`, those that the description's bounds ask for."""
    fill(home)
    done = subprocess.run(
        [sys.executable, "-c", _KEYS],
        cwd=REPOSITORY,
        env=environment_of(home),
        check=True,
        capture_output=True,
        text=True,
    )
    person, pushing, source = done.stdout.split()
    found = Fired()
    with served(home, {"MUNDAP_LOG_LEVEL": "CRITICAL"}) as address:
        description = f"{address}/api/v1/openapi.json"
        for key, which, given in (
            (person, "--exclude-path-regex", {"document_id": 1}),
            (pushing, "--include-path-regex", {"source_id": int(source)}),
        ):
            settings = home / "schemathesis.toml"
            lines = [f"{name} = {value}" for name, value in given.items()]
            settings.write_text("\n".join(["[parameters]", *lines]), encoding="utf-8")
            report = home / f"{given.popitem()[0]}.ndjson"
            command = [
                sys.executable,
                "-m",
                "schemathesis.cli",
                "--config-file",
                str(settings),
                "run",
                description,
            ]
            options = {
                "--header": f"Authorization: Bearer {key}",
                "--checks": ",".join(CHECKS),
                "--phases": "fuzzing" if short else "coverage,fuzzing",
                "--max-examples": str(examples),
                "--seed": str(seed),
                "--report-ndjson-path": str(report),
                "--warnings": "off",
                which: _OF_SOURCES,
            }
            words = [word for pair in options.items() for word in pair]
            ran = subprocess.run(
                [*command, *words, "--continue-on-failure", "--no-color"],
                cwd=home,
                capture_output=True,
                text=True,
                check=False,
                timeout=_LONGEST_S,
            )
            _read(report, found)
            if ran.returncode:
                found.failures.append(ran.stdout[-3_000:] + ran.stderr[-1_000:])
    return found


def _read(report: Path, found: Fired) -> None:
    for line in report.read_text(encoding="utf-8").splitlines():
        scenario = json.loads(line).get("ScenarioFinished")
        if not scenario:
            continue
        recorder = scenario["recorder"]
        found.operations.add(recorder["label"])
        for interaction in recorder["interactions"].values():
            found.cases += 1
            response = interaction.get("response")
            found.statuses[response["status_code"] if response else 0] += 1


def main() -> int:
    """Fire, and say what came back."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--examples", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        found = fired(Path(folder), examples=wanted.examples, seed=wanted.seed)
    result = {
        "cases": found.cases,
        "seed": wanted.seed,
        "operations": len(found.operations),
        "statuses": {str(status): count for status, count in sorted(found.statuses.items())},
        "server errors": found.server_errors,
        "failures": found.failures,
        "seconds": round(time.monotonic() - began),
    }
    print(json.dumps(result, ensure_ascii=False, indent=1))
    return 1 if found.failures or found.server_errors else 0


if __name__ == "__main__":
    sys.exit(main())
