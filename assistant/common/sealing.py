"""Secrets at rest: AES-256-GCM under a key derived from the installation's secret key."""

from __future__ import annotations

import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from assistant.common.errors import MundapError
from assistant.common.known_secrets import remember_json
from assistant.common.told import told

_NONCE = 12


def seal(plain: str, *, key: str, purpose: str) -> bytes:
    """Encrypt. `purpose` (e.g. "source 7") must be the same when it is opened."""
    remember_json(plain)
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(_derive(key)).encrypt(nonce, plain.encode(), purpose.encode())


def unseal(sealed: bytes, *, key: str, older: Sequence[str] = (), purpose: str) -> str:
    """Decrypt with `key`, or with one of the `older` ones that are being replaced.

    Raises:
        MundapError: the key is another one, or the bytes were altered or moved.
    """
    for one in (key, *older):
        try:
            opened = AESGCM(_derive(one)).decrypt(sealed[:_NONCE], sealed[_NONCE:], purpose.encode())
        except (InvalidTag, ValueError):
            continue
        plain = opened.decode()
        remember_json(plain)
        return plain
    raise MundapError(
        told(
            "Stored secrets cannot be opened: MUNDAP_SECRET_KEY is not the key they were sealed "
            "with. Restore that key, or enter the source's secrets again."
        )
    )


def _derive(key: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"mundap sealing 1").derive(key.encode())
