"""What an error of Amazon Bedrock means: for the person who asked, and for asking again."""

from __future__ import annotations

from botocore.exceptions import ClientError

from assistant.common.errors import MundapError
from assistant.common.told import told
from assistant.providers.call_failed import CallFailed
from assistant.providers.contract import ChatServer, Outcome
from assistant.providers.dialect import OtherDialect, is_too_long, known_dialect, other_dialect
from assistant.providers.refusals import broke_off, busy, refused, too_long

_THROTTLED, _INVALID = 429, 400
_NO_ACCESS = "accessdeniedexception"
_BUSY = frozenset({"throttlingexception", "servicequotaexceededexception", "modelnotreadyexception"})
_INVALID_INPUT = "validationexception"
# The server tried, and could not.
_BROKEN = frozenset(
    {
        "modelerrorexception",
        "modelstreamerrorexception",
        "modeltimeoutexception",
        "internalserverexception",
        "serviceunavailableexception",
    }
)


def failure(error: ClientError, server: ChatServer) -> MundapError:
    """The error in words of our own; what Amazon says is read, and shown to nobody."""
    found = error.response.get("Error", {})
    code, text = str(found.get("Code", "")).lower(), str(found.get("Message", ""))
    answer = error.response.get("ResponseMetadata", {})
    status = int(answer.get("HTTPStatusCode", 0)) or _INVALID
    if code in _BUSY:
        return busy(server.model, _THROTTLED)
    if code == _NO_ACCESS:
        return CallFailed(
            told(
                "The key may not use the model '{model}': give it the right "
                "bedrock:InvokeModelWithResponseStream, and ask for access to the model in its region.",
                model=server.model,
            ),
            Outcome.REFUSED,
        )
    if code == _INVALID_INPUT:
        known = known_dialect(server)
        other = other_dialect(known, _INVALID, text)
        if other is not None and known.temperature and not other.temperature:
            return OtherDialect(other)
        if is_too_long(_INVALID, text):
            return too_long(server.model)
        return refused(server.model, _INVALID, "")
    if code in _BROKEN:
        return broke_off(server.model)
    return refused(server.model, status, str(answer.get("HTTPHeaders", {}).get("retry-after", "")))
