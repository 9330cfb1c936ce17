"""A network of the test's own, in which every address of the world leads to this very process."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.connectors.servers.programs import missing

REPOSITORY = Path(__file__).resolve().parents[2]
_NEEDED = "needs unshare (util-linux), ip (iproute2) and a kernel that lets users make namespaces"


def require_own_network() -> None:
    """End the test where the system does not allow one."""
    if not _command():
        missing(_NEEDED)


def run_in_own_network(module: str, *arguments: str) -> dict[str, Any]:
    """What the module prints as JSON, run as a program in a network of its own.

    Raises:
        RuntimeError: it failed, or cannot be made on this system.
    """
    command = _command()
    if not command:
        raise RuntimeError(_NEEDED)
    done = subprocess.run(
        [*command, sys.executable, "-m", module, *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=590,
    )
    if not done.stdout.strip():
        raise RuntimeError(done.stderr[-4_000:])
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def take_all_addresses(folder: Path, *, resolver: str = "127.0.0.1", hosts: str = "") -> None:
    """Inside: every address is this machine's, names are asked of `resolver`; `hosts` are further lines."""
    for words in ("link set lo up", "route add local default dev lo", "-6 route add local default dev lo"):
        subprocess.run(["ip", *words.split()], check=True)
    for name, text in (
        ("resolv.conf", f"nameserver {resolver}\noptions timeout:1 attempts:1\n"),
        ("nsswitch.conf", "hosts: files dns\n"),
        ("hosts", f"127.0.0.1 localhost\n{hosts}"),
    ):
        (folder / name).write_text(text, encoding="ascii")
        subprocess.run(["mount", "--bind", str(folder / name), f"/etc/{name}"], check=True)


def _command() -> list[str]:
    """The words before a command that is to run there; empty where the system does not allow it."""
    unshare = shutil.which("unshare")
    if not unshare or not shutil.which("ip"):
        return []
    command = [unshare, "--map-root-user", "--mount", "--net"]
    works = subprocess.run([*command, "ip", "link", "set", "lo", "up"], capture_output=True, check=False)
    return command if works.returncode == 0 else []
