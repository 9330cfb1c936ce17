"""A real web server: Apache serving one folder, with a part behind basic sign-in.

/            files of the folder; ETag, Last-Modified, gzip
/private/    the same, for reader with the password "open sesame"
/moved/X     redirects for good to /X
"""

from __future__ import annotations

import atexit
import os
import shutil
import socket
import subprocess
import tempfile
import time
from base64 import b64encode
from dataclasses import dataclass
from functools import cache
from hashlib import sha1
from pathlib import Path

import pytest

from tests.connectors.servers.programs import free_port, program

USER, PASSWORD = "reader", "open sesame"
_MODULES = Path("/usr/lib/apache2/modules")
_WANTED = (
    "mpm_event", "authz_core", "authz_user", "authn_core", "authn_file", "auth_basic", "mime", "dir",
    "deflate", "filter", "alias",
)  # fmt: skip
_CONFIGURATION = """
ServerRoot {home}
ServerName localhost
Listen 127.0.0.1:{port}
PidFile {home}/pid
ErrorLog {home}/error.log
Mutex pthread
{modules}
{account}
TypesConfig /dev/null
AddType text/html .html
AddType text/plain .txt
AddType application/pdf .pdf
AddType application/xml .xml
AddDefaultCharset Off
DirectoryIndex index.html
DocumentRoot {root}
AddOutputFilterByType DEFLATE text/html text/plain
RedirectMatch permanent ^/moved/(.*)$ /$1
<Directory {root}>
  Require all granted
  Options None
</Directory>
<Directory {root}/private>
  AuthType Basic
  AuthName "Readers"
  AuthUserFile {home}/passwords
  Require valid-user
</Directory>
"""


@dataclass(frozen=True, slots=True)
class Apache:
    """The running server: its address, and the folder that it serves."""

    url: str
    root: Path


@cache
def apache() -> Apache:
    """The server of this test run, started on first use and stopped at the end."""
    binary = program("apache2", package="apache2")
    home = Path(tempfile.mkdtemp(prefix="mundap-apache-"))
    root = home / "root"
    (root / "private").mkdir(parents=True)
    for folder in (home, root, root / "private"):
        folder.chmod(0o755)
    port = free_port()
    digest = b64encode(sha1(PASSWORD.encode()).digest()).decode()
    (home / "passwords").write_text(f"{USER}:{{SHA}}{digest}\n")
    modules = "\n".join(f"LoadModule {name}_module {_MODULES}/mod_{name}.so" for name in _WANTED)
    account = "User www-data\nGroup www-data" if os.geteuid() == 0 else ""
    text = _CONFIGURATION.format(home=home, root=root, port=port, modules=modules, account=account)
    (home / "apache.conf").write_text(text)
    process = subprocess.Popen([binary, "-f", str(home / "apache.conf"), "-DFOREGROUND"])
    atexit.register(_stop, process, home)
    _await_port(port, process, home)
    return Apache(f"http://127.0.0.1:{port}", root)


def _stop(process: subprocess.Popen[bytes], home: Path) -> None:
    process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
    shutil.rmtree(home, ignore_errors=True)


def _await_port(port: int, process: subprocess.Popen[bytes], home: Path) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    log = home / "error.log"
    pytest.fail(f"Apache did not start: {log.read_text() if log.exists() else process.poll()}")
