"""What was typed into a sensitive form waits here while somebody shows again who they are.

Nothing of it goes back to the browser but a random word. That opens the form once, within `LIFE`, for the
same session, person, method and path. The row goes with the session.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Sequence
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict
from django.utils import timezone

from assistant.accounts.door_models import SignedInSession
from assistant.common.errors import MundapError
from assistant.common.sealing import seal, unseal
from assistant.factors.models import WaitingForm

LIFE = timedelta(minutes=15)
LARGEST = 1024 * 1024  # characters of a form as JSON; the largest that people send is metadata of a provider
MOST = 3  # of one session: tabs that ask at the same time
_LONGEST_WORD = 22  # of `token_urlsafe(16)`


def keep(request: HttpRequest, fields: Iterable[tuple[str, Sequence[object]]]) -> str:
    """Keep the fields (name, values) for the same request later; returns the word that opens them.

    Empty where they cannot be kept: they are too large, or the session has ended meanwhile. The oldest one of
    a session that has `MOST` goes.
    """
    written = json.dumps(
        {
            "secrets": {},  # not every field is a secret: the line after this one would mask words in logs
            "target": _target(request),
            "fields": [(name, [str(value) for value in values]) for name, values in fields],
        }
    )
    if len(written) > LARGEST:
        return ""
    forget_old()
    word = secrets.token_urlsafe(16)
    with transaction.atomic():
        session = SignedInSession.objects.select_for_update().filter(session_key=_key(request)).first()
        if session is None:
            return ""
        theirs = WaitingForm.objects.filter(session=session).order_by("-made_at", "pk")
        WaitingForm.objects.filter(pk__in=list(theirs.values_list("pk", flat=True)[MOST - 1 :])).delete()
        sealed = seal(written, key=settings.SECRET_KEY, purpose=_purpose(word))
        WaitingForm.objects.create(word=word, session=session, sealed_fields=sealed)
    return word


def is_kept(request: HttpRequest, word: str) -> bool:
    """Whether the word opens something for this request."""
    return _opened(request, _rows(request, word).first()) is not None


def take(request: HttpRequest, word: str) -> QueryDict | None:
    """The fields, this once; None where the word opens nothing (any more) for this request."""
    rows = _rows(request, word)
    fields = _opened(request, rows.first())
    if fields is None or rows.delete()[0] != 1:  # another request was faster
        return None
    return fields


def forget_old() -> int:
    """Remove what nobody came back to. How many."""
    return WaitingForm.objects.filter(made_at__lte=timezone.now() - LIFE).delete()[0]


def _rows(request: HttpRequest, word: str) -> QuerySet[WaitingForm]:
    return WaitingForm.objects.filter(
        word=word[: _LONGEST_WORD + 1].replace("\x00", ""),
        session_id=_key(request),
        made_at__gt=timezone.now() - LIFE,
    )


def _opened(request: HttpRequest, row: WaitingForm | None) -> QueryDict | None:
    if row is None:
        return None
    try:
        held = json.loads(
            unseal(
                bytes(row.sealed_fields),
                key=settings.SECRET_KEY,
                older=settings.SECRET_KEY_FALLBACKS,
                purpose=_purpose(row.word),
            )
        )
    except MundapError:  # the installation's key was replaced by one that knows nothing of the former
        return None
    if held["target"] != _target(request):
        return None
    fields = QueryDict(mutable=True)
    for name, values in held["fields"]:
        fields.setlist(name, values)
    return fields


def _target(request: HttpRequest) -> str:
    return f"{request.user.pk} {request.method} {request.path}"


def _key(request: HttpRequest) -> str:
    return request.session.session_key or ""


def _purpose(word: str) -> str:
    return f"waiting form {word}"
