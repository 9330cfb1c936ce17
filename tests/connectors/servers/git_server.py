"""Git's own server (`git http-backend`) behind https, and repositories written by `git fast-import`."""

from __future__ import annotations

import atexit
import http.server
import os
import shutil
import ssl
import subprocess
import tempfile
import threading
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from tests.connectors.servers.certificates import Certified, certify
from tests.connectors.servers.programs import program

USER, TOKEN = "reader", "token of the reader"
_PROOF = "Basic " + b64encode(f"{USER}:{TOKEN}".encode()).decode()
_ENVIRONMENT = {
    "PATH": os.environ.get("PATH", ""), "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class GitServer:
    """A running server, known as localhost. `requests`: the paths asked for with the right token."""

    port: int
    root: Path
    certified: Certified
    requests: list[str] = field(default_factory=list)

    def address(self, name: str) -> str:
        """The address of a repository."""
        return f"https://localhost:{self.port}/{name}.git"

    def repository(self, name: str) -> Repository:
        """A new and empty repository."""
        folder = self.root / f"{name}.git"
        _git("init", "--bare", "--quiet", "--initial-branch=main", str(folder))
        return Repository(folder)


@dataclass(slots=True)
class Repository:
    """A repository on the server's disk. `files`: the tree of the next commit, by path."""

    folder: Path
    files: dict[bytes, tuple[str, bytes]] = field(default_factory=dict)  # mode and content (or a commit's id)
    commits: int = 0
    committed: dict[bytes, tuple[str, bytes]] = field(default_factory=dict)

    def put(self, path: str | bytes, content: str | bytes, *, mode: str = "100644") -> None:
        """A file in the next commit."""
        name = path.encode() if isinstance(path, str) else path
        self.files[name] = (mode, content.encode() if isinstance(content, str) else content)

    def remove(self, path: str) -> None:
        """No such file in the next commit."""
        del self.files[path.encode()]

    def move(self, old: str, new: str) -> None:
        """A file, or all files of a folder (ending with /), under another name."""
        for name in [name for name in self.files if name.startswith(old.encode())]:
            self.files[new.encode() + name.removeprefix(old.encode())] = self.files.pop(name)

    def commit(self, *, branch: str = "main", rewrite: bool = False) -> None:
        """Write the tree; with `rewrite` as a history of its own."""
        self.commits += 1
        self.committed = dict(self.files)
        head = [f"commit refs/heads/{branch}", f"committer A <a@example.com> {self.commits + 10**9} +0000"]
        lines = ["\n".join([*head, "data 1", "m"]).encode()]
        known = (self.folder / "refs" / "heads" / branch).exists() or (self.folder / "packed-refs").exists()
        if known and not rewrite:
            lines.append(f"from refs/heads/{branch}^0".encode())
        lines.append(b"deleteall")
        for path, (mode, content) in self.files.items():
            quoted = b'"' + b"".join(b"\\%03o" % byte for byte in path) + b'"'
            if mode == "160000":
                lines.append(b"M 160000 %s %s" % (content, quoted))
            else:
                lines.append(b"M %s inline %s\ndata %d\n%s" % (mode.encode(), quoted, len(content), content))
        stream = b"\n".join(lines) + b"\n"
        _git("-C", str(self.folder), "fast-import", "--quiet", "--force", stdin=stream)

    def head(self, branch: str = "main") -> str:
        """The newest commit."""
        return _git("-C", str(self.folder), "rev-parse", f"refs/heads/{branch}").decode().strip()

    def forget_history(self) -> None:
        """Nothing is kept but what the branches hold."""
        _git("-C", str(self.folder), "reflog", "expire", "--expire=now", "--all")
        _git("-C", str(self.folder), "gc", "--quiet", "--prune=now")


def _git(*arguments: str, stdin: bytes | None = None) -> bytes:
    ended = subprocess.run(
        [program("git", package="git"), *arguments],
        input=stdin,
        env=_ENVIRONMENT,
        capture_output=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@cache
def git_server() -> GitServer:
    """The server of this process; it ends with the process."""
    root = Path(tempfile.mkdtemp(prefix="mundap-git-server-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    _git("version")
    certified = certify(root, name="localhost")
    requests: list[str] = []
    listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(root, requests))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certified.certificate, certified.key)
    listener.socket = context.wrap_socket(listener.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    return GitServer(int(listener.server_port), root, certified, requests)


def _handler(root: Path, requests: list[str]) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        """Hands a request to git http-backend as the CGI standard says."""

        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer(b"")

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers.get("Content-Length", "0"))))

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
            """Nothing."""

        def _answer(self, body: bytes) -> None:
            parts = urlsplit(self.path)
            if parts.path.startswith("/moved/"):
                self.send_response(301)
                self.send_header("Location", f"/{self.path.removeprefix('/moved/')}")
                self._end(b"")
                return
            if self.headers.get("Authorization") != _PROOF:
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="git"')
                self._end(b"")
                return
            requests.append(parts.path)
            ended = subprocess.run(
                ["git", "http-backend"],
                input=body,
                env=self._cgi(parts.path, parts.query),
                capture_output=True,
                check=False,
            )
            head, _, content = ended.stdout.partition(b"\r\n\r\n")
            fields = dict(line.split(": ", 1) for line in head.decode().splitlines() if ": " in line)
            self.send_response(int(fields.pop("Status", "200").split()[0]))
            for name, value in fields.items():
                self.send_header(name, value)
            self._end(content)

        def _end(self, content: bytes) -> None:
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def _cgi(self, path: str, query: str) -> Mapping[str, str]:
            return {
                **_ENVIRONMENT, "GIT_PROJECT_ROOT": str(root), "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": path,
                "QUERY_STRING": query, "REQUEST_METHOD": self.command, "REMOTE_USER": USER,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            }  # fmt: skip

    return Handler
