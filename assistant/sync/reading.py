"""Sources and runs as the console shows them. Values only: no text and no titles of documents."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class RunView:
    """One run. `state`: pending, running, succeeded, succeeded_with_errors, failed, cancelled,
    waiting_for_approval. `code` is catalogued (see `sync.reasons`); `cause` says what exactly happened,
    `detail` is both in one text."""

    id: int
    kind: str
    state: str
    requested_by: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    phase: str  # see `models.Phase`; empty while it waits and once it has ended
    found: int  # documents that the listing has named so far
    fetched: int  # documents whose content was asked of the source
    total: int | None  # documents listed, once the listing is complete
    done: int
    added: int
    updated: int
    unchanged: int
    deleted: int
    failed: int
    missing: int  # would be deleted, waits for approval
    current_item: str
    rate: float  # documents a second: lately, or in the whole run once it has ended
    eta_s: float | None
    heartbeat_age_s: float | None  # since its process was last heard of
    progress_age_s: float | None  # since something was last dealt with
    code: str
    detail: str
    cause: str

    @property
    def is_open(self) -> bool:
        """Still changing."""
        return self.state in ("pending", "running")

    @property
    def indexed(self) -> int:
        """Documents whose content was taken."""
        return self.added + self.updated

    @property
    def seconds(self) -> float | None:
        """How long it took; None while it is open, or where it never began."""
        if self.started_at is None or self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds()


@dataclass(frozen=True, slots=True)
class FailureView:
    """One document (or prefix) that could not be taken, with `reason` in the administrator's language."""

    external_id: str
    code: str
    reason: str
    what_to_do: str
    detail: str
    at: datetime | None  # None: in a run before the last ones


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One line of the source list."""

    id: int
    name: str
    kind: str
    kind_label: str
    last_run: RunView | None
    documents: int  # documents that are searchable by somebody
    failures: int
    next_run_at: datetime | None


@dataclass(frozen=True, slots=True)
class SourceDetail:
    """One source with its latest runs (newest first) and the failures of the latest run.

    `asking`: the run that waits for approval, however many ran since.
    """

    row: SourceRow
    config: tuple[tuple[str, str], ...]  # (label, value); secrets are left out
    cron: str  # empty: only by hand
    time_zone: str
    audience: tuple[str, ...]  # principals that alone see anything of it, without `user:`; empty: no limit
    paused: bool
    permissions_confirmed_at: datetime | None
    hidden: int  # documents hidden because their permissions are in doubt or too old
    runs: tuple[RunView, ...]
    asking: RunView | None
    failures: tuple[FailureView, ...]
    outside: str = ""  # told: why local-only mode keeps it from its server
