"""Digests under a random key of this installation: the same text gives the same digest for good.

The key lies sealed under the secret key and is sealed anew when that is replaced, so that digests outlive it.
Without the key nobody can try texts against them.
"""

from __future__ import annotations

import hmac
import secrets

from django.conf import settings

from assistant.accounts.erased_models import DigestKey, ErasedAddress
from assistant.common.errors import MundapError
from assistant.common.sealing import seal, unseal

SEALED_FOR = "digest key"


def keyed_digest(purpose: str, text: str) -> str:
    """64 hexadecimal digits. Digests of different purposes have nothing in common.

    Raises:
        MundapError: the key cannot be opened with the secret key of now.
    """
    return hmac.digest(_key(), f"{purpose}\0{text}".encode("utf-8", "surrogatepass"), "sha256").hex()


def remember_erased(address: str) -> None:
    """Keep of this canonical address that somebody had it."""
    ErasedAddress.objects.get_or_create(digest=keyed_digest("address", address))


def was_erased(address: str) -> bool:
    """Whether somebody who was erased had this canonical address. In doubt: yes."""
    if not ErasedAddress.objects.exists():
        return False
    try:
        return ErasedAddress.objects.filter(digest=keyed_digest("address", address)).exists()
    except MundapError:
        return True


def veils_exist() -> bool:
    """Whether anybody was ever erased here."""
    return ErasedAddress.objects.exists()


def _key() -> bytes:
    secret = str(settings.SECRET_KEY)
    row = DigestKey.objects.filter(pk=1).first()
    if row is None:
        sealed = seal(secrets.token_hex(32), key=secret, purpose=SEALED_FOR)
        row, _ = DigestKey.objects.get_or_create(pk=1, defaults={"sealed_key": sealed})
    opened = unseal(
        bytes(row.sealed_key), key=secret, older=settings.SECRET_KEY_FALLBACKS, purpose=SEALED_FOR
    )
    return bytes.fromhex(opened)
