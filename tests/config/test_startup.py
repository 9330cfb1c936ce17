"""Two starts never collide, and what is in the way is said in one line."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from assistant.common.errors import MundapError
from assistant.config.env import REPOSITORY
from assistant.config.startup import claimed, require_free_port


def test_a_home_is_claimed_by_one_process_at_a_time(tmp_path: Path) -> None:
    said = f"already runs on {tmp_path}"
    with claimed(tmp_path), pytest.raises(MundapError, match=said), claimed(tmp_path):
        pass
    with claimed(tmp_path):
        pass


def test_a_killed_process_gives_its_home_back(tmp_path: Path) -> None:
    script = (
        "import sys, time\nfrom pathlib import Path\nfrom assistant.config.startup import claimed\n"
        "with claimed(Path(sys.argv[1])):\n    print('claimed', flush=True)\n    time.sleep(600)\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "claimed\n"
        with pytest.raises(MundapError), claimed(tmp_path):
            pass
        holder.kill()
        holder.wait()
    with claimed(tmp_path):
        pass


@pytest.mark.slow
def test_of_two_processes_one_migrates_and_the_other_waits(tmp_path: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    command = [sys.executable, "manage.py", "prepare"]
    environment = {**kept, "MUNDAP_HOME": str(tmp_path)}
    both = [
        subprocess.Popen(command, cwd=REPOSITORY, env=environment, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [process.communicate()[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    applied = sorted(int(line.partition("(")[2].split()[0]) for line in said)
    assert applied[0] == 0
    assert applied[1] > 20


def test_a_home_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(MundapError, match="Set MUNDAP_HOME"), claimed(tmp_path / "file" / "home"):
        pass


def test_a_busy_port_is_named_and_a_free_one_is_not_kept() -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        with pytest.raises(MundapError, match=f"Port {port} on 127.0.0.1 is in use"):
            require_free_port("127.0.0.1", port)
    require_free_port("127.0.0.1", port)
    require_free_port("127.0.0.1", port)


@pytest.mark.parametrize("host", ["203.0.113.9", "no-such-host.invalid"])
def test_an_address_of_another_machine_is_refused(host: str) -> None:
    with pytest.raises(MundapError, match="Cannot listen on"):
        require_free_port(host, 8000)
