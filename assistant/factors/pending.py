"""The secret of an authenticator app that is being set up: sealed in the session until a code is right."""

from __future__ import annotations

import base64
import binascii

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase

from assistant.accounts.models import User
from assistant.common.errors import MundapError
from assistant.common.sealing import seal, unseal
from assistant.factors.app_codes import new_secret

_KEY = "new_app"


def pending_secret(session: SessionBase, user: User) -> str:
    """The secret that the page shows to this person; a new one where there is none that can be opened."""
    try:
        sealed = base64.b64decode(str(session.get(_KEY, "")), validate=True)
        return unseal(
            sealed, key=settings.SECRET_KEY, older=settings.SECRET_KEY_FALLBACKS, purpose=_purpose(user)
        )
    except (MundapError, binascii.Error, ValueError):
        secret = new_secret()
        sealed = seal(secret, key=settings.SECRET_KEY, purpose=_purpose(user))
        session[_KEY] = base64.b64encode(sealed).decode()
        return secret


def forget(session: SessionBase) -> None:
    """It is set up."""
    session.pop(_KEY, None)


def _purpose(user: User) -> str:
    return f"new authenticator app {user.pk}"
