"""The git program, run so that neither a repository nor this machine's settings decide what it does.

No settings of the system or of an account, no hooks, no questions, no redirects, no submodules,
no other protocol than the one asked for; and a connection only to an address that the network permits.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import subprocess
import tempfile
import threading
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from assistant.common.pace import Stopped
from assistant.common.told import told
from connectors.sdk.errors import ConnectorError, Reconfigure, Retry, Stop
from connectors.sdk.surroundings import Surroundings
from connectors.sdk.web import network_errors
from connectors.sources.git.address import PORTS, Repository

_RETRY_S = 60.0
_LONGEST_S = 3600.0
_SILENCE_S = 60
_OLDEST = (2, 37)  # knows http.curloptResolve; an older git would ask for the address again
_SETTINGS = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.askPass": "",
    "credential.helper": "",
    "fetch.recurseSubmodules": "no",
    "fetch.writeCommitGraph": "false",
    "gc.auto": "0",
    "http.followRedirects": "false",
    "http.lowSpeedLimit": "1",
    "http.lowSpeedTime": str(_SILENCE_S),
    "http.proxy": "",
    "init.templateDir": "",
    "maintenance.auto": "false",
    "protocol.version": "2",
}


class Damaged(Exception):
    """The copy on this machine cannot be used as it is."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What proves to a server who asks, and to us which server answers."""

    user: str = ""
    token: str = ""
    key: str = ""
    host_keys: str = ""
    ca_file: str = ""

    def __repr__(self) -> str:
        return f"Proof(user={self.user!r})"


class Git:
    """Runs git. Files that hold secrets lie in a folder of their own until `close`."""

    def __init__(self, proof: Proof, surroundings: Surroundings) -> None:
        self._proof = proof
        self._surroundings = surroundings
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._lock = threading.Lock()  # the listing and a fetch may both be the first to need a file

    def close(self) -> None:
        """Remove the files that hold secrets."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def local(self, folder: Path, *arguments: str) -> bytes:
        """The output of a command that only reads or writes the copy in `folder`.

        Raises:
            Damaged: it failed, so the copy is not what it should be.
        """
        command = [_git(), *_options(), "-C", str(folder), *arguments]
        ended = self._ended(command, self.environment())
        if ended.returncode:
            raise Damaged(_last_line(ended.stderr))
        return ended.stdout

    def remote(self, where: Repository, folder: Path | None, *arguments: str) -> bytes:
        """The output of a command that asks the server.

        Raises:
            Retry: no answer. Reconfigure: credentials, certificate or host key. Stop: no such repository.
            Damaged: the copy on this machine was in the way.
        """
        self._surroundings.pace.turn(stopped=self._surroundings.stopped)
        extra, more = self._way(where)
        place = [] if folder is None else ["-C", str(folder)]
        ended = self._ended(
            [_git(), *_options(), *place, *arguments], {**self.environment(), **_pairs(extra), **more}
        )
        if ended.returncode:
            raise _judged(where, ended.stderr.decode("utf-8", "replace"))
        return ended.stdout

    def environment(self) -> dict[str, str]:
        """All that git is told by the environment: nothing of ours."""
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self._private()),
            "LC_ALL": "C.UTF-8",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ALLOW_PROTOCOL": "none",
            "GIT_PROTOCOL_FROM_USER": "0",
            "GIT_LITERAL_PATHSPECS": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "SSH_ASKPASS_REQUIRE": "never",
        }

    def _way(self, where: Repository) -> tuple[dict[str, str], dict[str, str]]:
        """Settings and environment for one server: its judged address, and what proves who asks."""
        more = {"GIT_ALLOW_PROTOCOL": where.scheme}
        if where.scheme == "file":
            return {}, more
        with network_errors():
            addresses = self._surroundings.network.addresses(where.host, where.port)
        if where.scheme == "ssh":
            return {}, {**more, "GIT_SSH_COMMAND": self._ssh(where, addresses[0]), "GIT_SSH_VARIANT": "ssh"}
        pinned = ",".join(f"[{each}]" if ":" in each else each for each in addresses)
        settings = {"http.curloptResolve": f"{where.host}:{where.port}:{pinned}"}
        if self._proof.ca_file:
            settings["http.sslCAInfo"] = self._proof.ca_file
        if self._proof.token:
            pair = f"{self._proof.user or 'git'}:{self._proof.token}".encode()
            settings["http.extraHeader"] = f"Authorization: Basic {b64encode(pair).decode('ascii')}"
        return settings, more

    def _ssh(self, where: Repository, address: str) -> str:
        """The ssh command: to this very address, whose host key must be that of the name."""
        if not self._proof.host_keys.strip():
            raise Reconfigure(
                told("The host key of {host} is not known: add it to 'host_keys'.", host=where.host)
            )
        alias = where.host if where.port == PORTS["ssh"] else f"[{where.host}]:{where.port}"
        options = {
            "BatchMode": "yes", "StrictHostKeyChecking": "yes", "UpdateHostKeys": "no", "CheckHostIP": "no",
            "UserKnownHostsFile": str(self._file("known_hosts", self._proof.host_keys)),
            "GlobalKnownHostsFile": os.devnull, "HostName": address, "HostKeyAlias": alias,
            "IdentitiesOnly": "yes", "IdentityAgent": "none", "ForwardAgent": "no",
            "ClearAllForwardings": "yes", "KbdInteractiveAuthentication": "no",
            "PasswordAuthentication": "no", "PermitLocalCommand": "no",
            "ConnectTimeout": str(_SILENCE_S), "ServerAliveInterval": "15", "ServerAliveCountMax": "4",
        }  # fmt: skip
        if self._proof.key:
            options["IdentityFile"] = str(self._file("key", self._proof.key))
        written = [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
        return shlex.join(["ssh", "-F", os.devnull, *written])

    def _file(self, name: str, text: str) -> Path:
        path = self._private() / name
        with self._lock:
            if not path.exists():
                path.touch(mode=0o600)
                path.write_text(text.replace("\r\n", "\n").strip() + "\n", encoding="utf-8")
        return path

    def _private(self) -> Path:
        with self._lock:
            if self._folder is None:
                self._folder = tempfile.TemporaryDirectory(prefix="mundap-git-")
            return Path(self._folder.name)

    def _ended(
        self, command: Sequence[str], environment: Mapping[str, str]
    ) -> subprocess.CompletedProcess[bytes]:
        """Run to the end, unless the work is stopped.

        Raises:
            Stopped: it was. Retry: it took too long.
        """
        process = subprocess.Popen(  # noqa: S603 - the program is git, its arguments are ours
            command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        waited = 0.0
        try:
            while True:
                try:
                    output, errors = process.communicate(timeout=0.2)
                    return subprocess.CompletedProcess(command, process.returncode, output, errors)
                except subprocess.TimeoutExpired:
                    waited += 0.2
                if self._surroundings.stopped():
                    raise Stopped
                if waited > _LONGEST_S:
                    raise Retry(told("git took longer than an hour."), after=_RETRY_S)
        finally:
            if process.poll() is None:
                end_group(process)


def end_group(process: subprocess.Popen[bytes]) -> None:
    """End a program with those that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, 9)
    process.communicate()


@cache
def _git() -> str:
    """The path of git.

    Raises:
        Reconfigure: it is not installed, or too old to be told which address to use.
    """
    found = shutil.which("git")
    if found is None:
        raise Reconfigure(
            told("The program git is not installed where the worker runs: install the package git.")
        )
    shown = subprocess.run([found, "version"], capture_output=True, text=True, check=False).stdout  # noqa: S603
    version = re.search(r"(\d+)\.(\d+)", shown)
    if version is None or (int(version[1]), int(version[2])) < _OLDEST:
        raise Reconfigure(
            told(
                "The program git is too old ({version}): 2.37 or later is needed.", version=shown.strip()[:40]
            )
        )
    return found


def git_command(folder: Path, *arguments: str) -> list[str]:
    """A command of git on the copy in `folder`, for whoever talks to it while it runs."""
    return [_git(), *_options(), "-C", str(folder), *arguments]


def _options() -> list[str]:
    return [part for name, value in _SETTINGS.items() for part in ("-c", f"{name}={value}")]


def _pairs(settings: Mapping[str, str]) -> dict[str, str]:
    """Settings by environment: a command line can be read by every account of the machine."""
    pairs = {"GIT_CONFIG_COUNT": str(len(settings))}
    for number, (name, value) in enumerate(settings.items()):
        pairs[f"GIT_CONFIG_KEY_{number}"], pairs[f"GIT_CONFIG_VALUE_{number}"] = name, value
    return pairs


_CREDENTIALS = (
    "authentication failed",
    "could not read username",
    "permission denied (",
    "error: 401",
    "error: 403",
)
_CERTIFICATE = (
    "ssl certificate",
    "certificate verif",
    "server verification",
    "subject name",
    "ssl: no alternative",
)
_NOT_THERE = (
    "error: 404",
    "not found",
    "not appear to be a git repository",
    "find remote ref",
    "no such file",
)
_LOCAL = (".lock'", "loose object", "corrupt", "bad object", "unable to create", "not a git repository (or")


def _judged(where: Repository, errors: str) -> ConnectorError | Damaged:
    """What a failed command means."""
    low, detail = errors.lower(), _last_line(errors.encode("utf-8", "replace"))
    if "host key verification failed" in low:
        return Reconfigure(
            told(
                "{host} shows another host key than 'host_keys' names. Check which is right.", host=where.host
            )
        )
    if any(sign in low for sign in _CREDENTIALS):
        return Reconfigure(told("'{name}' refuses the credentials: {detail}", name=where.name, detail=detail))
    if any(sign in low for sign in _CERTIFICATE):
        return Reconfigure(
            told("The certificate of {host} is not valid for it: {detail}", host=where.host, detail=detail)
        )
    if "error: 30" in low or "unable to update url base from redirection" in low:
        return Reconfigure(
            told("'{name}' sends to another address: type the one that it has now.", name=where.name)
        )
    if "cannot run ssh" in low:
        return Reconfigure(
            told("The program ssh is not installed where the worker runs: install openssh-client.")
        )
    if "dubious ownership" in low:
        return Reconfigure(told("'{name}' belongs to another account than the worker's.", name=where.name))
    if any(sign in low for sign in _LOCAL):
        return Damaged(detail)
    if any(sign in low for sign in _NOT_THERE):
        return Stop(
            told(
                "'{name}' or its branch is not there, or not for this account: {detail}",
                name=where.name,
                detail=detail,
            )
        )
    return Retry(told("'{name}' does not answer: {detail}", name=where.name, detail=detail), after=_RETRY_S)


def _last_line(errors: bytes) -> str:
    """The line that says what was wrong, on one line and without control characters."""
    lines = [line.strip() for line in errors.decode("utf-8", "replace").splitlines() if line.strip()]
    fatal = [line for line in lines if line.startswith(("fatal:", "error:", "remote:"))]
    if not lines:
        return told("no reason given")
    return "".join(c if c.isprintable() else " " for c in (fatal or lines)[0])[:300]
