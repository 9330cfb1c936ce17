"""Which packages the program stands on, all the way down, as this environment has them.

    python -m tests.architecture.dependencies pins [--test]     all, each with its version
    python -m tests.architecture.dependencies audit PIP_AUDIT   known weaknesses of what runs; 0: none

`audit` asks the advisories of PyPI by pip-audit, which alone would find nothing where it can look nothing up.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPOSITORY = Path(__file__).resolve().parents[2]
RUN, TEST = "requirements.txt", "requirements-dev.txt"
_SECONDS = 300


def written(name: str) -> list[Requirement]:
    """The requirements in a file, those of files that it includes aside."""
    lines = (REPOSITORY / name).read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line.strip() and not line.startswith(("#", "-"))]


def needed(requirements: Iterable[Requirement]) -> dict[str, metadata.Distribution]:
    """What is installed because of them, by canonical name.

    Raises:
        importlib.metadata.PackageNotFoundError: one of them is not installed.
    """
    found: dict[str, metadata.Distribution] = {}
    seen: set[tuple[str, str]] = set()
    waiting: list[tuple[str, str]] = [
        (canonicalize_name(one.name), extra) for one in requirements for extra in ("", *one.extras)
    ]
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        distribution = found[name] = metadata.distribution(name)
        waiting += _below(distribution, extra)
    return found


def version_of(distribution: metadata.Distribution) -> str:
    """As it is asked for: a build for one kind of processor is the same version."""
    return distribution.version.partition("+")[0]


def pins(requirements: Iterable[Requirement]) -> list[str]:
    """`name==version` of all that they need."""
    found = needed(requirements)
    return [f"{name}=={version_of(found[name])}" for name in sorted(found)]


def audit(pip_audit: Sequence[str]) -> int:
    """0: no known weakness. 1: there are some. 2: not everything could be looked up."""
    with tempfile.TemporaryDirectory() as folder:
        asked = Path(folder) / "pins.txt"
        asked.write_text("\n".join(pins(written(RUN))), encoding="utf-8")
        command = [*pip_audit, "--requirement", str(asked), "--no-deps", "--disable-pip", "--format", "json"]
        command += ["--progress-spinner", "off"]
        ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_SECONDS)
    try:
        rows = json.loads(ended.stdout)["dependencies"]
    except (ValueError, KeyError):
        last = (ended.stderr.strip().splitlines() or ["no reason given"])[-1]
        return _unknown(f"pip-audit gave no result: {last[:300]}")
    weak = [row for row in rows if row.get("vulns")]
    for row in weak:
        for one in row["vulns"]:
            mended = ", ".join(one.get("fix_versions", [])) or "no version yet"
            print(f"{row['name']} {row['version']}: {one['id']}; mended in {mended}")
    if weak:
        print(
            f"{len(weak)} of {len(rows)} packages have known weaknesses: raise their pins.", file=sys.stderr
        )
        return 1
    left_out = [row["name"] for row in rows if "skip_reason" in row]
    if left_out:
        return _unknown(f"{len(left_out)} of {len(rows)} packages were not found there, {left_out[0]} first")
    print(f"{len(rows)} packages, no known weakness.")
    return 0


def _unknown(why: str) -> int:
    print(
        f"The dependencies were not audited ({why}). "
        "The advisories come from PyPI: run this where it can be reached.",
        file=sys.stderr,
    )
    return 2


def _below(distribution: metadata.Distribution, extra: str) -> Iterator[tuple[str, str]]:
    for line in distribution.requires or []:
        one = Requirement(line)
        if one.marker is None or one.marker.evaluate({"extra": extra}):
            yield from ((canonicalize_name(one.name), name) for name in ("", *one.extras))


def main() -> int:
    """Print the pins, or audit them."""
    parser = argparse.ArgumentParser(description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    listing = verbs.add_parser("pins")
    listing.add_argument("--test", action="store_true", help="What tests need as well.")
    verbs.add_parser("audit").add_argument("pip_audit", nargs="+")
    wanted = parser.parse_args()
    if wanted.verb == "audit":
        return audit(wanted.pip_audit)
    print("\n".join(pins(written(RUN) + (written(TEST) if wanted.test else []))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
