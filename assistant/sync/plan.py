"""What to do with each thing a connector reports: pure decisions, nothing is done here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from assistant.common.errors import FailureCode

# Up to this many documents a day may go whatever their share, as long as less than half goes; a single one
# also where it is half, so that a source of two or three stays usable.
FREE_DELETIONS = 5
MAX_DELETED_PERCENT = 10
MAX_DELETED = 1_000


@dataclass(frozen=True, slots=True)
class Known:
    """What the database knows of a document."""

    version: int
    source_version: str
    acl_id: int | None
    acl_stale: bool
    hidden: str
    failure_code: str
    id: int = 0
    content_digest: str = ""
    seen_in_run: int = 0


# The columns of a document's row, in the order of the fields above.
KNOWN_COLUMNS = (
    "version",
    "source_version",
    "acl_id",
    "acl_stale",
    "hidden",
    "failure_code",
    "id",
    "content_digest",
    "seen_in_run",
)


# Reading the same bytes again ends the same way, so these wait for another version or a full run.
LASTING_FAILURES = frozenset(
    {
        FailureCode.EMPTY,
        FailureCode.NO_TEXT,
        FailureCode.TOO_LARGE,
        FailureCode.ENCRYPTED,
        FailureCode.MISLABELLED,
        FailureCode.UNSUPPORTED,
        FailureCode.CORRUPT,
    }
)


@dataclass(frozen=True, slots=True)
class DocumentPlan:
    """What to do with one document.

    `fetch`: its content must be read. `new`: unknown before, or back after a
    deletion. `acl_changed`: people may gain or lose it. `failed_before`: the same
    content was refused with this code.
    """

    fetch: bool
    new: bool
    acl_changed: bool
    failed_before: FailureCode | None = None


def plan_document(
    known: Known | None, *, source_version: str, acl_id: int | None, full: bool
) -> DocumentPlan:
    """Decide on one reported document. `acl_id` None: its permissions could not be read this time."""
    if known is None or known.hidden == "removed":
        return DocumentPlan(fetch=True, new=True, acl_changed=True)
    if acl_id is None:
        acl_changed = (not known.acl_stale and known.acl_id is not None) or known.hidden == "missing"
    else:
        acl_changed = known.acl_id != acl_id or known.acl_stale or bool(known.hidden)
    same_version = known.source_version == source_version
    if known.failure_code:
        code = FailureCode(known.failure_code)
        if same_version and code in LASTING_FAILURES and not full:
            return DocumentPlan(fetch=False, new=False, acl_changed=acl_changed, failed_before=code)
    fetch = full or not same_version or known.version == 0 or bool(known.failure_code)
    return DocumentPlan(fetch=fetch, new=False, acl_changed=acl_changed)


def is_news(known: Known, *, source_version: str, acl_id: int | None) -> bool:
    """Whether a document that this run has dealt with was changed since.

    A run that was interrupted or postponed lists its source again, maybe hours later.
    """
    if known.hidden == "missing":
        return True  # it was called gone in between
    if acl_id is None:
        return known.source_version != source_version or (known.acl_id is not None and not known.acl_stale)
    return known.source_version != source_version or known.acl_id != acl_id or known.acl_stale


class Deletion(StrEnum):
    """What may happen to documents that a complete listing did not name."""

    NOTHING = "nothing"
    DELETE = "delete"
    ASK = "ask"


@dataclass(frozen=True, slots=True)
class Guard:
    """How much of a source may go without a person's word."""

    max_deleted: int = MAX_DELETED
    max_percent: int = MAX_DELETED_PERCENT


def plan_deletions(
    *, known: int, missing: int, listed: int, lately: int = 0, guard: Guard = Guard()
) -> Deletion:
    """Delete at once only what is plausible; ask an administrator about the rest.

    Args:
        known: documents that the source had before the run.
        missing: those of them that the listing did not name.
        listed: documents that the listing named.
        lately: documents that earlier runs of the last day deleted without asking: a source that is
            emptied bit by bit is emptied all the same.
        guard: what may go at once.
    """
    if missing == 0:
        return Deletion.NOTHING
    if listed == 0:
        return Deletion.ASK
    together = missing + lately
    if together <= FREE_DELETIONS and (missing == 1 or together < listed):
        return Deletion.DELETE
    if together > guard.max_deleted or together * 100 > (known + lately) * guard.max_percent:
        return Deletion.ASK
    return Deletion.DELETE
