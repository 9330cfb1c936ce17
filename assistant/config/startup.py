"""What must hold before anything runs: the folder is ours, the port is free, the database is migrated."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from assistant.common.errors import MundapError

# Any fixed number: the PostgreSQL advisory lock that only Mundap's migrations take.
_MIGRATION_LOCK = 7_205_140_362


@contextmanager
def claimed(home: Path) -> Iterator[None]:
    """Hold `home` for this process. The kernel lets go of it whenever the process ends.

    Raises:
        MundapError: another process holds it, or the folder cannot be made or written.
    """
    with _locked(home / "up.lock", wait=False) as held:
        if not held:
            raise MundapError(
                f"Mundap already runs on {home}. "
                "Stop it first, or set MUNDAP_HOME and MUNDAP_PORT for a second one."
            )
        yield


def require_free_port(host: str, port: int) -> None:
    """Fail now rather than in the web server's log.

    Raises:
        MundapError: in use, not allowed, or no address of this machine.
    """
    try:
        family, kind, protocol, _name, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            text = f"Port {port} on {host} is in use. Stop what uses it, or set MUNDAP_PORT to a free one."
        else:
            text = f"Cannot listen on {host} port {port} ({error.strerror}). Set MUNDAP_HOST and MUNDAP_PORT."
        raise MundapError(text) from error


def migrate(home: Path) -> int:
    """Bring the database up to date; of several processes one does it and the others wait.

    Returns:
        How many migrations were applied.
    """
    with _migration_lock(home):
        executor = MigrationExecutor(connection)
        waiting = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
        if waiting:
            call_command("migrate", interactive=False, verbosity=0)
    return waiting


@contextmanager
def _migration_lock(home: Path) -> Iterator[None]:
    if connection.vendor != "postgresql":
        with _locked(home / "migrate.lock", wait=True):
            yield
        return
    # Several hosts may start at once, so the lock lies in the database.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_MIGRATION_LOCK])
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_MIGRATION_LOCK])


@contextmanager
def _locked(file: Path, *, wait: bool) -> Iterator[bool]:
    """Whether the lock on `file` is held now; it is let go at the end."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise MundapError(
            f"The folder {file.parent} cannot be written ({error.strerror}). "
            "Set MUNDAP_HOME to a folder that this user may write."
        ) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
            return
        yield True
    finally:
        os.close(descriptor)
