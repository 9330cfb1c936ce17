"""Every error that a person may meet, and what each caller does with it.

MundapError            has one plain sentence: what, where, what to do
├── UsageError         the command or form was wrong; nothing was written (exit status 2)
├── NotFound           not there, or not yours: the two are never told apart
├── DocumentFailure    one document cannot be taken; the run goes on and shows the reason
├── ModelUnavailable   a configured model cannot answer; never replaced silently
├── GuardrailsDamaged  the published rules are not what was published; nothing is answered until they are
└── IndexDamaged       an index file is torn, missing or altered; rebuild it from the database
"""

from __future__ import annotations

from enum import StrEnum

from assistant.common.told import told


class MundapError(Exception):
    """Base of all errors with a sentence for a person."""


class UsageError(MundapError):
    """The command or the form was wrong. Nothing was written."""


class NotFound(MundapError):
    """The thing does not exist, or the viewer may not know that it does."""


class ModelUnavailable(MundapError):
    """A configured model cannot be loaded or reached."""


class GuardrailsDamaged(MundapError):
    """The version of the guardrails in force cannot be read, or was altered."""


class IndexDamaged(MundapError):
    """An index file is torn, missing or altered."""


class FailureCode(StrEnum):
    """Why one document was not taken. Each has a sentence in `sync.reasons`."""

    UNREADABLE = "unreadable"  # the file cannot be opened
    EMPTY = "empty"  # no bytes
    NO_TEXT = "no_text"  # parsed, but holds no text (a scan, a drawing)
    TOO_LARGE = "too_large"  # over the source's size limit
    ENCRYPTED = "encrypted"  # needs a password
    MISLABELLED = "mislabelled"  # the content is not what its name says
    UNSUPPORTED = "unsupported"  # no parser for this kind of file
    CORRUPT = "corrupt"  # the parser could not make sense of it
    TIMEOUT = "timeout"  # the parser ran past its time
    CRASHED = "crashed"  # the parser process died or ran out of memory
    BAD_RECORD = "bad_record"  # a line or record of the source is malformed
    BAD_PERMISSIONS = "bad_permissions"  # the permissions cannot be read: hidden from everybody
    DUPLICATE_ID = "duplicate_id"  # a second document with the same id in one listing
    UNLISTED = "unlisted"  # a folder could not be listed: what lies in it is unknown
    REFUSED = "refused"  # the source lists the document but does not hand it over
    GONE = "gone"  # listed, but no longer there when it was fetched
    UNREACHABLE = "unreachable"  # the source did not answer for this document


class DocumentFailure(MundapError):
    """One document cannot be taken.

    Args:
        code: the catalogued reason.
        detail: technical detail for the administrator; never document text.
    """

    def __init__(self, code: FailureCode, detail: str = "") -> None:
        super().__init__(told("{code}: {detail}", code=code, detail=detail) if detail else str(code))
        self.code = code
        self.detail = detail
