"""API keys of models' servers at rest: sealed with the row that they belong to and no other."""

from __future__ import annotations

from django.conf import settings

from assistant.common.errors import ModelUnavailable, MundapError
from assistant.common.sealing import seal, unseal
from assistant.common.told import told


def sealed_for(purpose: str, key: str) -> bytes:
    """The key as it is stored; nothing for an empty one. `purpose` names the row."""
    return seal(key, key=settings.SECRET_KEY, purpose=purpose) if key else b""


def opened_for(purpose: str, sealed: bytes, *, name: str) -> str:
    """The key of the model of this name; empty where it has none.

    Raises:
        ModelUnavailable: it was sealed with another secret key.
    """
    if not sealed:
        return ""
    try:
        return unseal(sealed, key=settings.SECRET_KEY, older=settings.SECRET_KEY_FALLBACKS, purpose=purpose)
    except MundapError as error:
        raise ModelUnavailable(
            told(
                "The API key of '{name}' cannot be opened: MUNDAP_SECRET_KEY is not the key that it was "
                "sealed with. Restore that key, or enter the API key again.",
                name=name,
            )
        ) from error
