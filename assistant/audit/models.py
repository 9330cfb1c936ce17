"""The audit trail. Rows are written once and never changed."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone


class AuditEvent(models.Model):
    """Who did what, when. People are kept as values: an event outlives its account."""

    at = models.DateTimeField(default=timezone.now, db_index=True, editable=False)
    event = models.CharField(max_length=60, db_index=True)
    actor_id = models.BigIntegerField(null=True)
    actor = models.CharField(max_length=254, blank=True)
    data = models.JSONField(default=dict)

    class Meta:
        ordering: ClassVar = ["-pk"]

    def __str__(self) -> str:
        return f"{self.event} by {self.actor or 'the system'}"

    def save(self, **options: object) -> None:  # noqa: ARG002 - only the first save is let through
        """Write a new event.

        Raises:
            TypeError: the event was written before.
        """
        if not self._state.adding:
            raise TypeError("Audit events are never changed.")
        super().save(force_insert=True)

    def delete(self, using: str | None = None, keep_parents: bool = False) -> tuple[int, dict[str, int]]:  # noqa: ARG002, FBT001, FBT002 - Django's signature
        """Refuse.

        Raises:
            TypeError: always.
        """
        raise TypeError("Audit events are never deleted one by one.")
