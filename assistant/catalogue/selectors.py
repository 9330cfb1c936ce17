"""Which models may a person use? The database is asked each time: what is taken away counts at once."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q
from django.utils import timezone

from assistant.access.viewer import Viewer
from assistant.accounts.holding import principals_held
from assistant.accounts.models import User
from assistant.catalogue.entries import Entry, ModelNotOffered, built_in, of_environment, of_row
from assistant.catalogue.models import LanguageModel, ModelGrant


def models_for(viewer: Viewer) -> tuple[Entry, ...]:
    """What the person may use now: their default first, then by name. Nothing for a closed account."""
    user = User.objects.filter(pk=viewer.user_id, is_active=True).first()
    if user is None:
        return ()
    given = of_environment()
    rows = LanguageModel.objects.filter(_open_to(user, timezone.now()), is_enabled=True).order_by("name")
    entries = [of_row(row, may_be_default=given is None) for row in rows]
    if given is not None:
        entries.append(given)
    entries.append(built_in(is_default=not any(entry.is_default for entry in entries)))
    return tuple(sorted(entries, key=lambda entry: not entry.is_default))


def model_for_turn(viewer: Viewer, wanted: str = "") -> Entry:
    """The model called `wanted` (by name or key), or the person's default.

    Raises:
        ModelNotOffered: there is none, or the person may not use it now.
    """
    offered = models_for(viewer)
    if not wanted and offered:
        return offered[0]
    for entry in offered:
        if entry.answers_to(wanted):
            return entry
    raise ModelNotOffered(wanted, offered)


def names_for(viewer: Viewer) -> dict[str, str]:
    """By key, what the models are called that the person may use now. Others have no name for them."""
    return {entry.key: entry.name for entry in models_for(viewer)}


def _open_to(user: User, now: datetime) -> Q:
    held = principals_held(user, now=now).values("pk")
    granted = ModelGrant.objects.filter(principal__in=held).values("model")
    return Q(for_everyone=True) | Q(pk__in=granted)
