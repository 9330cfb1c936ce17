"""OpenSSH's server on a free port of the loopback, with its keys and its log in a folder of its own."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.connectors.servers.programs import free_port, program

_PATIENCE_S = 20.0
# Where Debian's sshd drops its rights; it does not start as root without it.
_EMPTY_FOLDER = Path("/run/sshd")


@dataclass(frozen=True)
class SshServer:
    """A running server. `user` signs in with `private_key`; `root` is a folder that they can read."""

    port: int
    user: str
    private_key: str
    fingerprint: str
    root: Path
    log: Path


@contextmanager
def ssh_server(*, user_as_root: str = "nobody") -> Iterator[SshServer]:
    """Start sshd. Run by root, its only user is `user_as_root`, by default one with few rights."""
    sshd, keygen = program("sshd", package="openssh-server"), program("ssh-keygen", package="openssh-client")
    folder = Path(tempfile.mkdtemp(prefix="mundap-sshd-"))
    folder.chmod(0o755)
    as_root = os.geteuid() == 0
    if as_root:
        _EMPTY_FOLDER.mkdir(mode=0o755, exist_ok=True)
    for name in ("host", "user"):
        subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    shutil.copy(folder / "user.pub", folder / "authorized")
    (folder / "authorized").chmod(0o644)
    (folder / "root").mkdir(mode=0o755)
    user = user_as_root if as_root else getpass.getuser()
    port = free_port()
    (folder / "config").write_text(_config(folder, port, user), encoding="utf-8")
    log = folder / "log"
    with log.open("wb") as stream:
        process = subprocess.Popen([sshd, "-D", "-e", "-f", folder / "config"], stderr=stream)
    try:
        _await_banner(process, port, log)
        yield SshServer(
            port,
            user,
            (folder / "user").read_text(encoding="utf-8"),
            _fingerprint(keygen, folder / "host.pub"),
            folder / "root",
            log,
        )
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder)


def _config(folder: Path, port: int, user: str) -> str:
    return "\n".join(
        [
            "ListenAddress 127.0.0.1",
            f"Port {port}",
            f"HostKey {folder}/host",
            f"AuthorizedKeysFile {folder}/authorized",
            f"AllowUsers {user}",
            "PidFile none",
            "UsePAM no",
            "StrictModes no",
            "PasswordAuthentication yes",
            "KbdInteractiveAuthentication no",
            "MaxStartups 100",
            "MaxSessions 20",
            "Subsystem sftp internal-sftp",
            "ForceCommand internal-sftp",
            "",
        ]
    )


def _fingerprint(keygen: str, public_key: Path) -> str:
    shown = subprocess.run([keygen, "-l", "-f", public_key], capture_output=True, text=True, check=True)
    return shown.stdout.split()[1]


def _await_banner(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + _PATIENCE_S
    while time.monotonic() < end and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as probe:
                if probe.recv(4) == b"SSH-":
                    return
        except OSError:
            time.sleep(0.02)
    raise AssertionError(f"sshd does not start: {log.read_text(encoding='utf-8', errors='replace')[-2000:]}")
