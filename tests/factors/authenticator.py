"""A device that makes and shows passkeys, in software: ES256 keys, and every lie that a test wants told."""

from __future__ import annotations

import hashlib
import json
import os
import struct
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2 import cbor
from fido2.cose import ES256
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import AttestedCredentialData

from assistant.common.types import JsonObject

PRESENT, VERIFIED, HAS_KEY = 0x01, 0x04, 0x40


@dataclass(slots=True)
class Device:
    """One key. `origin` is where its browser says it is; `counter` None never counts."""

    origin: str = "http://localhost"
    site: str = "localhost"
    flags: int = PRESENT | VERIFIED
    counter: int = 0
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    id: bytes = field(default_factory=lambda: os.urandom(16))
    owner: bytes = b""

    def make(self, options: JsonObject) -> JsonObject:
        """What a browser sends for `navigator.credentials.create`."""
        asked = options["publicKey"]
        assert isinstance(asked, dict)
        assert isinstance(asked["user"], dict)
        self.owner = websafe_decode(str(asked["user"]["id"]))
        public = ES256.from_cryptography_key(self.key.public_key())  # type: ignore[no-untyped-call]
        credential = AttestedCredentialData.create(b"\0" * 16, self.id, public)
        data = self._data(self.flags | HAS_KEY) + bytes(credential)
        attestation = cbor.encode({"fmt": "none", "attStmt": {}, "authData": data})
        response = {
            "clientDataJSON": self._client("webauthn.create", str(asked["challenge"])),
            "attestationObject": websafe_encode(attestation),
        }
        return self._answer(response)

    def show(self, options: JsonObject) -> JsonObject:
        """What a browser sends for `navigator.credentials.get`."""
        asked = options["publicKey"]
        assert isinstance(asked, dict)
        client = self._client("webauthn.get", str(asked["challenge"]))
        data = self._data(self.flags)
        signed = data + hashlib.sha256(websafe_decode(client)).digest()
        response = {
            "clientDataJSON": client,
            "authenticatorData": websafe_encode(data),
            "signature": websafe_encode(self.key.sign(signed, ec.ECDSA(hashes.SHA256()))),
            "userHandle": websafe_encode(self.owner),
        }
        return self._answer(response)

    def _data(self, flags: int) -> bytes:
        return hashlib.sha256(self.site.encode()).digest() + struct.pack(">BI", flags, self.counter)

    def _client(self, kind: str, challenge: str) -> str:
        said = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return websafe_encode(json.dumps(said).encode())

    def _answer(self, response: dict[str, str]) -> JsonObject:
        name = websafe_encode(self.id)
        return {
            "id": name,
            "rawId": name,
            "type": "public-key",
            "response": dict(response),
            "clientExtensionResults": {},
        }
