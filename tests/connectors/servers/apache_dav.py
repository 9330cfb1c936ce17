"""Apache with mod_dav on a free port of the loopback, with all its files in a folder of its own."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.connectors.servers.dav_server import PASSWORD, USER, DavServer
from tests.connectors.servers.programs import free_port, program

_MODULES = Path("/usr/lib/apache2/modules")
_WANTED = (
    "mpm_event", "authn_core", "authn_file", "authz_core", "authz_user", "auth_basic",
    "dav", "dav_fs", "mime",
)  # fmt: skip
_PATIENCE_S = 20.0


@contextmanager
def apache_dav() -> Iterator[DavServer]:
    """Serve a folder as /docs/, to one user with a password."""
    apache = program("apache2", package="apache2")
    folder = Path(tempfile.mkdtemp(prefix="mundap-apache-"))
    folder.chmod(0o755)
    (folder / "docs").mkdir(mode=0o755)
    (folder / "locks").mkdir(mode=0o777)
    (folder / "locks").chmod(0o777)
    (folder / "mime.types").write_text("text/plain txt\n", encoding="utf-8")
    digest = base64.b64encode(hashlib.sha1(PASSWORD.encode()).digest()).decode()
    (folder / "users").write_text(f"{USER}:{{SHA}}{digest}\n", encoding="utf-8")
    port = free_port()
    (folder / "config").write_text(_config(folder, port), encoding="utf-8")
    process = subprocess.Popen([apache, "-f", folder / "config", "-D", "FOREGROUND"])
    try:
        _await(process, port, folder / "log")
        yield DavServer(f"http://127.0.0.1:{port}/docs", folder / "docs")
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder)


def _config(folder: Path, port: int) -> str:
    owner = "User www-data\nGroup www-data\n" if os.geteuid() == 0 else ""
    modules = "\n".join(f"LoadModule {name}_module {_MODULES}/mod_{name}.so" for name in _WANTED)
    return f"""ServerRoot {folder}
Listen 127.0.0.1:{port}
ServerName 127.0.0.1:{port}
PidFile {folder}/pid
ErrorLog {folder}/log
DefaultRuntimeDir {folder}
Mutex file:{folder}/locks default
{owner}{modules}
TypesConfig {folder}/mime.types
DavLockDB {folder}/locks/dav
DocumentRoot {folder}
<Location /docs>
  Dav On
  AuthType Basic
  AuthName docs
  AuthBasicProvider file
  AuthUserFile {folder}/users
  Require valid-user
</Location>
"""


def _await(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + _PATIENCE_S
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    said = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    raise AssertionError(f"apache2 does not start: {said[-2000:]}")
