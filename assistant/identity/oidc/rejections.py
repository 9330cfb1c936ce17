"""Why an answer of an OpenID provider is not believed."""

from __future__ import annotations

from enum import StrEnum

from assistant.common.errors import MundapError
from assistant.common.told import told


class Reason(StrEnum):
    """For the audit log. No value holds anything of the message."""

    MALFORMED = "malformed"
    ALGORITHM = "algorithm"
    CRITICAL_HEADER = "critical_header"
    TYPE = "type"
    UNKNOWN_KEY = "unknown_key"
    WEAK_KEY = "weak_key"
    SIGNATURE = "signature"
    ISSUER = "issuer"
    AUDIENCE = "audience"
    AUTHORIZED_PARTY = "authorized_party"
    EXPIRED = "expired"
    NOT_YET = "not_yet"
    MISSING_CLAIM = "missing_claim"
    NONCE = "nonce"
    ACCESS_TOKEN = "access_token"  # noqa: S105 - the name of a reason
    NOT_AUTHENTICATED_ANEW = "not_authenticated_anew"
    OTHER_SUBJECT = "other_subject"
    MIXED_UP = "mixed_up"
    PROVIDER_ERROR = "provider_error"
    CODE_REFUSED = "code_refused"
    CLIENT_REFUSED = "client_refused"
    NO_TOKEN = "no_token"  # noqa: S105 - the name of a reason
    UNREACHABLE = "unreachable"
    METADATA = "metadata"
    NO_LOGOUT_EVENT = "no_logout_event"
    SPENT = "spent"


SENTENCES: dict[Reason, str] = {
    Reason.MALFORMED: told("The provider's answer is not what OpenID Connect says it must be."),
    Reason.ALGORITHM: told("The token is signed in a way that is not accepted."),
    Reason.CRITICAL_HEADER: told("The token wants an extension that Mundap does not know."),
    Reason.TYPE: told("The token is of another type than was asked for."),
    Reason.UNKNOWN_KEY: told("The token is signed with a key that the provider does not publish."),
    Reason.WEAK_KEY: told("The provider's key is too short: RSA needs 2,048 bits."),
    Reason.SIGNATURE: told("The signature of the token is wrong."),
    Reason.ISSUER: told("The token is of another issuer."),
    Reason.AUDIENCE: told("The token is meant for another application."),
    Reason.AUTHORIZED_PARTY: told("The token was given to another application."),
    Reason.EXPIRED: told("The token has expired. Check the clocks of both servers."),
    Reason.NOT_YET: told("The token is from the future. Check the clocks of both servers."),
    Reason.MISSING_CLAIM: told("The token lacks something that it must say."),
    Reason.NONCE: told("The token belongs to another sign-in."),
    Reason.ACCESS_TOKEN: told("The two tokens of the answer do not belong together."),
    Reason.NOT_AUTHENTICATED_ANEW: told(
        "The provider did not say that the person signed in anew: it must put auth_time into the token."
    ),
    Reason.OTHER_SUBJECT: told("The provider told about another person than the one who signed in."),
    Reason.MIXED_UP: told("The answer came from another provider than the one that was asked."),
    Reason.PROVIDER_ERROR: told("The provider ended the sign-in with an error."),
    Reason.CODE_REFUSED: told("The provider does not accept the code that it gave."),
    Reason.CLIENT_REFUSED: told("The provider does not accept the client ID or the client secret."),
    Reason.NO_TOKEN: told("The provider gave no ID token: the scope openid is needed."),
    Reason.UNREACHABLE: told("The provider cannot be reached."),
    Reason.METADATA: told("The provider's configuration cannot be used."),
    Reason.NO_LOGOUT_EVENT: told("The message is no sign-out of OpenID Connect."),
    Reason.SPENT: told("The message came before."),
}


class Rejected(MundapError):
    """The answer is not believed. `detail` is a sentence with more for administrators, perhaps empty."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(detail or SENTENCES[reason])
        self.reason = reason
        self.detail = detail
