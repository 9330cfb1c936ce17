"""A real HTTP or HTTPS server on this machine that answers as a test tells it."""

from __future__ import annotations

import ipaddress
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as it came in; header names are lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


Script = Callable[[BaseHTTPRequestHandler, Seen], None]


def reply(status: int = 200, body: bytes = b"", **headers: str) -> Script:
    """Answer whole; an underscore in a header's name stands for a dash."""

    def script(handler: BaseHTTPRequestHandler, seen: Seen) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if seen.method != "HEAD":
            handler.wfile.write(body)

    return script


def raw(data: bytes) -> Script:
    """Send exactly these bytes and hang up."""

    def script(handler: BaseHTTPRequestHandler, seen: Seen) -> None:
        handler.wfile.write(data)
        handler.close_connection = True

    return script


@dataclass(slots=True)
class ScriptedServer:
    """What is answered is looked up by path, and every request is kept."""

    url: str
    fallback: Script
    scripts: dict[str, Script] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)

    def on(self, path: str, *scripts: Script) -> str:
        """Answer with each script in turn, and with the last from then on; gives back the address."""
        left = list(scripts)

        def answer(handler: BaseHTTPRequestHandler, seen: Seen) -> None:
            script = left.pop(0) if len(left) > 1 else left[0]
            script(handler, seen)

        self.scripts[path] = answer
        return self.url + path


@contextmanager
def serving(
    context: ssl.SSLContext | None = None, *, host: str = "127.0.0.1", fallback: Script | None = None
) -> Iterator[ScriptedServer]:
    """A server on a free port until the end of the block; `fallback` answers what no script does."""
    server = ScriptedServer("", fallback or reply(404))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 20
        disable_nagle_algorithm = True

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            seen = Seen(self.command, self.path, headers, body)
            server.seen.append(seen)
            server.scripts.get(self.path, server.fallback)(self, seen)

        do_GET = do_POST = do_HEAD = do_PUT = do_PROPFIND = answer  # noqa: N815 - names of the library

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the library has it
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that hangs up is what some tests are about."""

        def finish_request(self, request: object, client_address: object) -> None:
            # The handshake is done here, in the connection's own thread, so that none blocks the others.
            wrapped = context.wrap_socket(request, server_side=True) if context else request  # type: ignore[arg-type]
            self.RequestHandlerClass(wrapped, client_address, self)  # type: ignore[arg-type]

    http = Server((host, 0), Handler)
    server.url = f"{'https' if context else 'http'}://{host}:{http.server_port}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


class TestAuthority:
    """A certificate authority of the tests' own."""

    __test__ = False

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tests")])
        own = self._built(self._name, self._key.public_key(), expired=False)
        own = own.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        own = own.add_extension(
            x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False
        )
        self.file = folder / "authority.pem"
        self.file.write_bytes(own.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def context(self, *names: str, expired: bool = False, self_signed: bool = False) -> ssl.SSLContext:
        """What a server needs to prove that it is one of these names or addresses."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._built(
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])]), key.public_key(), expired=expired
        )
        certificate = certificate.add_extension(
            x509.SubjectAlternativeName([_general(name) for name in names]), critical=False
        ).add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
        )
        signed = certificate.sign(key if self_signed else self._key, hashes.SHA256())
        stem = f"{len(list(self._folder.iterdir()))}"
        pair = self._folder / f"{stem}.pem"
        pair.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + signed.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair)
        return context

    def _built(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, *, expired: bool
    ) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=30))
            .not_valid_after(now + timedelta(days=-1 if expired else 30))
        )


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
