"""Sources, runs, and what failed in a run.

A run row is the job: messages only wake workers up. A worker claims a run by a
compare-and-swap on its state, keeps it by a lease, and commits documents together
with the counts that include them, so a run that loses its worker goes on from
exactly where the database says it is.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from assistant.accounts.models import Connection, Principal
from assistant.documents.models import Acl, Document


class Source(models.Model):
    """The settings of one connection: where its documents come from, how often, and what becomes of them."""

    connection = models.OneToOneField(
        Connection, primary_key=True, on_delete=models.CASCADE, related_name="source"
    )
    config = models.JSONField(default=dict)
    sealed_secrets = models.BinaryField(default=bytes)

    cron = models.CharField(max_length=120, blank=True, default="0 * * * *")  # empty: only by hand
    time_zone = models.CharField(max_length=60, default="UTC")
    # How old a reading of all access lists, and a listing of everything, may get; 0: never by itself.
    permissions_hours = models.PositiveIntegerField(default=24)
    full_hours = models.PositiveIntegerField(default=168)
    paused = models.BooleanField(default=False)

    rules = models.JSONField(default=dict)  # see `rules`
    field_map = models.JSONField(default=dict)  # see `enrichment`
    enrichment = models.JSONField(default=list)
    audience = models.JSONField(default=list)  # principals that alone see anything of it; empty: no limit

    rate_per_second = models.FloatField(default=0)  # requests to the source; 0: no limit
    fetches_at_once = models.PositiveIntegerField(default=0)  # 0: as many as its kind bears
    error_budget_percent = models.PositiveIntegerField(default=30)
    max_deleted = models.PositiveIntegerField(default=1_000)
    max_deleted_percent = models.PositiveIntegerField(default=10)

    cursor = models.JSONField(null=True)  # where the change feed stood when the last good run began
    listed_at = models.DateTimeField(null=True)  # when everything was last listed to its end

    def __str__(self) -> str:
        return self.connection.name


class RunKind(models.TextChoices):
    """How much a run reads."""

    INCREMENTAL = "incremental", "incremental"  # what changed, where the source can tell
    FULL = "full", "full"  # everything, the content of every document too
    PERMISSIONS = "permissions", "permissions"  # people, groups and access lists
    PRINCIPALS = "principals", "principals"  # people and groups
    PRUNE = "prune", "prune"  # access lists, and deletes what is no longer there
    RETRY = "retry", "retry"  # the documents that failed
    PUSH = "push", "push"  # nothing: programs push documents into it, see `push_turns`


# Kinds that take the content of documents.
CONTENT_KINDS = frozenset({RunKind.INCREMENTAL, RunKind.FULL, RunKind.RETRY, RunKind.PUSH})


class RunState(models.TextChoices):
    """Where a run stands. Pending and running are open; the others are final."""

    PENDING = "pending", "pending"
    RUNNING = "running", "running"
    SUCCEEDED = "succeeded", "succeeded"
    SUCCEEDED_WITH_ERRORS = "succeeded_with_errors", "succeeded with errors"
    FAILED = "failed", "failed"
    CANCELLED = "cancelled", "cancelled"
    WAITING_FOR_APPROVAL = "waiting_for_approval", "waiting for approval"


class Phase(models.TextChoices):
    """What a running run is doing."""

    NONE = "", "none"
    PRINCIPALS = "principals", "reading people and groups"
    DOCUMENTS = "documents", "reading documents"
    PERMISSIONS = "permissions", "reading access lists"
    FINISHING = "finishing", "finishing"


OPEN_STATES = (RunState.PENDING, RunState.RUNNING)

# Runs that wait for more to be pushed: requests take turns with them, and no worker claims them.
COLLECTING = Q(kind=RunKind.PUSH, state=RunState.RUNNING, phase=Phase.DOCUMENTS)


class SyncRun(models.Model):
    """One pass over a source."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="runs")
    kind = models.CharField(max_length=20, choices=RunKind.choices)
    state = models.CharField(max_length=30, choices=RunState.choices, default=RunState.PENDING)
    requested_by = models.CharField(max_length=254, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    owner = models.CharField(max_length=120, blank=True)  # host:pid:token of the process that runs it
    lease_until = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)  # the process lives
    progress_at = models.DateTimeField(null=True)  # the work went on
    cancel_requested = models.BooleanField(default=False)
    next_kind = models.CharField(
        max_length=20, blank=True, default=""
    )  # asked for meanwhile, and not covered
    permissions_requested = models.BooleanField(default=False)  # to be read amid the documents
    not_before = models.DateTimeField(default=timezone.now)  # a source that asked us to come back later
    postponed = models.PositiveIntegerField(default=0)  # times in a row, with nothing done in between

    # Where the listing began and how far it is committed: {"cursor", "settings": a mark of them, "began",
    # "checkpoint", "named": documents before it, "first": of them}; None: not begun.
    listing = models.JSONField(null=True)
    phase = models.CharField(max_length=20, choices=Phase.choices, blank=True, default="")
    found = models.PositiveIntegerField(default=0)  # documents that the listing has named so far
    fetched = models.PositiveIntegerField(default=0)  # whose content was asked of the source
    rate = models.FloatField(default=0)  # documents a second, lately
    total = models.PositiveIntegerField(null=True)
    added = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    deleted = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    missing = models.PositiveIntegerField(default=0)
    current_item = models.CharField(max_length=200, blank=True)

    code = models.CharField(max_length=40, blank=True)  # catalogued in `reasons`
    detail = models.TextField(blank=True)
    detail_parts = models.JSONField(null=True)  # by which it is told in another language, see `common.told`

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(state__in=RunState.values), name="run_state_known"),
            models.CheckConstraint(condition=Q(kind__in=RunKind.values), name="run_kind_known"),
            models.UniqueConstraint(
                fields=["source"], condition=Q(state__in=[s.value for s in OPEN_STATES]), name="one_open_run"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["state", "not_before"])]

    def __str__(self) -> str:
        return f"run {self.pk}"

    @property
    def done(self) -> int:
        """Documents dealt with so far."""
        return self.added + self.updated + self.unchanged + self.failed


class RunFailure(models.Model):
    """A document, or everything below a prefix, that a run could not take."""

    run = models.ForeignKey(SyncRun, on_delete=models.CASCADE, related_name="failures")
    external_id = models.CharField(max_length=1024)
    is_prefix = models.BooleanField(default=False)
    hides = models.BooleanField(default=False)  # permissions are in doubt: shown to nobody
    code = models.CharField(max_length=40)
    detail = models.TextField(blank=True)
    detail_parts = models.JSONField(null=True)  # as in SyncRun
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["run", "external_id", "code"], name="run_failure_once"),
        ]

    def __str__(self) -> str:
        return f"{self.code} in run {self.run_id}"


class AccessChange(models.Model):
    """A run gave a known document another access list. None: it had no list that counts."""

    run = models.ForeignKey(SyncRun, on_delete=models.CASCADE, related_name="access_changes")
    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="+")
    before = models.ForeignKey(Acl, null=True, on_delete=models.PROTECT, related_name="+")
    after = models.ForeignKey(Acl, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["run", "document"], name="access_change_once"),
        ]

    def __str__(self) -> str:
        return f"document {self.document_id} in run {self.run_id}"


class MembershipChange(models.Model):
    """A run found that `member` had joined `group` or left it."""

    run = models.ForeignKey(SyncRun, on_delete=models.CASCADE, related_name="membership_changes")
    group = models.ForeignKey(Principal, on_delete=models.PROTECT, related_name="+")
    member = models.ForeignKey(Principal, on_delete=models.PROTECT, related_name="+")
    joined = models.BooleanField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["run", "group", "member"], name="membership_change_once"),
        ]

    def __str__(self) -> str:
        return f"{self.member} {'joined' if self.joined else 'left'} {self.group}"


class FindingCode(models.TextChoices):
    """What a run may notice about permissions that no document failed for. Each is safe, and worth a look."""

    UNKNOWN_GROUP = "unknown_group", "a list names a group whose members are not known"
    UNKNOWN_ACCOUNT = "unknown_account", "a list names an account of which nobody knows whose it is"
    SHARED_ADDRESS = "shared_address", "two accounts have the same address"
    REUSED_ADDRESS = "reused_address", "another account had this address before"
    LOOK_ALIKE = "look_alike", "two addresses look alike"
    CYCLE = "cycle", "groups contain each other"
    NOBODY = "nobody", "the list lets nobody in"


class RunFinding(models.Model):
    """Something about permissions that a run noticed, with how many documents it concerns."""

    run = models.ForeignKey(SyncRun, on_delete=models.CASCADE, related_name="findings")
    code = models.CharField(max_length=20, choices=FindingCode.choices)
    subject = models.CharField(max_length=600, blank=True)  # the principal or address, in its written form
    documents = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(code__in=FindingCode.values), name="run_finding_known"),
            models.UniqueConstraint(fields=["run", "code", "subject"], name="run_finding_once"),
        ]

    def __str__(self) -> str:
        return f"{self.code} in run {self.run_id}"
