"""What administrators prefer in the order of results: one row, and one a source. With the bounds."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from assistant.accounts.models import Connection
from assistant.retrieval.boosts import LONGEST_HALF_LIFE, MOST_PERCENT, USUAL_HALF_LIFE

ONLY_ROW = 1


class Ranking(models.Model):
    """The one row; without it nothing is preferred."""

    recency = models.PositiveSmallIntegerField(default=0)  # percent
    half_life = models.PositiveSmallIntegerField(default=USUAL_HALF_LIFE)  # days
    title = models.PositiveSmallIntegerField(default=0)  # percent

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(pk=ONLY_ROW), name="ranking_once"),
            models.CheckConstraint(condition=Q(recency__lte=MOST_PERCENT), name="ranking_recency_bound"),
            models.CheckConstraint(
                condition=Q(half_life__gte=1, half_life__lte=LONGEST_HALF_LIFE),
                name="ranking_half_life_bound",
            ),
            models.CheckConstraint(condition=Q(title__lte=MOST_PERCENT), name="ranking_title_bound"),
        ]

    def __str__(self) -> str:
        return "ranking"


class SourceRanking(models.Model):
    """How much more or less the documents of one source count, in percent. No row: as they are."""

    connection = models.OneToOneField(
        Connection, primary_key=True, on_delete=models.CASCADE, related_name="+"
    )
    percent = models.SmallIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(percent__gte=-MOST_PERCENT, percent__lte=MOST_PERCENT) & ~Q(percent=0),
                name="source_ranking_bound",
            ),
        ]

    def __str__(self) -> str:
        return f"ranking of source {self.connection_id}"
