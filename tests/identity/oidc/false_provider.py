"""A provider on a loopback port that says whatever a test wants, signed with real keys."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

CLIENT, SECRET = "mundap", "client secret"

Answer = tuple[int, Mapping[str, str], bytes]


@cache
def rsa_key(name: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    """A key of this name, made once a process."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@cache
def ec_key(name: str) -> ec.EllipticCurvePrivateKey:
    """A key of this name on P-256, made once a process."""
    return ec.generate_private_key(ec.SECP256R1())


def published(key: Any, number: str, **more: Any) -> dict[str, Any]:
    """A public key as a provider publishes it."""
    algorithm = (
        jwt.algorithms.RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else jwt.algorithms.ECAlgorithm
    )
    return {**algorithm.to_jwk(key.public_key(), as_dict=True), "kid": number, "use": "sig", **more}


def as_json(document: object, status: int = 200) -> Answer:
    """An answer that is this document."""
    return status, {"Content-Type": "application/json"}, json.dumps(document).encode()


def half_hash(text: str) -> str:
    """`at_hash` for the algorithms with SHA-256."""
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()[:16]).decode().rstrip("=")


@dataclass
class FalseProvider:
    """An honest provider, until a test changes something. `asked` are the paths that it was asked for."""

    issuer: str
    keys: list[dict[str, Any]] = field(default_factory=lambda: [published(rsa_key("own"), "one")])
    metadata: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)  # of the ID token; None takes one out
    headers: dict[str, Any] = field(default_factory=dict)  # of the ID token
    signs: Callable[[dict[str, Any], dict[str, Any]], str] | None = None
    userinfo: dict[str, Any] = field(default_factory=dict)
    tokens: dict[str, Any] = field(default_factory=dict)  # beside the ID token
    answers: dict[str, Callable[[], Answer]] = field(default_factory=dict)  # instead of the honest one
    asked: list[str] = field(default_factory=list)
    nonce: str = ""
    challenge: str = ""
    codes: set[str] = field(default_factory=set)
    forms: list[dict[str, str]] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """The configuration."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "end_session_endpoint": f"{self.issuer}/leave",
            "id_token_signing_alg_values_supported": ["RS256", "ES256"],
            **self.metadata,
        }

    def id_token(self) -> str:
        """The ID token."""
        now = int(time.time())
        usual = {
            "iss": self.issuer, "aud": CLIENT, "sub": "s-ann", "iat": now, "exp": now + 300,
            "nonce": self.nonce, "email": "ann@example.com", "email_verified": True,
            "name": "Ann Lee", "groups": ["staff"],
        }  # fmt: skip
        claims = {name: value for name, value in {**usual, **self.claims}.items() if value is not None}
        headers = {"kid": "one", **self.headers}
        if self.signs is not None:
            return self.signs(claims, headers)
        return jwt.encode(claims, rsa_key("own"), "RS256", headers=headers)

    def logout_token(self, **more: Any) -> str:
        """A message that ends sessions; None takes a claim out."""
        now = int(time.time())
        usual = {
            "iss": self.issuer, "aud": CLIENT, "sub": "s-ann", "iat": now, "exp": now + 120, "jti": f"j{now}",
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
        }  # fmt: skip
        claims = {name: value for name, value in {**usual, **more}.items() if value is not None}
        return jwt.encode(claims, rsa_key("own"), "RS256", headers={"kid": "one", "typ": "logout+jwt"})

    def answer(self, path: str, form: dict[str, str]) -> Answer:
        """What is said at this path."""
        self.asked.append(path)
        if path in self.answers:
            return self.answers[path]()
        if path == "/.well-known/openid-configuration":
            return as_json(self.document())
        if path == "/keys":
            return as_json({"keys": self.keys})
        if path == "/userinfo":
            return as_json({"sub": "s-ann", **self.userinfo})
        if path == "/token":
            self.forms.append(form)
            return self._exchanged(form)
        return 404, {}, b""

    def _exchanged(self, form: dict[str, str]) -> Answer:
        verified = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(verified).decode().rstrip("=") != self.challenge:
            return as_json({"error": "invalid_grant"}, 400)
        if form.get("code") not in self.codes:
            return as_json({"error": "invalid_grant"}, 400)
        self.codes.discard(form["code"])
        usual = {"access_token": "opaque", "token_type": "Bearer", "id_token": self.id_token()}
        return as_json({**usual, **self.tokens})


@contextmanager
def false_provider() -> Iterator[FalseProvider]:
    """A provider that listens on 127.0.0.1."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._say({})

        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
            self._say({name: values[0] for name, values in parse_qs(text).items()})

        def _say(self, form: dict[str, str]) -> None:
            status, headers, body = provider.answer(self.path.partition("?")[0], form)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider = FalseProvider(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
