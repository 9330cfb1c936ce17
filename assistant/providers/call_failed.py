"""Why a call to a language model failed, and what that means for the next one."""

from __future__ import annotations

from assistant.common.errors import ModelUnavailable
from assistant.providers.contract import Outcome

# What a person can do differs: wait, ask for less, ask in other words.
_CODES = {
    Outcome.BUSY: "answer_busy",
    Outcome.FULL: "answer_busy",
    Outcome.RESTING: "answer_busy",
    Outcome.CUT: "answer_cut",
    Outcome.ENDLESS: "answer_cut",
    Outcome.DECLINED: "answer_declined",
}
_USUAL = "model_unavailable"
_SEARCH = "search_unavailable"


class CallFailed(ModelUnavailable):
    """One call failed.

    Args:
        message: for a person: what, where, what to do. Never in the words of the server.
        outcome: how it ended.
        after: in how many seconds asking again may help; None: it would not.
        asked: whether seconds were asked for by the server itself.

    `of_search`: it was a call of the search's, not of a language model.
    """

    of_search = False

    def __init__(
        self, message: str, outcome: Outcome, *, after: float | None = None, asked: bool = False
    ) -> None:
        super().__init__(message)
        self.outcome = outcome
        self.after = after
        self.asked = asked


def failure_code(error: ModelUnavailable) -> str:
    """Under which code the turn is ended; what the page says about it hangs on that."""
    if not isinstance(error, CallFailed):
        return _USUAL
    return _SEARCH if error.of_search else _CODES.get(error.outcome, _USUAL)
