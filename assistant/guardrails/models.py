"""The rules as they are being edited, the versions that were published, and the cases they are tried on."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from assistant.guardrails.rules import MAX_MESSAGE, MAX_NAME, Kind
from assistant.guardrails.verdict import Action, Stage

MAX_COMMENT = 300
MAX_CASE = 4_000
MAX_NOTE = 300

_KINDS = [(kind.value, kind.value) for kind in Kind]
_ACTIONS = [(action.value, action.value) for action in Action if action is not Action.PASS]
_STAGES = [(stage.value, stage.value) for stage in Stage]


class Expected(models.TextChoices):
    """What must happen to a case."""

    BLOCK = "block", "block"
    MASK = "mask", "mask"
    PASS = "pass", "pass"


class DraftRule(models.Model):
    """A rule as it is being edited. It counts for nobody until it is published."""

    kind = models.CharField(max_length=30, choices=_KINDS)
    name = models.CharField(max_length=MAX_NAME)
    action = models.CharField(max_length=10, choices=_ACTIONS)
    stages = models.JSONField(default=list)
    groups = models.JSONField(default=list, blank=True)  # as `rule_settings.row_json` writes them
    message = models.TextField(max_length=MAX_MESSAGE, blank=True)
    enabled = models.BooleanField(default=True)
    settings = models.JSONField(default=dict)
    updated_at = models.DateTimeField(auto_now=True)
    updated_by = models.CharField(max_length=254, blank=True)

    class Meta:
        ordering: ClassVar = ["kind", "name", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["kind", "name"], name="draft_rule_name_once"),
            models.CheckConstraint(condition=~Q(name=""), name="draft_rule_has_a_name"),
            models.CheckConstraint(
                condition=Q(kind__in=[value for value, _ in _KINDS]), name="draft_rule_kind_known"
            ),
            models.CheckConstraint(
                condition=Q(action__in=[value for value, _ in _ACTIONS]), name="draft_rule_action_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class PolicyVersion(models.Model):
    """All rules as they were published once. A row is never changed; the newest is in force."""

    number = models.PositiveIntegerField(unique=True)
    content = models.JSONField()  # {"rules": [...]}, each as `rules.rule_json` writes it
    checksum = models.CharField(max_length=64)  # SHA-256, see `policy.checksum_of`
    comment = models.CharField(max_length=MAX_COMMENT, blank=True)
    published_at = models.DateTimeField(default=timezone.now, editable=False)
    published_by = models.CharField(max_length=254, blank=True)
    restores = models.PositiveIntegerField(null=True)  # number of the version whose content this is again

    class Meta:
        ordering: ClassVar = ["-number"]

    def __str__(self) -> str:
        return f"version {self.number}"

    def save(self, **options: object) -> None:  # noqa: ARG002 - only the first save is let through
        """Write a new version.

        Raises:
            TypeError: the version was written before.
        """
        if not self._state.adding:
            raise TypeError("A published version is never changed.")
        super().save(force_insert=True)

    def delete(self, using: str | None = None, keep_parents: bool = False) -> tuple[int, dict[str, int]]:  # noqa: ARG002, FBT001, FBT002 - Django's signature
        """Refuse.

        Raises:
            TypeError: always.
        """
        raise TypeError("A published version is never deleted.")


class BenchCase(models.Model):
    """A text, where it stands, and what must happen to it."""

    text = models.TextField(max_length=MAX_CASE)
    stage = models.CharField(max_length=10, choices=_STAGES)
    expected = models.CharField(max_length=10, choices=Expected.choices)
    language = models.CharField(max_length=5)
    note = models.CharField(max_length=MAX_NOTE, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.CharField(max_length=254, blank=True)

    class Meta:
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(stage__in=[value for value, _ in _STAGES]), name="bench_case_stage_known"
            ),
            models.CheckConstraint(
                condition=Q(expected__in=Expected.values), name="bench_case_expected_known"
            ),
        ]

    def __str__(self) -> str:
        return f"case {self.pk}"
