"""What to tell a person when a language model's server says no, in words of our own."""

from __future__ import annotations

from assistant.common.told import told
from assistant.providers.call_failed import CallFailed
from assistant.providers.contract import Outcome

_UNKNOWN_CALLER, _NOT_THERE, _SERVER_ERROR = frozenset({401, 403}), 404, 500
# It asks for patience; a 503 only where it says for how long, as a dead server's gateway says 503 as well.
_BUSY = frozenset({408, 425, 429, 529})
_BUSY_IF_IT_SAYS_WHEN = 503
_MOMENT_S = 1.0


def refused(model: str, status: int, retry_after: str) -> CallFailed:
    """An answer that is no message. `retry_after` is the header of that name."""
    if status in _UNKNOWN_CALLER:
        return CallFailed(
            told("The server of '{model}' does not take the API key ({status}): enter it again.",
                 model=model, status=status),
            Outcome.KEY_REFUSED,
        )  # fmt: skip
    if status == _NOT_THERE:
        return CallFailed(
            told("The server knows no model '{model}', or nothing is at this address (404): check both.",
                 model=model),
            Outcome.MODEL_UNKNOWN,
        )  # fmt: skip
    asked = _seconds(retry_after)
    if status in _BUSY or (status == _BUSY_IF_IT_SAYS_WHEN and asked is not None):
        return busy(model, status, asked)
    message = told("The server of '{model}' answers {status}.", model=model, status=status)
    if status >= _SERVER_ERROR:
        return CallFailed(
            message, Outcome.BROKEN, after=_MOMENT_S if asked is None else asked, asked=asked is not None
        )
    return CallFailed(message, Outcome.REFUSED)


def busy(model: str, status: int, asked_s: float | None = None) -> CallFailed:
    """It wants patience, perhaps for so many seconds."""
    return CallFailed(
        told("The server of '{model}' has too much to do ({status}): ask again in a few minutes.",
             model=model, status=status),
        Outcome.BUSY,
        after=_MOMENT_S if asked_s is None else asked_s,
        asked=asked_s is not None,
    )  # fmt: skip


def declined(model: str) -> CallFailed:
    """The server's own rules keep the question from the model, or the answer from us."""
    return CallFailed(
        told("The server of '{model}' declined to answer by rules of its own.", model=model),
        Outcome.DECLINED,
    )


def too_long(model: str) -> CallFailed:
    """More than the model reads."""
    return CallFailed(
        told(
            "The question with its passages is longer than the model '{model}' reads: choose one with a "
            "larger context, or raise the context of its server.",
            model=model,
        ),
        Outcome.REFUSED,
    )


def cut(model: str, most: int) -> CallFailed:
    """The tokens were used up."""
    return CallFailed(
        told(
            "The model '{model}' used up its {most} tokens before its answer was whole: raise the "
            "limit, or ask for less.",
            model=model,
            most=most,
        ),
        Outcome.CUT,
    )


def broke_off(model: str) -> CallFailed:
    """The message has no end."""
    return CallFailed(
        told("The model '{model}' broke off in the middle.", model=model), Outcome.BROKEN, after=0.5
    )


def not_understood(model: str) -> CallFailed:
    """What came is not the API."""
    return CallFailed(
        told(
            "The server of '{model}' answers in a way that is not understood: check its address.",
            model=model,
        ),
        Outcome.BROKEN,
    )


def _seconds(text: str) -> float | None:
    """What Retry-After says, where it is a number; a date would need both clocks to agree."""
    text = text.strip()
    return float(text[:6]) if text.isascii() and text.isdigit() else None
