"""The audit log. Rows are written once; then they get their place in the chain, and never change again.

One thing excepted: where a person is erased, what names them goes (`amending`).
"""

from __future__ import annotations

from dataclasses import asdict
from typing import ClassVar, NoReturn

from django.db import models
from django.utils import timezone

from assistant.audit.chain import Entry, Head


class AppendOnly(models.QuerySet["AuditEvent"]):
    """Rows that can be read and added."""

    def update(self, **_fields: object) -> NoReturn:
        """Refuse.

        Raises:
            TypeError: always.
        """
        raise TypeError("Audit events are never changed.")

    bulk_update = update_or_create = aupdate = abulk_update = update  # type: ignore[assignment]

    def delete(self) -> NoReturn:
        """Refuse.

        Raises:
            TypeError: always.
        """
        raise TypeError("Audit events are never deleted.")

    adelete = delete


class AuditEvent(models.Model):
    """Who did what, when, from where. People are kept as values: an event outlives its account.

    `number`, `previous` and `digest` are empty for the moment between the commit of what was done and the
    next step, which gives the entry its place in the chain (`chaining.py`).
    """

    at = models.DateTimeField(default=timezone.now, db_index=True, editable=False)
    event = models.CharField(max_length=60, db_index=True)
    actor_id = models.BigIntegerField(null=True)
    actor = models.CharField(max_length=254, blank=True)
    data = models.JSONField(default=dict)
    address = models.CharField(max_length=45, blank=True, default="")
    via = models.CharField(max_length=20, blank=True, default="")
    uid = models.CharField(max_length=32, unique=True, editable=False)
    mac = models.CharField(max_length=64, editable=False)
    number = models.BigIntegerField(null=True, unique=True, editable=False)
    previous = models.CharField(max_length=64, blank=True, default="", editable=False)
    digest = models.CharField(max_length=64, blank=True, default="", editable=False)
    salt = models.CharField(max_length=32, blank=True, default="", editable=False)
    amended = models.CharField(max_length=64, blank=True, default="", editable=False)  # see `amending`

    objects = AppendOnly.as_manager()

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

    @classmethod
    def of(cls, entry: Entry) -> AuditEvent:
        """A new row of this entry."""
        return cls(**{**asdict(entry), "data": dict(entry.data)})

    def as_entry(self) -> Entry:
        """The row as a value."""
        return Entry(
            uid=self.uid,
            at=self.at,
            event=self.event,
            actor_id=self.actor_id,
            actor=self.actor,
            address=self.address,
            via=self.via,
            data=self.data,
            mac=self.mac,
            number=self.number,
            previous=self.previous,
            digest=self.digest,
            salt=self.salt,
            amended=self.amended,
        )


class FormerKey(models.Model):
    """A key that codes were made with, sealed under the present one, and where its time ended (`keyring`)."""

    sealed_key = models.BinaryField()
    replaced_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return f"former key {self.pk}"


class AuditHead(models.Model):
    """The one row (key 1) that whoever numbers entries locks first; it remembers the last of them."""

    number = models.BigIntegerField(default=0)
    digest = models.CharField(max_length=64)
    mac = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"head {self.number}"

    def as_head(self) -> Head:
        """The row as a value."""
        return Head(self.number, self.digest, self.mac)
