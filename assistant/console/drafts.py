"""Sources that somebody is adding: what they typed so far, sealed, in their own session on the server.

Nothing of it travels back to the browser but the draft's random name, and the settings
that are no secrets. A draft ends with the session, or when four newer ones were begun.
"""

from __future__ import annotations

import json
import secrets
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from django.conf import settings

from assistant.common.errors import MundapError, NotFound
from assistant.common.sealing import seal, unseal
from assistant.common.types import Json, JsonObject
from assistant.console.administrators import AdministratorRequest

_KEY = "source_drafts"
_MOST = 5


@dataclass(frozen=True, slots=True)
class Draft:
    """A source before it is stored. `rules`: what of it is taken, as the engine reads rules."""

    kind: str
    name: str
    config: JsonObject
    secrets: Mapping[str, str]
    rules: JsonObject = field(default_factory=dict)
    token: str = ""


def keep_draft(request: AdministratorRequest, draft: Draft) -> str:
    """Store a draft, or replace the one of the same token; returns its token."""
    token = draft.token or secrets.token_urlsafe(12)
    values = asdict(draft)
    del values["token"]
    sealed = seal(json.dumps(values), key=settings.SECRET_KEY, purpose=_purpose(request, token))
    others = {name: value for name, value in _stored(request).items() if name != token}
    newest = list(others.items())[-(_MOST - 1) :]
    request.session[_KEY] = {**dict(newest), token: b64encode(sealed).decode()}
    return token


def draft_of(request: AdministratorRequest, token: str) -> Draft:
    """The draft of this person with this token.

    Raises:
        NotFound: there is none (any more).
    """
    sealed = _stored(request).get(token)
    if sealed is None:
        raise NotFound("There is no such draft.")
    try:
        opened = unseal(
            b64decode(sealed),
            key=settings.SECRET_KEY,
            older=settings.SECRET_KEY_FALLBACKS,
            purpose=_purpose(request, token),
        )
    except MundapError as error:  # the installation's key was changed meanwhile
        raise NotFound("There is no such draft.") from error
    return Draft(**json.loads(opened), token=token)


def drop_draft(request: AdministratorRequest, token: str) -> None:
    """Forget a draft: it was given up, or has become a source."""
    request.session[_KEY] = {name: value for name, value in _stored(request).items() if name != token}


def _stored(request: AdministratorRequest) -> dict[str, str]:
    stored: Json = request.session.get(_KEY, {})
    return {key: str(value) for key, value in stored.items()} if isinstance(stored, dict) else {}


def _purpose(request: AdministratorRequest, token: str) -> str:
    return f"source draft {token} of {request.user.pk}"
