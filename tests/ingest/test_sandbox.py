"""The parser process: limits, refusals, recovery, and nothing but documents or failures out of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant.common.errors import DocumentFailure, FailureCode
from assistant.ingest.parsers.contract import Block, BlockKind, Parsed
from assistant.ingest.parsers.wire import FrameError, decode, encode, parsed_from_json, parsed_to_json
from assistant.ingest.sandbox import Limits, ParserProcess

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def process() -> Iterator[ParserProcess]:
    with ParserProcess(Limits(seconds=30)) as running:
        yield running


@pytest.fixture
def note(tmp_path: Path) -> Path:
    path = tmp_path / "note.txt"
    path.write_text("연차는 15일입니다.")
    return path


def test_a_document_comes_back_as_the_parser_made_it(process: ParserProcess, note: Path) -> None:
    assert process.parse(note, name="note.txt") == Parsed(
        "", (Block(BlockKind.PARAGRAPH, "연차는 15일입니다."),)
    )


def test_one_process_serves_many_documents_and_is_then_replaced(note: Path) -> None:
    pids = []
    with ParserProcess(Limits(documents=2)) as process:
        for _ in range(4):
            process.parse(note, name="note.txt")
            pids.append(process.pid)

    assert pids[0] == pids[1] != pids[2] == pids[3]


def test_a_failure_keeps_its_code_and_leaves_the_process_running(process: ParserProcess, note: Path) -> None:
    process.parse(note, name="note.txt")
    before = process.pid
    with pytest.raises(DocumentFailure) as caught:
        process.parse(note, name="note.pdf")

    assert caught.value.code is FailureCode.MISLABELLED
    assert process.pid == before


def test_a_stopped_process_is_a_timeout_and_the_next_document_is_read(note: Path) -> None:
    with ParserProcess(Limits(seconds=1)) as process:
        process.parse(note, name="note.txt")
        assert process.pid is not None
        os.kill(process.pid, signal.SIGSTOP)
        begun = time.monotonic()
        with pytest.raises(DocumentFailure) as caught:
            process.parse(note, name="note.txt")

        assert caught.value.code is FailureCode.TIMEOUT
        assert time.monotonic() - begun < 5
        assert process.parse(note, name="note.txt").blocks


def test_a_process_killed_while_it_works_is_a_crash_and_the_next_document_is_read(
    tmp_path: Path, note: Path
) -> None:
    fifo = tmp_path / "never.txt"
    os.mkfifo(fifo)
    with ParserProcess(Limits(seconds=20)) as process:
        process.parse(note, name="note.txt")
        killer = subprocess.Popen(["sh", "-c", f"sleep 0.3; kill -KILL {process.pid}"])
        with pytest.raises(DocumentFailure) as caught:
            process.parse(fifo, name="never.txt")
        killer.wait()

        assert caught.value.code is FailureCode.CRASHED
        assert "SIGKILL" in caught.value.detail
        assert process.parse(note, name="note.txt").blocks


def test_a_process_that_died_between_documents_costs_none(note: Path) -> None:
    with ParserProcess() as process:
        process.parse(note, name="note.txt")
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        time.sleep(0.2)

        assert process.parse(note, name="note.txt").blocks


def test_too_little_memory_is_a_crash_of_the_child_only(tmp_path: Path) -> None:
    path = tmp_path / "long.json"
    path.write_text(json.dumps([{"text": "x" * 1_000}] * 40_000))
    with ParserProcess(Limits(memory_mib=110)) as process, pytest.raises(DocumentFailure) as caught:
        process.parse(path, name="long.json")

    assert caught.value.code is FailureCode.CRASHED


def test_a_line_of_twenty_million_characters_ends_in_a_failure(
    process: ParserProcess, tmp_path: Path
) -> None:
    for name in ("a.txt", "a.md", "a.csv", "a.html", "a.json", "a.xml", "a.eml"):
        path = tmp_path / name
        path.write_bytes(b"x" * 20_500_000)
        with pytest.raises(DocumentFailure) as caught:
            process.parse(path, name=name)

        assert caught.value.code not in {FailureCode.TIMEOUT, FailureCode.UNREADABLE}, name


def test_the_process_ends_with_its_parent(note: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from assistant.ingest.sandbox import ParserProcess\n"
        "p = ParserProcess(); p.parse(Path(sys.argv[1]), name='note.txt'); print(p.pid, flush=True)\n"
        "os.kill(os.getpid(), 9)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script, str(note)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    pid = int(ended.stdout)
    for _ in range(50):
        if not _runs(pid):
            return
        time.sleep(0.1)
    pytest.fail("the parser process outlived its parent")


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not (state.is_file() and state.read_text().rpartition(")")[2].split()[0] == "Z")


@pytest.mark.parametrize(
    "deed",
    [
        "open(target, 'w')",
        "open(target, 'ab')",
        "__import__('os').open(target, __import__('os').O_CREAT | __import__('os').O_WRONLY)",
        "__import__('socket').socket()",
        "__import__('socket').create_connection(('127.0.0.1', 9))",
        "__import__('subprocess').run(['true'])",
        "__import__('os').system('true')",
        "__import__('os').fork()",
        "__import__('os').remove(__file__)",
        "__import__('os').mkdir(target)",
        "__import__('pickle').loads(b'cos\\nsystem\\n.')",
    ],
)
def test_the_process_refuses_network_processes_and_writing(tmp_path: Path, deed: str) -> None:
    target = tmp_path / "written"
    script = (
        "import sys; from assistant.ingest.parsers.child import limit, refuse\n"
        f"target = {str(target)!r}; __file__ = target\nlimit(2048); sys.addaudithook(refuse)\n"
        f"try:\n    {deed}\nexcept PermissionError:\n    sys.exit(7)\n"
    )
    ended = subprocess.run([sys.executable, "-B", "-c", script], cwd=ROOT, capture_output=True, check=False)

    assert ended.returncode == 7, ended.stderr.decode()
    assert not target.exists()


def test_the_process_sees_no_secrets_of_its_parent(monkeypatch: pytest.MonkeyPatch, note: Path) -> None:
    monkeypatch.setenv("MUNDAP_SECRET_KEY", "do-not-pass-on")
    with ParserProcess() as process:
        process.parse(note, name="note.txt")
        environment = Path(f"/proc/{process.pid}/environ")
        if not environment.is_file():
            pytest.skip("needs /proc to look into another process")

        assert b"do-not-pass-on" not in environment.read_bytes()


@pytest.mark.parametrize(
    "change",
    [
        {"blocks": []},
        {"blocks": [["paragraph", "bidi \u202e sign", 0, ""]]},
        {"blocks": [["paragraph", "nul \x00", 0, ""]]},
        {"blocks": [["paragraph", "e\u0301", 0, ""]]},
        {"blocks": [["script", "text", 0, ""]]},
        {"blocks": [["paragraph", "text", 9, ""]]},
        {"blocks": [["paragraph", "", 0, ""]]},
        {"blocks": [["paragraph", "text"]]},
        {"title": None},
        {"attributes": {"author": 5}},
        {"place_kind": "planet"},
    ],
)
def test_what_the_child_says_is_checked_field_by_field(change: dict[str, object]) -> None:
    good = parsed_to_json(Parsed("Title", (Block(BlockKind.PARAGRAPH, "text", 0, "1"),)))
    assert parsed_from_json(good).title == "Title"
    hostile = json.loads(json.dumps({**good, **change}))

    with pytest.raises(FrameError):
        parsed_from_json(hostile)


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b"{", b"[" * 100_000])
def test_frames_that_are_no_objects_are_refused(body: bytes) -> None:
    with pytest.raises(FrameError):
        decode(body)
    assert decode(encode({"a": "가"})[4:]) == {"a": "가"}
