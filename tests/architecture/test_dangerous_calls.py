"""Where the program does what is dangerous by nature stands in one list, with the reason, and nowhere else.

CONTROLS.md tells reviewers of the same places.
"""

from __future__ import annotations

import ast
import ssl
from collections.abc import Iterator
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

# What a call is called, or what one of its arguments says; and the files that may.
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
GUESSABLE = {"assistant/common/guarded_http.py", "assistant/providers/retrying.py"}  # pauses
MARKUP = {
    "assistant/chat/exported_text.py",
    "assistant/console/guides.py",
    "assistant/console/templatetags/inspecting.py",
    "assistant/web/templatetags/reading.py",
}
NOBODY: set[str] = set()
CALLS: dict[str, set[str]] = {
    **dict.fromkeys(("eval", "exec", "compile", "__import__"), NOBODY),
    **dict.fromkeys(("os.system", "os.popen", "os.spawnv", "os.startfile", "pty.spawn"), NOBODY),
    **dict.fromkeys(("pickle.load", "pickle.loads", "marshal.loads", "shelve.open", "dill.loads"), NOBODY),
    **dict.fromkeys(("yaml.load", "torch.load", "joblib.load", "jsonpickle.decode"), NOBODY),
    **dict.fromkeys(("Template", "engine.from_string", "engines.from_string"), NOBODY),
    **dict.fromkeys(("ssl._create_unverified_context", "ssl.SSLContext", "ssl.wrap_socket"), NOBODY),
    **dict.fromkeys(("subprocess.run", "subprocess.Popen", "os.execv"), STARTS_PROGRAMS),
    **dict.fromkeys(("import_module", "importlib.import_module", "import_string"), LOADS_CODE),
    **dict.fromkeys(("hashlib.md5", "hashlib.sha1"), WEAK_HASHES),
    **dict.fromkeys(("random.uniform", "random.random", "random.choice", "random.Random"), GUESSABLE),
    **dict.fromkeys(("random.randint", "random.shuffle", "random.sample", "random.getrandbits"), NOBODY),
    **dict.fromkeys(("mark_safe", "SafeString"), MARKUP),
}
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
ATTRIBUTES = {"CERT_NONE", "PROTOCOL_TLSv1", "PROTOCOL_TLSv1_1", "minimum_version", "maximum_version"}


def dotted(node: ast.expr) -> str:
    """`a.b.c` as it is written; empty for what is no name."""
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return node.id if isinstance(node, ast.Name) else ""


def dangers(text: str, name: str, used: set[tuple[str, str]] | None = None) -> Iterator[str]:
    """What of the above a file of this name does, with the line. `used` gets the calls that it may make."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call):
            called = dotted(node.func)
            said = {(one.arg or "", ast.unparse(one.value)) for one in node.keywords if one.arg in WATCHED}
            if called in CALLS and name not in CALLS[called]:
                yield f"{name}:{node.lineno} calls {called}"
            elif called in CALLS and used is not None:
                used.add((called, name))
            for argument, value in said & ARGUMENTS:
                yield f"{name}:{node.lineno} says {argument}={value}"
            if called in ("hashlib.md5", "hashlib.sha1") and ("usedforsecurity", "False") not in said:
                yield f"{name}:{node.lineno} does not say that {called} protects nothing"
        elif isinstance(node, ast.Attribute) and node.attr in ATTRIBUTES:
            yield f"{name}:{node.lineno} names {node.attr}"


def test_nothing_dangerous_is_called_where_nobody_wrote_down_why() -> None:
    found, used = list[str](), set[tuple[str, str]]()
    for file in FILES:
        found += dangers(file.read_text(encoding="utf-8"), str(file.relative_to(REPOSITORY)), used)
    assert found == []
    for allowed in (STARTS_PROGRAMS, LOADS_CODE, WEAK_HASHES, GUESSABLE, MARKUP):
        needing = {name for called, name in used if CALLS[called] is allowed}
        assert needing == allowed, "it does not need that any more: take it out"


@pytest.mark.parametrize(
    "line",
    [
        "eval(text)",
        "subprocess.run(command, shell=True)",
        "yaml.load(text)",
        "ssl.SSLContext(ssl.PROTOCOL_TLSv1)",
        "context.verify_mode = ssl.CERT_NONE",
        "hashlib.md5(data)",
        "mark_safe(text)",
        "np.load(file, allow_pickle=True)",
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
    for file in STARTS_PROGRAMS | LOADS_CODE | WEAK_HASHES | MARKUP:
        assert f"`{file}`" in CONTROLS, file
