"""Programs are restarted, stopped together, and never left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from assistant.config import supervisor
from assistant.config.env import REPOSITORY
from assistant.config.supervisor import Program, Supervisor, Thinner, pause_before_restart

FOREVER = "import time\nprint('up', flush=True)\ntime.sleep(600)"
DEAF = f"import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n{FOREVER}"
WITH_CHILD = (
    "import subprocess, sys, time\n"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
    "print('child', child.pid, flush=True)\ntime.sleep(600)"
)


def program(folder: Path, code: str, name: str = "fake") -> Program:
    return Program(name, (sys.executable, "-c", code), folder / f"{name}.log")


def wait_for(happened: Callable[[], bool], *, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def log_of(made: Program) -> str:
    return made.log.read_text(encoding="utf-8") if made.log.exists() else ""


def test_the_pause_before_a_restart_doubles_up_to_a_limit() -> None:
    assert [pause_before_restart(deaths) for deaths in (0, 1, 2, 3, 4, 50)] == [1, 1, 2, 4, 8, 30]


def test_only_trouble_reaches_the_terminal_and_not_again_within_a_minute() -> None:
    now = [0.0]
    thinner = Thinner(clock=lambda: now[0])
    assert not thinner.shows("2026-11-21 10:00:00,001 INFO uvicorn Started")
    assert thinner.shows("2026-11-21 10:00:00,001 ERROR sync broken")
    assert not thinner.shows("2026-11-21 10:00:05,777 ERROR sync broken")
    assert not thinner.shows("    raise ValueError")
    now[0] = 61.0
    assert thinner.shows("2026-11-21 10:01:01,001 ERROR sync broken")


def test_a_stop_request_ends_all_programs_and_their_children(tmp_path: Path) -> None:
    made = program(tmp_path, WITH_CHILD)

    def stop_when_up() -> None:
        if "child" in log_of(made):
            os.kill(os.getpid(), signal.SIGTERM)

    assert Supervisor([made], say=print).run(each_round=stop_when_up) == 0
    child = int(log_of(made).split()[1])
    wait_for(lambda: not alive(child))


def test_a_program_that_ignores_the_request_is_killed_after_the_grace_time(tmp_path: Path) -> None:
    made = program(tmp_path, DEAF)

    def stop_when_up() -> None:
        if "up" in log_of(made):
            os.kill(os.getpid(), signal.SIGINT)

    supervised = Supervisor([made], say=print, grace_s=0.5)
    began = time.monotonic()
    assert supervised.run(each_round=stop_when_up) == 0
    assert time.monotonic() - began < 10


def test_a_second_request_does_not_wait_for_the_grace_time(tmp_path: Path) -> None:
    made = program(tmp_path, DEAF)
    asked: list[float] = []

    def stop_twice_when_up() -> None:
        if "up" in log_of(made) and not asked:
            asked.append(time.monotonic())
            os.kill(os.getpid(), signal.SIGINT)
            threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()

    assert Supervisor([made], say=print, grace_s=60).run(each_round=stop_twice_when_up) == 0
    assert time.monotonic() - asked[0] < 10


def test_a_killed_program_is_started_again_and_the_other_one_goes_on(tmp_path: Path) -> None:
    pids, said = tmp_path / "pids", list[str]()
    victim = program(
        tmp_path,
        f"import os, time\nopen({str(pids)!r}, 'a').write(f'{{os.getpid()}}\\n')\ntime.sleep(600)",
        "victim",
    )
    other = program(tmp_path, FOREVER, "other")

    def kill_once_then_stop() -> None:
        seen = pids.read_text(encoding="utf-8").split() if pids.exists() else []
        if len(seen) == 1 and not said:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(seen[0]), signal.SIGKILL)
        if len(seen) == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    assert Supervisor([victim, other], say=said.append).run(each_round=kill_once_then_stop) == 0
    assert log_of(other).split() == ["up"]
    assert any("victim stopped by itself (SIGKILL)" in line for line in said)


def test_a_program_that_keeps_dying_stops_everything_and_shows_its_last_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "LONGEST_PAUSE_S", 0.05)
    said: list[str] = []
    hopeless = program(tmp_path, "print('no such table'); raise SystemExit(3)", "hopeless")
    other = program(tmp_path, FOREVER, "other")
    assert Supervisor([hopeless, other], say=said.append).run() == 1
    assert "    no such table" in said
    assert "exit status 3" in said[0]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux: the kernel ties the processes")
def test_kill_9_of_the_supervisor_leaves_no_orphan(tmp_path: Path) -> None:
    script = (
        "import sys\nfrom pathlib import Path\nfrom assistant.config.supervisor import Program, Supervisor\n"
        f"folder = Path({str(tmp_path)!r})\n"
        "code = 'import os, time; print(os.getpid(), flush=True); time.sleep(600)'\n"
        "made = [Program(n, (sys.executable, '-c', code), folder / f'{n}.log') for n in ('a', 'b')]\n"
        "Supervisor(made, say=print).run()\n"
    )
    logs = [tmp_path / "a.log", tmp_path / "b.log"]
    with subprocess.Popen([sys.executable, "-c", script], cwd=REPOSITORY) as running:
        wait_for(lambda: all(log.exists() and log.read_text(encoding="utf-8").strip() for log in logs))
        pids = [int(log.read_text(encoding="utf-8")) for log in logs]
        assert all(alive(pid) for pid in pids)
        running.kill()
        running.wait()
        wait_for(lambda: not any(alive(pid) for pid in pids))
