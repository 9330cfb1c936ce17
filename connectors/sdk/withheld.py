"""What does a run do when the server withholds a file that says who may read what?

A file that is there and is not handed over says nothing, neither what it said before nor that it is
gone: nobody's permissions change because of it.
"""

from __future__ import annotations

from collections.abc import Callable

from assistant.common.errors import DocumentFailure, FailureCode
from assistant.common.told import told
from connectors.sdk.errors import ConnectorError, Reconfigure, Retry

_RETRY_S = 60.0
# By the contract a list that is refused is stale, as one is that nobody answers for: the last confirmed one
# counts until the source's age limit and then hides. A refusal is the crawler's own and says nothing of
# those who read: were it to hide at once, a right taken from one account would empty everybody's answers.
WITHHELD = frozenset({FailureCode.REFUSED, FailureCode.UNREACHABLE, FailureCode.GONE})
_READABLE = told("Let the account of this source read it.")


def withheld(
    name: str, error: DocumentFailure, *, is_there: Callable[[], bool], remedy: str = _READABLE
) -> ConnectorError | None:
    """What ends a run that cannot read the access file or groups file `name`; None: it is not withheld.

    Then it is not there, too large or no file, and stays so until somebody mends it.

    Args:
        name: the file as an administrator knows it.
        error: why it could not be read.
        is_there: whether the server lists it; asked where it was not found.
        remedy: what an administrator does about a refusal.
    """
    why = error.detail or told("it is listed")
    if error.code is FailureCode.REFUSED:
        return Reconfigure(
            told(
                "'{name}' says who may read what, and is not handed over: {why} {remedy}",
                name=name,
                why=why,
                remedy=remedy,
            )
        )
    if error.code is FailureCode.UNREACHABLE or (error.code is FailureCode.GONE and is_there()):
        return Retry(
            told("'{name}' says who may read what, and is not handed over: {why}", name=name, why=why),
            after=_RETRY_S,
        )
    return None
