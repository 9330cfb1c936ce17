"""Why a document or a run failed, in words that an administrator can act on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from assistant.common.errors import FailureCode


class RunCode(StrEnum):
    """Why a run ended or waits."""

    RECONFIGURE = "reconfigure"
    SOURCE_GONE = "source_gone"
    BUSY = "busy"
    UNREACHABLE = "unreachable"
    PAUSED = "paused"
    TURN_OVER = "turn_over"
    SETTINGS_CHANGED = "settings_changed"
    DATABASE_AWAY = "database_away"
    MODEL_AWAY = "model_away"
    OVER_BUDGET = "over_budget"
    FAILED = "failed"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class Reason:
    """What happened, and what to do."""

    what: str | Promise
    do: str | Promise


_AGAIN = _("Correct the file; the next sync reads it again.")

DOCUMENT_REASONS: dict[str, Reason] = {
    FailureCode.UNREADABLE: Reason(
        _("The file can't be opened."), _("Give the account that runs Mundap the right to read it.")
    ),
    FailureCode.EMPTY: Reason(_("The file is empty."), _AGAIN),
    FailureCode.NO_TEXT: Reason(
        _("The file holds no text, only pictures."), _("Add a version with text, for example by OCR.")
    ),
    FailureCode.TOO_LARGE: Reason(
        _("The file is larger than the limit."), _("Split it, or raise MUNDAP_MAX_FILE_MB.")
    ),
    FailureCode.ENCRYPTED: Reason(
        _("The file is protected by a password."), _("Add a version without a password.")
    ),
    FailureCode.MISLABELLED: Reason(
        _("The content is not what the file's name says."),
        _("Give the file the extension of its real format."),
    ),
    FailureCode.UNSUPPORTED: Reason(
        _("This kind of file can't be read yet."), _("Save it as PDF, Office, HTML or text.")
    ),
    FailureCode.CORRUPT: Reason(_("The file is damaged."), _AGAIN),
    FailureCode.TIMEOUT: Reason(
        _("Reading the file took too long."), _("Split it, or raise MUNDAP_PARSE_SECONDS.")
    ),
    FailureCode.CRASHED: Reason(
        _("The reader stopped on this file, probably for lack of memory."),
        _("Split the file or save it anew."),
    ),
    FailureCode.BAD_RECORD: Reason(
        _("The entry is malformed."), _("Correct the place named in the details.")
    ),
    FailureCode.BAD_PERMISSIONS: Reason(
        _("The permissions can't be read, so nobody sees what they cover."),
        _("Correct the place named in the details."),
    ),
    FailureCode.DUPLICATE_ID: Reason(
        _("Two documents carry the same id, so nobody sees either."),
        _("Give each document an id of its own."),
    ),
    FailureCode.UNLISTED: Reason(
        _("The folder can't be listed; what was known of it stays as it was."),
        _("Give the account that runs Mundap the right to list it."),
    ),
    FailureCode.REFUSED: Reason(
        _("The source lists this document but doesn't hand it over."),
        _("Give the account that Mundap signs in with the right to read it."),
    ),
    FailureCode.GONE: Reason(
        _("The document was gone when it was to be read."), _("Nothing; the next sync removes it.")
    ),
    FailureCode.UNREACHABLE: Reason(
        _("The source didn't answer when this document was read."),
        _("Nothing; the next sync reads it again."),
    ),
}

RUN_REASONS: dict[str, Reason] = {
    RunCode.RECONFIGURE: Reason(_("The source's settings don't work."), _("Correct the settings.")),
    RunCode.SOURCE_GONE: Reason(
        _("The source is not where it was. Nothing was deleted."),
        _("Check that it is mounted and named rightly."),
    ),
    RunCode.BUSY: Reason(_("The source asked to come back later."), _("Nothing; the run goes on by itself.")),
    RunCode.UNREACHABLE: Reason(
        _("The source was busy or out of reach for too long. Nothing was deleted."),
        _("Check that it runs and can be reached, then start the run again."),
    ),
    RunCode.PAUSED: Reason(_("The source is paused."), _("Resume it; the run goes on from where it was.")),
    RunCode.TURN_OVER: Reason(_("The run has let others go first."), _("Nothing; it goes on by itself.")),
    RunCode.SETTINGS_CHANGED: Reason(
        _("Somebody has changed the source's settings."), _("Nothing; the run goes on by the new ones.")
    ),
    RunCode.DATABASE_AWAY: Reason(
        _("Mundap's own database didn't answer for a while."), _("Nothing; the run goes on by itself.")
    ),
    RunCode.MODEL_AWAY: Reason(
        _("The server of the embedding model is busy or out of reach. New texts wait for it."),
        _("Check that server; the run goes on by itself as soon as it answers."),
    ),
    RunCode.OVER_BUDGET: Reason(
        _("So many documents failed that the run was stopped. Nothing was deleted."),
        _("Look at the failed documents: they probably have one cause."),
    ),
    RunCode.FAILED: Reason(_("The run could not go on."), _("Read the details, then start it again.")),
    RunCode.INTERNAL: Reason(
        _("The run stopped on an error of Mundap's own."), _("Look at the worker's log, then start it again.")
    ),
}

_UNKNOWN = Reason(_("The reason is not known."), _("Look at the worker's log."))


def document_reason(code: str) -> Reason:
    """The words for a document's failure."""
    return DOCUMENT_REASONS.get(code, _UNKNOWN)


def run_reason(code: str) -> Reason:
    """The words for the code with which a run ended or waits."""
    return RUN_REASONS.get(code, _UNKNOWN)
