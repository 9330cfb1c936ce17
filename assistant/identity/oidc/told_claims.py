"""From the claims of an OpenID provider to what it says of a person."""

from __future__ import annotations

from collections.abc import Mapping

from assistant.common.types import Json, JsonObject
from assistant.identity.claims import Claims
from assistant.identity.oidc.settings import Settings

_LONGEST_HINT = 4_000  # it becomes part of an address


def needs_userinfo(settings: Settings, token: JsonObject) -> bool:
    """Whether the ID token leaves something open that was asked for."""
    names = (settings.email_claim, settings.name_claim, settings.groups_claim)
    return any(name and found(token, name) is None for name in names)


def claims_from(settings: Settings, token: JsonObject, userinfo: JsonObject, *, id_token: str) -> Claims:
    """What both said, the token first. An address counts as verified by the word of who said the address."""
    of_address = token if found(token, settings.email_claim) is not None else userinfo
    email, name = found(of_address, settings.email_claim), _first(settings.name_claim, token, userinfo)
    session = token.get("sid")
    return Claims(
        subject=str(token["sub"]),
        email=email if isinstance(email, str) else "",
        verified=not settings.wants_verified_address or _vouched(of_address, email),
        name=name if isinstance(name, str) else "",
        groups=_groups(_first(settings.groups_claim, token, userinfo)),
        session=session if isinstance(session, str) else "",
        kept={"id_token": id_token} if len(id_token) <= _LONGEST_HINT else {},
    )


def _vouched(said: JsonObject, email: Json) -> bool:
    """`email_verified` is said of the claim `email` and of no other: whoever may choose what another claim
    holds, as a preferred user name, must not get an account by it."""
    return said.get("email_verified") in (True, "true") and said.get("email") == email


def found(said: JsonObject, path: str) -> Json:
    """The claim of this name, or the one to which its dots lead; None for none."""
    if not path or path in said:
        return said.get(path) if path else None
    value: Json = said
    for step in path.split("."):
        if not isinstance(value, Mapping) or step not in value:
            return None
        value = value[step]
    return value


def _first(path: str, *documents: JsonObject) -> Json:
    return next((value for said in documents if (value := found(said, path)) is not None), None)


def _groups(value: Json) -> tuple[str, ...] | None:
    """None where nothing usable was told, which takes nobody's role away."""
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return tuple(map(str, value))
    return None
