"""Reading signed tokens (RFC 7519, hardened by RFC 8725): one signature, by a key that the provider shows.

What a token says of its own keys (`jwk`, `jku`, `x5u`, `x5c`) is never looked at. Only its key's number is,
and a key fits an algorithm by its own type and curve.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from assistant.common.types import JsonObject
from assistant.identity.oidc.rejections import Reason, Rejected
from assistant.identity.oidc.storable import is_storable

ALGORITHMS = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
)  # fmt: skip
LEEWAY_S = 60  # by how much two clocks may differ
_FITS = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), ("RSA", None)),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", "Ed25519"),
}
_HASHES = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512}
_LONGEST_TOKEN = 64_000
_FEWEST_RSA_BITS = 2048
_REASONS: tuple[tuple[type[Exception], Reason], ...] = (
    (jwt.ExpiredSignatureError, Reason.EXPIRED),
    (jwt.ImmatureSignatureError, Reason.NOT_YET),
    (jwt.InvalidIssuerError, Reason.ISSUER),
    (jwt.InvalidAudienceError, Reason.AUDIENCE),
    (jwt.MissingRequiredClaimError, Reason.MISSING_CLAIM),
    (jwt.InvalidSignatureError, Reason.SIGNATURE),
)

Keys = Callable[[str | None], Sequence[JsonObject]]
"""The keys that the provider publishes; asked for one that is unknown, it may look again."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a token must be. `types` are values of its header `typ` in small letters; "" for none."""

    issuer: str
    audience: str
    algorithms: tuple[str, ...]
    types: frozenset[str]
    claims: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Token:
    """What a verified token says, and how it was signed."""

    claims: JsonObject
    algorithm: str

    def half_hash(self, text: str) -> str:
        """What `at_hash` is of this text (OpenID Connect Core 1.0, 3.1.3.6)."""
        hashed = _HASHES.get(self.algorithm[2:], hashlib.sha512)  # EdDSA hashes with SHA-512
        digest = hashed(text.encode()).digest()
        return base64.urlsafe_b64encode(digest[: len(digest) // 2]).decode("ascii").rstrip("=")


def read(token: str, wanted: Wanted, keys: Keys) -> Token:
    """The claims of a token whose signature, issuer, audience and times are right.

    Raises:
        Rejected: they are not.
    """
    header = _header(token)
    algorithm, number = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in wanted.algorithms or algorithm not in _FITS:
        raise Rejected(Reason.ALGORITHM)
    if "crit" in header or "b64" in header:
        raise Rejected(Reason.CRITICAL_HEADER)
    if str(header.get("typ", "")).lower().removeprefix("application/") not in wanted.types:
        raise Rejected(Reason.TYPE)
    if number is not None and not isinstance(number, str):
        raise Rejected(Reason.MALFORMED)
    key = _key(keys(number), number, algorithm)
    try:
        claims = jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            issuer=wanted.issuer,
            audience=wanted.audience,
            leeway=LEEWAY_S,
            options={"require": ["iss", "aud", "iat", *wanted.claims], "strict_aud": False},
        )
    except (jwt.InvalidTokenError, ValueError, TypeError, RecursionError) as error:
        raise Rejected(_reason(error)) from error
    if not is_storable(claims):
        raise Rejected(Reason.MALFORMED)
    _judge_audience(claims, wanted.audience)
    return Token(claims, algorithm)


def _header(token: str) -> dict[str, Any]:
    if len(token) > _LONGEST_TOKEN or not token.isascii():
        raise Rejected(Reason.MALFORMED)
    try:
        return jwt.get_unverified_header(token)
    except (jwt.InvalidTokenError, ValueError, RecursionError) as error:
        raise Rejected(Reason.MALFORMED) from error


def _key(published: Sequence[JsonObject], number: str | None, algorithm: str) -> jwt.PyJWK:
    """The one key that fits. Where two do, nobody can say which was meant, and none is taken."""
    fitting = [key for key in published if _fits(key, number, algorithm)]
    if len(fitting) != 1:
        raise Rejected(Reason.UNKNOWN_KEY)
    try:
        key = jwt.PyJWK.from_dict(dict(fitting[0]), algorithm=algorithm)
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        raise Rejected(Reason.UNKNOWN_KEY) from error
    if isinstance(key.key, RSAPublicKey) and key.key.key_size < _FEWEST_RSA_BITS:
        raise Rejected(Reason.WEAK_KEY)
    return key


def _fits(key: JsonObject, number: str | None, algorithm: str) -> bool:
    kind, curve = _FITS[algorithm]
    operations = key.get("key_ops")
    return (
        (number is None or key.get("kid") == number)
        and key.get("kty") == kind
        and (curve is None or key.get("crv") == curve)
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
        and (not isinstance(operations, list) or "verify" in operations)
        and "d" not in key  # a provider that publishes its private key proves nothing by it
    )


def _judge_audience(claims: JsonObject, audience: str) -> None:
    """It must be meant for us and for nobody else, and have been given to us."""
    if claims["aud"] not in (audience, [audience]):
        raise Rejected(Reason.AUDIENCE)
    if claims.get("azp", audience) != audience:
        raise Rejected(Reason.AUTHORIZED_PARTY)


def _reason(error: Exception) -> Reason:
    return next((reason for kind, reason in _REASONS if isinstance(error, kind)), Reason.MALFORMED)
