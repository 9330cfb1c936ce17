"""The certified provider `oidc-provider`, run by Node on a loopback port.

Its packages, at exact versions, are installed once into `var/`; where Node or npm is missing, what needs them
is a named skip on a laptop and a failure in CI.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from assistant.common.types import Json
from tests.connectors.servers.programs import answers, free_port, missing, program, stop, wait_until_ready

_FILES = Path(__file__).parent / "provider"
_INSTALLED = Path(__file__).resolve().parents[3] / "var" / "openid-provider"
_INSTALL_S = 300
CLIENT, SECRET = "mundap", "a client secret: with signs + & %"


@dataclass(frozen=True, slots=True)
class RealProvider:
    """A running provider. Whoever types the name of an account and any password is that account."""

    issuer: str

    def change(self, **change: Json) -> None:
        """`accounts`: claims by name, beside those of before. `rotate`: sign with a new key from now on."""
        request = urllib.request.Request(f"{self.issuer}/test/change", data=json.dumps(change).encode())
        with urllib.request.urlopen(request, timeout=10):
            pass


def _installed() -> Path:
    """The folder with the provider's packages."""
    npm = program("npm", package="npm")
    wanted = b"".join((_FILES / name).read_bytes() for name in ("package.json", "package-lock.json"))
    folder = _INSTALLED / hashlib.sha256(wanted).hexdigest()[:16]
    if folder.exists():
        return folder
    _INSTALLED.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(dir=_INSTALLED))
    for name in ("package.json", "package-lock.json"):
        shutil.copy(_FILES / name, making)
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(
        command, cwd=making, capture_output=True, text=True, timeout=_INSTALL_S, check=False
    )
    if done.returncode:
        shutil.rmtree(making, ignore_errors=True)
        missing(f"needs npm packages, which cannot be installed: {done.stderr[-500:]}")
    try:
        making.rename(folder)
    except OSError:  # another process was faster
        shutil.rmtree(making, ignore_errors=True)
    return folder


@contextmanager
def real_provider(*, mundap: str, slug: str, accounts: dict[str, dict[str, Json]]) -> Iterator[RealProvider]:
    """A provider that knows Mundap at this address as a client."""
    node, folder = program("node", package="nodejs"), _installed()
    port = free_port()
    issuer = f"http://localhost:{port}"
    base = f"{mundap}/sign-in/oidc/{slug}"
    settings = {
        "issuer": issuer,
        "port": port,
        "accounts": accounts,
        "client": {
            "client_id": CLIENT,
            "client_secret": SECRET,
            "redirect_uris": [f"{base}/callback/"],
            "post_logout_redirect_uris": [f"{base}/signed-out/"],
            "backchannel_logout_uri": f"{base}/back-channel/",
            "backchannel_logout_session_required": True,
        },
    }
    with tempfile.TemporaryDirectory() as place:
        log = Path(place) / "log"
        with log.open("wb") as stream:
            process = subprocess.Popen(
                [node, str(_FILES / "server.js"), str(folder), json.dumps(settings)],
                stdout=stream,
                stderr=stream,
                env={**os.environ, "NODE_ENV": "test"},
            )
        try:
            wait_until_ready(process, lambda: answers(port), log)
            yield RealProvider(issuer)
        finally:
            stop(process)
