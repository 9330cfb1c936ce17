"""Where the program does what is dangerous by nature stands in one list, with the reason, and nowhere else.

CONTROLS.md tells reviewers of the same places.
"""

from __future__ import annotations

import ast
import ssl
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
FILES = [
    file
    for folder in ("assistant", "connectors")
    for file in (REPOSITORY / folder).rglob("*.py")
    if "migrations" not in file.parts
]
CONTROLS = (REPOSITORY / "CONTROLS.md").read_text(encoding="utf-8")

# By whole dotted names or their beginnings, whatever they are imported as; and the files that may.
STARTS_PROGRAMS = {
    "assistant/config/install.py",
    "assistant/config/supervisor.py",
    "assistant/config/tether.py",
    "assistant/ingest/sandbox.py",
    "connectors/sources/git/blobs.py",
    "connectors/sources/git/program.py",
}
LOADS_CODE = {  # by dotted paths of registries
    "assistant/config/apps.py",
    "assistant/guardrails/checks/registry.py",
    "assistant/identity/kinds.py",
    "assistant/index/registry.py",
    "assistant/ingest/parsers/registry.py",
    "assistant/providers/registry.py",
    "connectors/registry.py",
}
WEAK_HASHES = {  # names of things elsewhere, which protect nothing here
    "assistant/factors/breached.py",
    "connectors/sources/dokuwiki/connector.py",
}
NAMED_HASHES = {"assistant/identity/saml/signature.py"}  # by a list of those that count
GUESSABLE = {"assistant/common/guarded_http.py", "assistant/providers/retrying.py"}  # pauses
MARKUP = {
    "assistant/chat/exported_text.py",
    "assistant/console/guides.py",
    "assistant/console/templatetags/inspecting.py",
    "assistant/web/templatetags/reading.py",
}
NOBODY: set[str] = set()
CALLS: dict[str, set[str]] = {
    **dict.fromkeys(("eval", "exec", "compile", "__import__", "builtins.*"), NOBODY),
    **dict.fromkeys(("os.system", "os.popen", "os.spawn*", "os.posix_spawn*", "os.fork*"), NOBODY),
    **dict.fromkeys(("os.startfile", "pty.*", "multiprocessing.*", "asyncio.create_subprocess_*"), NOBODY),
    **dict.fromkeys(("pickle.*", "_pickle.*", "cloudpickle.*", "dill.*", "marshal.*", "shelve.*"), NOBODY),
    **dict.fromkeys(("yaml.load*", "yaml.full_load*", "yaml.unsafe_load*"), NOBODY),
    **dict.fromkeys(("yaml.Loader", "yaml.FullLoader", "yaml.UnsafeLoader"), NOBODY),
    **dict.fromkeys(("torch.load", "joblib.*", "jsonpickle.*"), NOBODY),
    **dict.fromkeys(("django.template.Template", "django.template.engine*", "*.from_string"), NOBODY),
    **dict.fromkeys(("ssl._create_*", "ssl.wrap_socket"), NOBODY),
    **dict.fromkeys(("subprocess.*", "os.exec*"), STARTS_PROGRAMS),
    **dict.fromkeys(("importlib.import_module", "importlib.reload", "runpy.*"), LOADS_CODE),
    **dict.fromkeys(
        ("importlib.util.*from*", "importlib.machinery.*", "django.utils.module_loading.*"), LOADS_CODE
    ),
    **dict.fromkeys(("hashlib.md5", "hashlib.sha1"), WEAK_HASHES),
    "hashlib.new": NAMED_HASHES,
    "random.*": GUESSABLE,
    "django.utils.safestring.mark_safe": MARKUP,
}
# Only where it is called: elsewhere it is a type.
ONLY_CALLED: dict[str, set[str]] = {"django.utils.safestring.Safe*": MARKUP, "ssl.SSLContext": NOBODY}
ARGUMENTS = {
    ("shell", "True"),
    ("verify", "False"),
    ("check_hostname", "False"),
    ("trust_remote_code", "True"),
    ("allow_pickle", "True"),
    ("weights_only", "False"),
    ("resolve_entities", "True"),
    ("huge_tree", "True"),
}
WATCHED = {argument for argument, _ in ARGUMENTS} | {"usedforsecurity"}
WEAK = {"hashlib.md5": WEAK_HASHES, "hashlib.sha1": WEAK_HASHES}
ATTRIBUTES = {"CERT_NONE", "PROTOCOL_TLSv1", "PROTOCOL_TLSv1_1", "minimum_version", "maximum_version"}


def imported(tree: ast.Module) -> dict[str, str]:
    """The whole dotted name of each name that the file imports, anywhere in it."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for one in node.names:
                first = one.name.partition(".")[0]
                names[one.asname or first] = one.name if one.asname else first
        elif isinstance(node, ast.ImportFrom):
            names |= {one.asname or one.name: f"{node.module}.{one.name}" for one in node.names}
    return names


def dotted(node: ast.AST, names: dict[str, str]) -> str:
    """`a.b.c` by its whole name; `?.c` of what is no name, as what a call gave."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value, names)}.{node.attr}"
    return names.get(node.id, node.id) if isinstance(node, ast.Name) else "?"


def fitting(called: str, patterns: dict[str, set[str]]) -> list[str]:
    """The patterns that the name fits."""
    return [pattern for pattern in patterns if fnmatchcase(called, pattern)]


def dangers(text: str, name: str, used: set[tuple[str, str]] | None = None) -> Iterator[str]:
    """What of the above a file of this name does, with the line. `used` gets what it may do, by pattern."""
    tree = ast.parse(text)
    names = imported(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from _wrong_arguments(node, dotted(node.func, names), name)
            found = fitting(dotted(node.func, names), ONLY_CALLED)
        elif isinstance(node, ast.Attribute | ast.Name):  # also where it is given to somebody who calls it
            found = fitting(dotted(node, names), CALLS)
        elif isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
            yield f"{name}:{node.lineno} imports whatever {node.module} has"
            continue
        else:
            continue
        for pattern in found:
            if name not in {**CALLS, **ONLY_CALLED}[pattern]:
                yield f"{name}:{node.lineno} uses {pattern}"
            elif used is not None:
                used.add((pattern, name))
        if isinstance(node, ast.Attribute) and node.attr in ATTRIBUTES:
            yield f"{name}:{node.lineno} names {node.attr}"


def _wrong_arguments(node: ast.Call, called: str, name: str) -> Iterator[str]:
    said = {(one.arg or "", ast.unparse(one.value)) for one in node.keywords if one.arg in WATCHED}
    for argument, value in said & ARGUMENTS:
        yield f"{name}:{node.lineno} says {argument}={value}"
    if fitting(called, WEAK) and ("usedforsecurity", "False") not in said:
        yield f"{name}:{node.lineno} does not say that {called} protects nothing"


def test_nothing_dangerous_is_called_where_nobody_wrote_down_why() -> None:
    found, used = list[str](), set[tuple[str, str]]()
    for file in FILES:
        found += dangers(file.read_text(encoding="utf-8"), str(file.relative_to(REPOSITORY)), used)
    assert found == []
    for allowed in (STARTS_PROGRAMS, LOADS_CODE, WEAK_HASHES, NAMED_HASHES, GUESSABLE, MARKUP):
        needing = {name for pattern, name in used if {**CALLS, **ONLY_CALLED}[pattern] is allowed}
        assert needing == allowed, "it does not need that any more: take it out"


@pytest.mark.parametrize(
    "line",
    [
        "eval(text)",
        "import subprocess\nsubprocess.run(command, shell=True)",
        "import yaml\nyaml.load(text)",
        "import ssl\nssl.SSLContext(ssl.PROTOCOL_TLSv1)",
        "context.verify_mode = ssl.CERT_NONE",
        "import hashlib\nhashlib.md5(data)",
        "from django.utils.safestring import mark_safe\nmark_safe(text)",
        "np.load(file, allow_pickle=True)",
        "import subprocess as s\ns.check_output(command)",
        "from subprocess import call\ncall(command)",
        "from subprocess import Popen as begin\nbegin(command)",
        "import os\nos.execvpe(command, [], {})",
        "from os import execl\nexecl(command)",
        "import pickle\npickle.Unpickler(file).load()",
        "from pickle import loads as read\nread(data)",
        "from hashlib import sha1 as digest\ndigest(data)",
        "from yaml import unsafe_load\nunsafe_load(text)",
        "from yaml import Loader\nparse(text, Loader)",
        "from django.template import Template as T\nT(text)",
        "from django.template import engines\nengines['django'].from_string(text)",
        "from django.utils.safestring import mark_safe as sound\nsound(text)",
        "from django.utils import safestring\nsafestring.SafeString(text)",
        "def inner():\n    from subprocess import run\n    run(command)",
        "results = map(eval, texts)",
        "from subprocess import *",
    ],
)
def test_a_planted_line_is_found(line: str) -> None:
    assert list(dangers(line, "assistant/planted.py"))


def test_connections_out_want_tls_1_2_and_a_certificate_for_the_name() -> None:
    context = ssl.create_default_context()  # by which every client of ours connects
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname


def test_reviewers_are_told_of_every_such_place() -> None:
    for file in STARTS_PROGRAMS | LOADS_CODE | WEAK_HASHES | NAMED_HASHES | MARKUP:
        assert f"`{file}`" in CONTROLS, file
