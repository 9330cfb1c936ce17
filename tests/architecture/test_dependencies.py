"""Every installed package is pinned, may be given on under its licence, and is there for something."""

from __future__ import annotations

import json
import re
import sys
from email.message import Message
from importlib import metadata
from pathlib import Path
from typing import cast

import pytest
from packaging.utils import canonicalize_name

from tests.architecture import dependencies
from tests.architecture.dependencies import REPOSITORY, RUN, TEST, needed, version_of, written
from tests.connectors.servers.programs import missing

FILES = (RUN, TEST, "constraints.txt", "requirements-audit.txt", "tests/bench/requirements.txt")
# Licences under which a program may use a library whatever its own licence is. Those of the lesser GPL and of
# Mozilla ask that changes to the library itself are given on: none is changed here.
ALLOWED = re.compile(
    r"MIT|BSD|Apache|ISC|PSF|Python Software Foundation|MPL|Mozilla|LGPL|Lesser|Zlib|CC0|BSL|CNRI|Unlicense"
)
# What its data do not say, from the text that comes with it.
SAID_ELSEWHERE = {"imapclient": "BSD-3-Clause"}
FORBIDDEN = re.compile(
    r"\bA?GPL|Affero|Commons Clause|SSPL|BUSL|Business Source|Non-?Commercial", re.IGNORECASE
)
# Nobody imports these: what they are for is said above them in the file.
NOT_IMPORTED = {
    "argon2-cffi": "Django's hasher of passwords",
    "tokenizers": "below transformers, which reads models in folders by it",
    "xmlsec": "below python3-saml",
}

_NAMED = re.compile(r"^\s*(?:from|import) (\w+)|\"(\w+)(?:\.\w+)*\"", re.MULTILINE)


def licence_of(name: str, distribution: metadata.Distribution) -> str:
    """What the package says of itself."""
    data = cast(Message, distribution.metadata)
    said = [str(data.get("License-Expression", "")), SAID_ELSEWHERE.get(name, "")]
    said += [line.split(" :: ")[-1] for line in data.get_all("Classifier", []) if line.startswith("License")]
    return "; ".join(part for part in said if part) or str(data.get("License", "")).strip()[:100]


def test_every_requirement_is_an_exact_version() -> None:
    for file in FILES:
        for one in written(file):
            assert re.fullmatch(r"==[^,*]+", str(one.specifier)), f"{file}: {one}"


def test_whatever_is_installed_below_a_requirement_is_pinned_to_that_version() -> None:
    pinned: dict[str, str] = {
        canonicalize_name(one.name): str(one.specifier).removeprefix("==")
        for file in (RUN, TEST, "constraints.txt")
        for one in written(file)
    }
    found = needed(written(RUN) + written(TEST))
    assert len(found) > 150
    other = {
        name: f"{version_of(one)} installed, {pinned.get(name, 'nothing')} pinned"
        for name, one in found.items()
        if pinned.get(name) != version_of(one)
    }
    assert other == {}, "run: python -m tests.architecture.dependencies pins --test"


def test_nothing_is_pinned_that_nobody_needs() -> None:
    if sys.version_info[:2] != (3, 11):
        missing("needs Python 3.11: other versions want other packages")
    found = needed(written(RUN) + written(TEST))
    assert {canonicalize_name(one.name) for one in written("constraints.txt")} - set(found) == set()


def test_every_licence_lets_a_company_use_the_program() -> None:
    found = {name: licence_of(name, one) for name, one in needed(written(RUN)).items()}
    assert {name: said for name, said in found.items() if not ALLOWED.search(said)} == {}
    lesser = re.compile(r"LGPL\S*|GNU Lesser General Public License\S*")
    assert {name: said for name, said in found.items() if FORBIDDEN.search(lesser.sub("", said))} == {}


def test_every_requirement_of_the_program_is_used_by_it() -> None:
    by_module = metadata.packages_distributions()
    named: set[str] = set()  # modules that are imported, or named by a dotted path as settings do
    for folder in ("assistant", "connectors"):
        for file in (REPOSITORY / folder).rglob("*.py"):
            named |= {one or other for one, other in _NAMED.findall(file.read_text(encoding="utf-8"))}
    used = {canonicalize_name(name) for module in named for name in by_module.get(module, (module,))}
    wanted = {canonicalize_name(one.name) for one in written(RUN)}
    assert wanted - used - set(NOT_IMPORTED) == set()
    assert set(NOT_IMPORTED) <= wanted - used


def said_by(tmp_path: Path, answer: str, status: int = 0) -> list[str]:
    """A program in place of pip-audit."""
    program = tmp_path / "said.py"
    program.write_text(f"import sys\nprint({answer!r})\nsys.exit({status})\n")
    return [sys.executable, str(program)]


def test_an_audit_that_could_look_nothing_up_does_not_pass_for_a_good_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    skipped = json.dumps({"dependencies": [{"name": "django", "skip_reason": "Dependency not found"}]})
    assert dependencies.audit(said_by(tmp_path, skipped)) == 2
    assert "1 of 1 packages were not found there, django first" in capsys.readouterr().err
    assert dependencies.audit(said_by(tmp_path, "Traceback", 1)) == 2
    assert "run this where it can be reached" in capsys.readouterr().err


def test_an_audit_names_what_is_weak_and_which_version_mends_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    vulns = [{"id": "CVE-2026-1", "fix_versions": ["5.2.20"]}]
    rows = [
        {"name": "django", "version": "5.2.19", "vulns": vulns},
        {"name": "b", "version": "1", "vulns": []},
    ]
    assert dependencies.audit(said_by(tmp_path, json.dumps({"dependencies": rows}), 1)) == 1
    assert "django 5.2.19: CVE-2026-1; mended in 5.2.20" in capsys.readouterr().out
    assert dependencies.audit(said_by(tmp_path, json.dumps({"dependencies": rows[1:]}))) == 0
