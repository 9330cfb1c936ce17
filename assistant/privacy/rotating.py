"""Replaces the installation's secret key while everything runs.

The new key is `SECRET_KEY`, those being replaced are `SECRET_KEY_FALLBACKS`: every process opens with all of
them and seals with the new one. What still lies under an old one is sealed anew here, row by row: each value
is written only where it is still what was read, so that nobody's change at the same moment is lost, and
whatever is done stays done when the command is killed. It may be run as often as wanted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from django.conf import settings
from django.contrib.sessions.serializers import JSONSerializer
from django.core import signing
from django.db import models, transaction

from assistant.accounts.door_models import SignedInSession
from assistant.accounts.session_store import SessionStore
from assistant.audit.amending import retire
from assistant.audit.chain import key_of
from assistant.audit.keyring import keys
from assistant.audit.models import AuditEvent
from assistant.audit.trail import Event, record
from assistant.common.errors import MundapError, UsageError
from assistant.common.types import Json
from assistant.privacy.sealed import (
    PURPOSES,
    is_under_present_key,
    purpose_of,
    rows_of,
    sealed_anew,
    unnamed,
)

_PAGE = 200
_TRIES = 5  # of a row that others keep changing


@dataclass(slots=True)
class Remaining:
    """What an old key is still needed for. `lost`: what no known key opens, as `app.Model.column key`."""

    sealed: dict[str, int] = field(default_factory=dict)  # by column
    sessions: int = 0
    audit_keys: int = 0
    lost: list[str] = field(default_factory=list)

    @property
    def nothing(self) -> bool:
        """Whether the old keys can go."""
        return not (any(self.sealed.values()) or self.sessions or self.audit_keys)

    def as_json(self) -> dict[str, Json]:
        """For a command's output."""
        return {
            "sealed": {label: n for label, n in self.sealed.items() if n},
            "sessions": self.sessions,
            "audit_keys": self.audit_keys,
            "lost": list(self.lost),
        }


@dataclass(frozen=True, slots=True)
class Rotation:
    """What one pass did."""

    resealed: int
    sessions: int
    audit_keys: int
    remaining: Remaining


def remaining() -> Remaining:
    """What would be lost if only the present key were left. Changes nothing."""
    found = Remaining()
    _require_all_named()
    for label in PURPOSES:
        found.sealed[label] = 0
        for key, sealed in _values(label):
            purpose = purpose_of(label, key)
            if is_under_present_key(sealed, purpose):
                continue
            try:
                sealed_anew(sealed, purpose)
            except MundapError:
                found.lost.append(f"{label} {key}")
                continue
            found.sealed[label] += 1
    found.sessions = sum(1 for row in _sessions() if _resigned(row) is not None)
    if AuditEvent.objects.exists():
        ended = {one.key for one in keys() if one.until is not None}
        found.audit_keys = sum(key_of(secret) not in ended for secret in _former_secrets())
    return found


def rotate(*, actor: str, hears: Callable[[str, int], None] = lambda _what, _done: None) -> Rotation:
    """Bring everything under the present key. `hears` is told after each page of what and how many.

    Raises:
        UsageError: there is a sealed column that nobody named.
    """
    _require_all_named()
    resealed = 0
    for label in PURPOSES:
        here = 0
        for key, _ in _values(label):
            here += _reseal(label, key)
            if here % _PAGE == 0 and here:
                hears(label, here)
        resealed += here
        hears(label, here)
    sessions = sum(_resign(row) for row in _sessions())
    hears("sessions", sessions)
    former = _former_secrets()
    ended = retire(former) if former and AuditEvent.objects.exists() else 0
    hears("audit keys", ended)
    if resealed or sessions or ended:
        with transaction.atomic():
            record(
                Event.SECRET_KEY_REPLACED, actor=actor, resealed=resealed, sessions=sessions, audit_keys=ended
            )
    return Rotation(resealed, sessions, ended, remaining())


def _require_all_named() -> None:
    if missing := unnamed():
        raise UsageError(
            f"Nobody knows how to seal {', '.join(missing)} anew. Name it in assistant/privacy/sealed.py."
        )


def _former_secrets() -> list[str]:
    present = str(settings.SECRET_KEY)
    return [secret for one in settings.SECRET_KEY_FALLBACKS if (secret := str(one)) != present]


def _values(label: str) -> Iterator[tuple[object, bytes]]:
    """Keys of rows with what is sealed in them, in pages, so that no query is open while rows change."""
    model, column = rows_of(label)
    rows = model._base_manager.order_by("pk").values_list("pk", column)
    after = None
    while page := list((rows if after is None else rows.filter(pk__gt=after))[:_PAGE]):
        for key, sealed in page:
            if sealed:
                yield key, bytes(sealed)
        after = page[-1][0]


def _reseal(label: str, key: object) -> int:
    """One value, unless it is under the present key or no key opens it. A transaction of its own."""
    model, column = rows_of(label)
    purpose = purpose_of(label, key)
    for _ in range(_TRIES):
        held = model._base_manager.filter(pk=key).values_list(column, flat=True).first()
        if not held or is_under_present_key(bytes(held), purpose):
            return 0
        try:
            anew = sealed_anew(bytes(held), purpose)
        except MundapError:  # `remaining` names it
            return 0
        if model._base_manager.filter(pk=key, **{column: bytes(held)}).update(**{column: anew}):
            return 1
    return 0


def _sessions() -> Iterator[SignedInSession]:
    after = ""
    rows = SignedInSession.objects.order_by("session_key")
    while page := list(rows.filter(session_key__gt=after)[:_PAGE]):
        yield from page
        after = page[-1].session_key


def _resigned(row: SignedInSession) -> str | None:
    """The session's data signed with the present key; None where it is, or where nobody can read it."""
    salt = SessionStore().key_salt
    try:
        signing.loads(row.session_data, salt=salt, serializer=JSONSerializer, fallback_keys=[])
    except signing.BadSignature:
        pass
    else:
        return None
    try:
        data = signing.loads(row.session_data, salt=salt, serializer=JSONSerializer)
    except signing.BadSignature:
        return None
    return SessionStore().encode(data)


def _resign(row: SignedInSession) -> int:
    anew = _resigned(row)
    if anew is None:
        return 0
    same: models.QuerySet[SignedInSession] = SignedInSession.objects.filter(
        pk=row.pk, session_data=row.session_data
    )
    return same.update(session_data=anew)
