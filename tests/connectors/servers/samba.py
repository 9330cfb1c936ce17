"""Samba's smbd with a share whose files carry access lists of Windows; one a test session.

People are passwd entries that every Debian has, under other names; groups are Samba's own. All
of it lies in one temporary folder. Access lists are kept in an attribute of the files that needs
no right of the system's administrator, so that a plain container will do; smbd itself needs root.
"""

from __future__ import annotations

import atexit
import functools
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from tests.connectors.servers.programs import free_port, missing, needs_root, program

PASSWORD = "correct horse"
_UNIX_NAMES = {
    "admin": "daemon",
    "mundap": "bin",
    "ann": "sys",
    "bob": "games",
    "cho": "man",
    "sam": "lp",
    "ana": "news",
    "carol": "uucp",
    "keeper": "root",
}
_UNIX_GROUPS = {"staff": "floppy", "hr": "tape", "board": "audio", "everybody": "video"}
_MODULES = tuple(f"usr/{folder}/samba/vfs/acl_xattr.so" for folder in ("lib", "lib/*", "lib64"))
_START_S = 30.0
_SID = re.compile(r"S-1-5-21-\d+-\d+-\d+(-\d+)?")

_CONFIGURATION = """
[global]
server role = standalone server
netbios name = FS1
workgroup = EXAMPLE
interfaces = 127.0.0.1
bind interfaces only = yes
smb ports = {port}
private dir = {folder}/private
lock directory = {folder}/lock
state directory = {folder}/state
cache directory = {folder}/cache
pid directory = {folder}/pid
ncalrpc dir = {folder}/ncalrpc
log file = {folder}/log
passdb backend = tdbsam:{folder}/private/passdb.tdb
username map = {folder}/names
disable netbios = yes
load printers = no
disable spoolss = yes
server min protocol = SMB3

[docs]
path = {folder}/share
read only = no
admin users = daemon
vfs objects = acl_xattr
acl_xattr:ignore system acls = yes
acl_xattr:security_acl_name = user.NTACL
hide dot files = no
"""


class Samba:
    """The server; `sids` has everybody and every group by the names of the tests."""

    def __init__(self) -> None:
        needs_root("because smbd takes on the identity of whoever signs in")
        self._smbd = program("smbd", package="samba")
        program("smbpasswd", package="samba")
        if not [found for each in _MODULES for found in Path("/").glob(each)]:
            missing("needs Samba's acl_xattr: install the Debian package samba-vfs-modules")
        self.port = free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="mundap-smb-"))
        atexit.register(self.stop)
        self._folder.chmod(0o755)
        for name in ("private", "lock", "state", "cache", "pid", "ncalrpc", "share"):
            (self._folder / name).mkdir()
        (self._folder / "share").chmod(0o777)
        self._configuration = self._folder / "smb.conf"
        self._configuration.write_text(_CONFIGURATION.format(port=self.port, folder=self._folder))
        names = "".join(f"{unix} = {name}\n" for name, unix in _UNIX_NAMES.items())
        (self._folder / "names").write_text(names)
        self._add_people()
        self._process = subprocess.Popen(
            [self._smbd, "-F", "--no-process-group", "-s", str(self._configuration)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._await()

    def set_members(self, group: str, members: Sequence[str]) -> None:
        """These people and groups, and no others, are in one of Samba's own groups."""
        sid = self.sids[group]
        listed = self._net("groupmap", "listmem", sid)
        for member in re.findall(r"S-1-[\d-]+", listed):
            self._net("groupmap", "delmem", sid, member)
        for name in members:
            self._net("groupmap", "addmem", sid, self.sids[name])

    def set_share_permissions(self, text: str) -> None:
        """What sharesec takes: `S-1-1-0:ALLOWED/0/FULL`, several with commas; empty: none."""
        action = ["-R", text] if text else ["-D"]
        self._run("sharesec", "docs", "-s", str(self._configuration), *action)

    def stop(self) -> None:
        """End the server with all its processes, and remove its folder."""
        process = getattr(self, "_process", None)
        if process is not None and process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=10)
        # What smbd started for questions about the share itself lives in a session of its own.
        for file in (self._folder / "pid").glob("*.pid"):
            with suppress(ProcessLookupError, ValueError):
                os.kill(int(file.read_text()), signal.SIGTERM)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _add_people(self) -> None:
        self.sids = {}
        for name, unix in _UNIX_NAMES.items():
            typed = f"{PASSWORD}\n{PASSWORD}\n"
            self._run("smbpasswd", "-c", str(self._configuration), "-a", "-s", unix, typed=typed)
            shown = self._run("pdbedit", "-s", str(self._configuration), "-L", "-v", "-u", unix)
            self.sids[name] = self._sid_in(shown, "User SID")
        for name, unix in _UNIX_GROUPS.items():
            self._net("groupmap", "add", f"ntgroup={name}", f"unixgroup={unix}", "type=local")
        listed = self._net("groupmap", "list")
        for name in _UNIX_GROUPS:
            self.sids[name] = self._sid_in(listed, f"{name} (")

    def _net(self, *arguments: str) -> str:
        return self._run("net", "-s", str(self._configuration), *arguments)

    def _run(self, name: str, *arguments: str, typed: str = "") -> str:
        command = [program(name, package="samba-common-bin"), *arguments]
        done = subprocess.run(command, input=typed, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, f"{name} {arguments}: {done.stdout}{done.stderr}"
        return done.stdout

    def _sid_in(self, text: str, mark: str) -> str:
        line = next(line for line in text.splitlines() if line.startswith(mark))
        found = _SID.search(line)
        assert found is not None, line
        return found.group()

    def _await(self) -> None:
        end = time.monotonic() + _START_S
        while time.monotonic() < end:
            assert self._process.poll() is None, (self._folder / "log").read_text()
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError("smbd did not start")


@functools.cache
def samba() -> Samba:
    """The server of this session."""
    return Samba()
