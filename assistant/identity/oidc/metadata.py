"""What a provider says of itself (OpenID Connect Discovery 1.0), as far as it can be used."""

from __future__ import annotations

from dataclasses import dataclass

from assistant.common.told import told
from assistant.common.types import JsonObject
from assistant.identity.oidc.addresses import is_safe_beside
from assistant.identity.oidc.rejections import Reason, Rejected
from assistant.identity.oidc.signed import ALGORITHMS

_WAYS_TO_PROVE_THE_CLIENT = ("client_secret_basic", "client_secret_post")


@dataclass(frozen=True, slots=True)
class Metadata:
    """Addresses are empty where the provider has none. `client_auth`: how the client shows its secret."""

    issuer: str
    authorization: str
    token: str
    keys: str
    userinfo: str
    end_session: str
    algorithms: tuple[str, ...]
    client_auth: str
    says_issuer: bool  # with each answer (RFC 9207)


def metadata_of(document: JsonObject, *, issuer: str) -> Metadata:
    """The provider's configuration, of exactly this issuer.

    Raises:
        Rejected: it is of another issuer, lacks an address, or offers nothing that Mundap accepts.
    """
    if document.get("issuer") != issuer:
        raise Rejected(
            Reason.METADATA,
            told(
                "The provider calls itself {name}: enter exactly that as the issuer if it is right.",
                name=str(document.get("issuer", ""))[:200] or "?",
            ),
        )
    signing = _texts(document, "id_token_signing_alg_values_supported") or ("RS256",)
    algorithms = tuple(name for name in ALGORITHMS if name in signing)
    if not algorithms:
        raise Rejected(Reason.METADATA, told("The provider signs its tokens in no way that is accepted."))
    if "S256" not in (_texts(document, "code_challenge_methods_supported") or ("S256",)):
        raise Rejected(Reason.METADATA, told("The provider does not support PKCE with S256."))
    ways = _texts(document, "token_endpoint_auth_methods_supported") or ("client_secret_basic",)
    way = next((way for way in _WAYS_TO_PROVE_THE_CLIENT if way in ways), "")
    if not way:
        raise Rejected(
            Reason.METADATA,
            told("The provider takes the client secret neither as client_secret_basic nor _post."),
        )
    return Metadata(
        issuer=issuer,
        authorization=_address(document, "authorization_endpoint", issuer),
        token=_address(document, "token_endpoint", issuer),
        keys=_address(document, "jwks_uri", issuer),
        userinfo=_address(document, "userinfo_endpoint", issuer, needed=False),
        end_session=_address(document, "end_session_endpoint", issuer, needed=False),
        algorithms=algorithms,
        client_auth=way,
        says_issuer=document.get("authorization_response_iss_parameter_supported") is True,
    )


def _address(document: JsonObject, name: str, issuer: str, *, needed: bool = True) -> str:
    value = document.get(name)
    if isinstance(value, str) and is_safe_beside(value, issuer):
        return value
    if needed or value:
        raise Rejected(
            Reason.METADATA, told("The provider's configuration has no safe address as {name}.", name=name)
        )
    return ""


def _texts(document: JsonObject, name: str) -> tuple[str, ...]:
    value = document.get(name)
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()
