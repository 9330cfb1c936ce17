"""OpenSSH on a port of its own, which gives whoever has the key git's upload-pack and nothing else."""

from __future__ import annotations

import atexit
import getpass
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.connectors.servers.programs import answers, free_port, program, stop, wait_until_ready

_PRIVILEGES = Path("/run/sshd")  # sshd refuses to start as root without this empty folder


@dataclass(frozen=True, slots=True)
class GitSsh:
    """A running server, known as localhost. `host_key` is a line of known_hosts, `key` a private key."""

    port: int
    user: str
    host_key: str
    key: str

    def address(self, repository: Path) -> str:
        """The address of a repository on this machine's disk."""
        return f"ssh://{self.user}@localhost:{self.port}{repository}"


def make_key(file: Path) -> str:
    """A new private key in `file`; returns the type and value of its public half."""
    make = [program("ssh-keygen", package="openssh-client"), "-q", "-t", "ed25519", "-N", "", "-f", str(file)]
    subprocess.run(make, check=True, capture_output=True)
    return " ".join(file.with_suffix(".pub").read_text().split()[:2])


@cache
def git_ssh() -> GitSsh:
    """The server of this process; it ends with the process."""
    binary = program("sshd", package="openssh-server")
    folder = Path(tempfile.mkdtemp(prefix="mundap-git-ssh-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    host, client = make_key(folder / "host"), make_key(folder / "client")
    command = 'exec git-shell -c \\"$SSH_ORIGINAL_COMMAND\\"'
    (folder / "authorized").write_text(f'restrict,command="{command}" {client}\n')
    port, log = free_port(), folder / "log"
    (folder / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nPidFile none\n"
        f"UsePAM no\nStrictModes no\n"
        f"AuthorizedKeysFile {folder}/authorized\nPasswordAuthentication no\nPermitRootLogin yes\n"
        f"KbdInteractiveAuthentication no\n"
    )
    if os.geteuid() == 0:
        _PRIVILEGES.mkdir(mode=0o755, exist_ok=True)
    process = subprocess.Popen([binary, "-D", "-f", str(folder / "config"), "-E", str(log)])
    atexit.register(stop, process)
    wait_until_ready(process, lambda: answers(port), log)
    return GitSsh(port, getpass.getuser(), f"[localhost]:{port} {host}", (folder / "client").read_text())
