"""What an error of the S3 API means for the run, and for one object."""

from __future__ import annotations

from botocore.exceptions import ClientError

from assistant.common.errors import DocumentFailure, FailureCode
from assistant.common.told import told
from connectors.sdk.errors import ConnectorError, Reconfigure, Retry, Stop
from connectors.sdk.exact_json import shown

_RETRY_AFTER_S = 60.0
_UNKNOWN_CALLER, _SERVER_ERROR = 401, 500
_GONE = frozenset({"NoSuchBucket"})
_NO_OBJECT = frozenset({"NoSuchKey", "NoSuchVersion"})
_NOT_THERE = _NO_OBJECT | {"404", "NotFound"}
_ARCHIVED = "InvalidObjectState"
_BUSY = frozenset(
    {
        "SlowDown", "SlowDownRead", "Throttling", "ThrottlingException", "RequestLimitExceeded",
        "TooManyRequests", "InternalError", "ServiceUnavailable", "RequestTimeout", "OperationAborted", "429",
    }
)  # fmt: skip
_CREDENTIALS = {
    "InvalidAccessKeyId": told("The store does not know the access key id: check 'access_key_id'."),
    "SignatureDoesNotMatch": told("The secret key does not fit the access key id: enter it again."),
    "InvalidToken": told("The credentials are not valid: make a new access key."),
    "ExpiredToken": told("The credentials have expired: make a new access key."),
    "RequestTimeTooSkewed": told(
        "The clock of this machine is wrong by more than the store accepts: set it."
    ),
    "AuthorizationHeaderMalformed": told("The store expects another region: check 'region'."),
    "PermanentRedirect": told("The bucket is in another region: check 'region' and 'endpoint'."),
    "IllegalLocationConstraintException": told("The bucket is in another region: check 'region'."),
    "AllAccessDisabled": told("The store has disabled all access to this bucket: ask its owner."),
    "AccountProblem": told("The store reports a problem with the account: ask its owner."),
}


def code_of(error: ClientError) -> str:
    """The code of the S3 API, or the status in digits where an answer has none."""
    found = error.response.get("Error", {}).get("Code", "")
    return str(found) or str(status_of(error))


def status_of(error: ClientError) -> int:
    """The HTTP status; 0 where the answer has none."""
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)


def is_missing(error: ClientError) -> bool:
    """Whether the store itself says that there is no such object: any other 404 may be somebody else's."""
    return code_of(error) in _NO_OBJECT


def is_archived(error: ClientError) -> bool:
    """Whether the object must be restored before it can be read."""
    return code_of(error) == _ARCHIVED


def run_error(error: ClientError, bucket: str) -> ConnectorError:
    """What the engine does next when the bucket itself refuses."""
    code, status = code_of(error), status_of(error)
    if code in _CREDENTIALS:
        return Reconfigure(_CREDENTIALS[code])
    if code in _GONE or code in _NOT_THERE:
        return Stop(
            told("There is no bucket '{bucket}'. Check its name; nothing was deleted.", bucket=bucket)
        )
    if code in _BUSY or status >= _SERVER_ERROR:
        return Retry(told("The store is busy ({code}).", code=shown(code)), after=_RETRY_AFTER_S)
    return Reconfigure(
        told(
            "The store refuses to list the bucket '{bucket}' ({code}): give the access key the "
            "rights s3:ListBucket and s3:GetObject.",
            bucket=bucket,
            code=shown(code),
        )
    )


def object_error(error: ClientError, bucket: str) -> DocumentFailure | ConnectorError:
    """What to do when one object is not handed over: most reasons are its own."""
    code, status = code_of(error), status_of(error)
    if code in _NOT_THERE:
        return DocumentFailure(FailureCode.GONE, told("The object is no longer there."))
    if status == _UNKNOWN_CALLER:
        return Reconfigure(told("The store no longer takes the access key (401): check both parts of it."))
    if code in _CREDENTIALS or code in _GONE or code in _BUSY or status >= _SERVER_ERROR:
        return run_error(error, bucket)
    if is_archived(error):
        return DocumentFailure(FailureCode.REFUSED, told("The object is archived: restore it first."))
    return DocumentFailure(
        FailureCode.REFUSED, told("The store refuses to hand it over ({code}).", code=shown(code))
    )
