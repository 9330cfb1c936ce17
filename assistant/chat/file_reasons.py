"""Why a file is not taken or cannot be used, in the page's language and for the person who added it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from assistant.chat.file_limits import MOST_FILES, Refusal, most_bytes, most_bytes_of_a_person
from assistant.common.errors import FailureCode

MODEL_UNAVAILABLE = "model_unavailable"

_FAILURES: Mapping[str, str | Promise] = MappingProxyType(
    {
        FailureCode.EMPTY: _("This file is empty."),
        FailureCode.NO_TEXT: _("This file holds no text, only pictures. Add a version with text."),
        FailureCode.TOO_LARGE: _(
            "This file holds more than can be read here. Add only the part that you need."
        ),
        FailureCode.ENCRYPTED: _("This file is protected by a password. Add a version without one."),
        FailureCode.MISLABELLED: _(
            "The content isn’t what the file’s name says. Save it again under its real type."
        ),
        FailureCode.UNSUPPORTED: _(
            "This kind of file can’t be read. Save it as PDF, Word, Excel, PowerPoint or text."
        ),
        FailureCode.CORRUPT: _("This file is damaged. Open it in its own program and save it again."),
        FailureCode.TIMEOUT: _("Reading this file took too long. Add only the part that you need."),
        FailureCode.CRASHED: _(
            "Reading this file failed. Save it again, or add only the part that you need."
        ),
        FailureCode.UNREADABLE: _("This file didn’t arrive whole. Remove it and add it again."),
        MODEL_UNAVAILABLE: _(
            "Files can’t be searched right now. Remove it and add it again in a few minutes."
        ),
    }
)
_MIB = 1024 * 1024


def failure_words(code: str) -> str:
    """Why a file of a conversation cannot be used."""
    return str(_FAILURES.get(code, _FAILURES[FailureCode.CRASHED]))


def refusal_words(why: Refusal, name: str, *, wait: str = "") -> str:
    """Why a file was not taken. `wait`: how long until it would be, in words."""
    limits = {"name": name, "files": MOST_FILES, "mb": most_bytes() // _MIB}
    match why:
        case Refusal.TOO_MANY:
            return (
                gettext("“%(name)s” wasn’t added: a conversation can have %(files)s files. Remove one first.")
                % limits
            )
        case Refusal.TOO_LARGE:
            return gettext("“%(name)s” wasn’t added: a file can have at most %(mb)s MB.") % limits
        case Refusal.EMPTY:
            return gettext("“%(name)s” wasn’t added: it is empty.") % limits
        case Refusal.NO_ROOM:
            return gettext(
                "“%(name)s” wasn’t added: your conversations already hold files of %(total)s MB. "
                "Remove some, or delete old conversations."
            ) % {"name": name, "total": most_bytes_of_a_person() // _MIB}
        case Refusal.TOO_FAST:
            return (
                gettext("“%(name)s” wasn’t added: you added very many files. Try again in a few minutes.")
                % limits
            )
        case Refusal.TODAY:
            return gettext(
                "“%(name)s” wasn’t added: you added as much as is possible in one day. Try again in %(time)s."
            ) % {"name": name, "time": wait}
        case Refusal.DISK:
            return (
                gettext(
                    "“%(name)s” wasn’t added: there is no room for files right now. Tell your administrator, "
                    "and try again later."
                )
                % limits
            )
        case Refusal.BUSY:
            return gettext(
                "The file wasn’t removed: an answer is being written. Stop it first, or wait for its end."
            )
