"""How a call of Slack fails, as whoever made it has to treat it.

MundapError
├── SlackBusy      nothing is wrong: try again after so many seconds
├── SlackRefused   Slack says no to this call, and will again
└── SlackClosed    the app may do nothing any more, until somebody connects the workspace anew

None of them holds a token, or a word of what was to be sent.
"""

from __future__ import annotations

import re
from typing import Final

from assistant.common.errors import MundapError
from assistant.common.told import told

_CODE = re.compile(r"[a-z0-9_]{1,60}")
UNKNOWN: Final = "unknown_error"

# The token, or the app with it, is gone: whoever asks again is refused again.
CLOSING: Final = frozenset(
    {
        "account_inactive",
        "app_uninstalled",
        "invalid_auth",
        "invalid_refresh_token",
        "not_authed",
        "token_expired",
        "token_revoked",
    }
)
# Slack's own trouble. After the first two part of what was asked may have been done.
_UNSURE: Final = frozenset({"fatal_error", "internal_error"})
BUSY: Final = _UNSURE | {
    "ratelimited",
    "rate_limited",
    "request_timeout",
    "service_unavailable",
    "team_added_to_org",
}


class SlackBusy(MundapError):
    """Slack asks for patience, or does not answer.

    `after_s`: how long it wants to be left alone. `may_be_done`: whether it may have done what was asked all
    the same, because the connection ended after the request was sent.
    """

    def __init__(self, after_s: float = 1.0, *, may_be_done: bool = False) -> None:
        super().__init__(
            told(
                "Slack is busy or cannot be reached. It is asked again in {seconds} s.",
                seconds=f"{after_s:.0f}",
            )
        )
        self.after_s = after_s
        self.may_be_done = may_be_done


class SlackRefused(MundapError):
    """Slack refuses this call for good. `code`: its own word; `needed`: the scope that it asks for."""

    def __init__(self, code: str, *, needed: str = "", why: str = "") -> None:
        self.code = plain_code(code)
        self.needed = needed if _CODE.fullmatch(needed.replace(":", "_").replace(".", "_")) else ""
        lacking = told(
            "Slack refuses this ({code}): the app lacks {needed}.", code=self.code, needed=self.needed
        )
        refused = told("Slack refuses this ({code}).", code=self.code)
        super().__init__(why or (lacking if self.needed else refused))


class SlackClosed(MundapError):
    """The workspace's app may do nothing any more. `code`: Slack's word for it."""

    def __init__(self, code: str) -> None:
        self.code = plain_code(code)
        super().__init__(
            told(
                "Slack no longer lets the app into this workspace ({code}). Connect the workspace anew.",
                code=self.code,
            )
        )


def plain_code(code: object) -> str:
    """A code as it may stand in a row or a sentence: Slack's are small letters; anything else is text."""
    return code if isinstance(code, str) and _CODE.fullmatch(code) else UNKNOWN


def is_unsure(code: str) -> bool:
    """Whether Slack may have done what was asked although it answered with this."""
    return code in _UNSURE
