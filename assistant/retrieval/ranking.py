"""What do administrators prefer now, and how is it changed? Asked of the database at each search."""

from __future__ import annotations

from django.db import transaction

from assistant.access.roles import require
from assistant.access.viewer import Viewer
from assistant.accounts.models import Connection
from assistant.accounts.roles import Right
from assistant.audit.trail import Event, record
from assistant.common.errors import UsageError
from assistant.common.types import Json
from assistant.retrieval.boosts import Boosts
from assistant.retrieval.models import ONLY_ROW, Ranking, SourceRanking


def boosts_in_force() -> Boosts:
    """The preferences as the database holds them now."""
    row = Ranking.objects.filter(pk=ONLY_ROW).first()
    sources = SourceRanking.objects.order_by("connection__name").values_list("connection__name", "percent")
    if row is None:
        return Boosts(sources=tuple(sources))
    return Boosts(recency=row.recency, half_life=row.half_life, title=row.title, sources=tuple(sources))


def source_names(viewer: Viewer) -> tuple[str, ...]:
    """All sources, for who sets preferences.

    Raises:
        NotFound: the viewer may not set them.
    """
    require(viewer, Right.MANAGE_RANKING)
    return tuple(Connection.objects.order_by("name").values_list("name", flat=True))


def set_boosts(boosts: Boosts, *, viewer: Viewer) -> None:
    """Prefer this from the next search on, and audit it. What is in force already is no change.

    Raises:
        NotFound: the viewer may not set preferences.
        UsageError: a source is not there.
    """
    require(viewer, Right.MANAGE_RANKING)
    wanted = {name: percent for name, percent in boosts.sources if percent}
    with transaction.atomic():
        before = boosts_in_force()
        known = dict(Connection.objects.filter(name__in=wanted).values_list("name", "pk"))
        missing = sorted(set(wanted) - set(known))
        if missing:
            raise UsageError(f"There is no source '{missing[0]}'. Reload the page.")
        Ranking.objects.update_or_create(
            pk=ONLY_ROW,
            defaults={"recency": boosts.recency, "half_life": boosts.half_life, "title": boosts.title},
        )
        SourceRanking.objects.exclude(connection__in=known.values()).delete()
        for name, percent in wanted.items():
            SourceRanking.objects.update_or_create(connection_id=known[name], defaults={"percent": percent})
        after = boosts_in_force()
        if after != before:
            record(
                Event.RANKING_CHANGED,
                actor_id=viewer.user_id,
                actor=viewer.email,
                before=_audited(before),
                after=_audited(after),
            )


def _audited(boosts: Boosts) -> dict[str, Json]:
    return {
        "recency": boosts.recency,
        "half_life": boosts.half_life,
        "title": boosts.title,
        "sources": dict(boosts.sources),
    }
