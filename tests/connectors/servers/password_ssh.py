"""An SSH server that asks for a password: OpenSSH takes only those of the machine's own accounts."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import paramiko
from paramiko.common import AUTH_FAILED, AUTH_SUCCESSFUL, OPEN_SUCCEEDED

USER, PASSWORD = "mundap", "correct horse"


@dataclass(frozen=True)
class PasswordServer:
    """A running server; its tree is `root`."""

    port: int
    fingerprint: str
    root: Path


class _Door(paramiko.ServerInterface):
    def check_auth_password(self, username: str, password: str) -> int:
        right = (username, password) == (USER, PASSWORD)
        return AUTH_SUCCESSFUL if right else AUTH_FAILED

    def get_allowed_auths(self, username: str) -> str:
        return "password"

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return OPEN_SUCCEEDED


def _files(root: Path) -> type[paramiko.SFTPServerInterface]:
    class Files(paramiko.SFTPServerInterface):
        def list_folder(self, path: str) -> list[paramiko.SFTPAttributes] | int:
            with os.scandir(root / path.lstrip("/")) as scan:
                return [paramiko.SFTPAttributes.from_stat(each.stat(), each.name) for each in scan]

        def lstat(self, path: str) -> paramiko.SFTPAttributes | int:
            return paramiko.SFTPAttributes.from_stat((root / path.lstrip("/")).lstat())

        stat = lstat

    return Files


@contextmanager
def password_server(root: Path) -> Iterator[PasswordServer]:
    """Serve `root` as `/` until the end of the block."""
    key = paramiko.ECDSAKey.generate()
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_serve, args=(server, key, _files(root)), daemon=True)
        thread.start()
        yield PasswordServer(server.getsockname()[1], key.fingerprint, root)
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        thread.join()


def _serve(server: socket.socket, key: paramiko.PKey, files: type[paramiko.SFTPServerInterface]) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        transport = paramiko.Transport(connection)
        transport.add_server_key(key)
        transport.set_subsystem_handler("sftp", paramiko.SFTPServer, files)
        with suppress(paramiko.SSHException, EOFError):
            transport.start_server(server=_Door())
