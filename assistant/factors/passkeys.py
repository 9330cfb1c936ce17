"""Passkeys (WebAuthn, level 3): made, shown, removed. The library checks signatures; this, everything around.

The device must have seen its person (a finger, a face, a PIN), so that one passkey is two factors. It signs
for one origin and one number, and both must be exactly ours.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar, cast

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac
from fido2.server import Fido2Server
from fido2.utils import websafe_encode
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    PublicKeyCredentialDescriptor,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialType,
    PublicKeyCredentialUserEntity,
    RegistrationResponse,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from assistant.accounts.models import Kind, User
from assistant.audit.trail import Event, record
from assistant.common.errors import NotFound, UsageError
from assistant.common.one_line import one_line
from assistant.common.types import Json, JsonObject
from assistant.factors.challenges import Purpose, new_challenge, spend
from assistant.factors.models import LONGEST_NAME, Passkey

MOST = 20  # of one person
_SALT = "mundap.passkey-owner"
_ALGORITHMS = (-8, -7, -257)  # Ed25519, ECDSA and RSA, each with SHA-256: what every device knows
_ALGORITHM = 3  # its place in a key (RFC 9052, 7.1)
_REQUIRED = UserVerificationRequirement.REQUIRED
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Site:
    """Where the person is: the host's name and the origin of its pages, e.g. `https://ask.example.com`."""

    name: str
    origin: str


@dataclass(frozen=True, slots=True)
class Asked:
    """For what, in which browser and of whom a device is asked. `user` is None where it is to say who."""

    purpose: str
    browser: str
    user: User | None = None


class Unusable(UsageError):
    """What the browser sent is no passkey of ours, or not now."""


def options_to_make(site: Site, asked: Asked) -> JsonObject:
    """What a browser needs to make a passkey.

    Raises:
        UsageError: the person has as many as they can have.
    """
    user = _known(asked)
    own = list(Passkey.objects.filter(user=user, site=site.name))
    if Passkey.objects.filter(user=user).count() >= MOST:
        raise UsageError(f"You have {MOST} passkeys. Remove one first.")
    options, _ = _server(site).register_begin(
        PublicKeyCredentialUserEntity(
            id=bytes.fromhex(_owner(user)), name=user.email, display_name=user.name or user.email
        ),
        credentials=[_descriptor(one) for one in own],
        resident_key_requirement=ResidentKeyRequirement.PREFERRED,
        user_verification=_REQUIRED,
        challenge=new_challenge(asked.purpose, browser=asked.browser, user=user),
    )
    made = cast(dict[str, Json], dict(options))
    public = dict(cast(JsonObject, made["publicKey"]))
    public["pubKeyCredParams"] = [{"type": "public-key", "alg": number} for number in _ALGORITHMS]
    return {"publicKey": public}


def make(site: Site, asked: Asked, response: JsonObject, *, name: str) -> Passkey:
    """Keep the passkey that a device made.

    Raises:
        Unusable: it was not made for this number, origin, host and person, or somebody has it.
    """
    user = _known(asked)
    registration = _parsed(lambda: RegistrationResponse.from_dict(response))
    _spend(registration.response.client_data.challenge, asked)
    state = _state(registration.response.client_data.challenge)
    data = _parsed(lambda: _server(site).register_complete(state, registration))
    credential = data.credential_data
    if credential is None or credential.public_key.get(_ALGORITHM) not in _ALGORITHMS:
        raise Unusable("The device sent no key of a kind that was asked for.")
    try:
        with transaction.atomic():
            passkey = Passkey.objects.create(
                user=user,
                owner=_owner(user),
                name=name.strip()[:LONGEST_NAME] or "Passkey",
                site=site.name,
                credential_digest=_digest(credential.credential_id),
                credential=bytes(credential),
                sign_count=data.counter,
            )
            record(Event.PASSKEY_ADDED, actor_id=user.pk, actor=user.email, name=passkey.name)
    except IntegrityError as error:
        raise Unusable("This passkey is known already.") from error
    return passkey


def options_to_show(site: Site, asked: Asked) -> JsonObject:
    """What a browser needs to show a passkey: one of the person's or, where nobody is named, any."""
    own = None
    if asked.user is not None:
        own = [_descriptor(one) for one in Passkey.objects.filter(user=asked.user, site=site.name)]
    options, _ = _server(site).authenticate_begin(
        own,
        user_verification=_REQUIRED,
        challenge=new_challenge(asked.purpose, browser=asked.browser, user=asked.user),
    )
    return cast(JsonObject, dict(options))


def show(site: Site, asked: Asked, response: JsonObject) -> User:
    """Whose passkey this is, if the device signed our number for this origin with it just now.

    Raises:
        Unusable: it did not; nobody has such a passkey; it is another person's; its account is closed.
    """
    shown = _parsed(lambda: AuthenticationResponse.from_dict(response))
    challenge = shown.response.client_data.challenge
    _spend(challenge, asked)
    known = Passkey.objects.filter(credential_digest=_digest(shown.raw_id), site=site.name)
    passkey = known.filter(user__is_active=True, user__kind=Kind.PERSON).select_related("user").first()
    if passkey is None or (asked.user is not None and passkey.user_id != asked.user.pk):
        raise Unusable("Nobody here has this passkey.")
    handle = shown.response.user_handle
    if (handle is not None or asked.user is None) and handle != bytes.fromhex(passkey.owner):
        raise Unusable("The passkey names another person.")
    credential = AttestedCredentialData(bytes(passkey.credential))
    _parsed(lambda: _server(site).authenticate_complete(_state(challenge), [credential], shown))
    _count(passkey, shown.response.authenticator_data.counter)
    return passkey.user


def rename(*, user: User, handle: str, name: str) -> None:
    """Call it otherwise.

    Raises:
        NotFound: the person has no such passkey.
        UsageError: an empty name.
    """
    name = one_line(name)[:LONGEST_NAME]
    if not name:
        raise UsageError("A passkey needs a name.")
    if not Passkey.objects.filter(user=user, handle=handle).update(name=name):
        raise NotFound("There is no such passkey.")


def remove(*, user: User, handle: str) -> None:
    """It signs nobody in any more.

    Raises:
        NotFound: the person has no such passkey.
    """
    with transaction.atomic():
        passkey = Passkey.objects.select_for_update().filter(user=user, handle=handle).first()
        if passkey is None:
            raise NotFound("There is no such passkey.")
        passkey.delete()
        record(Event.PASSKEY_REMOVED, actor_id=user.pk, actor=user.email, name=passkey.name)


def _count(passkey: Passkey, counter: int) -> None:
    """A device that counts must count on: the same number twice means that somebody has a copy of the key."""
    rows = Passkey.objects.filter(pk=passkey.pk)
    fresh = rows.filter(sign_count=0) if counter == 0 else rows.filter(sign_count__lt=counter)
    if not fresh.update(sign_count=counter, used_at=timezone.now()):
        user = passkey.user
        record(Event.PASSKEY_REFUSED, actor_id=user.pk, actor=user.email, name=passkey.name)
        raise Unusable("The passkey was copied, or removed at this moment.")


def _server(site: Site) -> Fido2Server:
    return Fido2Server(
        PublicKeyCredentialRpEntity(id=site.name, name="Mundap"),
        verify_origin=lambda origin: origin == site.origin,
    )


def _state(challenge: bytes) -> JsonObject:
    """What the library compares with: the number was found among ours and is spent."""
    return {"challenge": websafe_encode(challenge), "user_verification": _REQUIRED}


def _spend(challenge: bytes, asked: Asked) -> None:
    if not spend(challenge, asked.purpose, browser=asked.browser, user=asked.user):
        raise Unusable("That took too long, or it was sent twice.")


def _parsed(step: Callable[[], T]) -> T:
    """What the library makes of what a browser sent, which may be anything."""
    try:
        return step()
    except Exception as error:
        raise Unusable("The browser sent no passkey that can be used here.") from error


def _owner(user: User) -> str:
    """What the person's devices know of them: the same from the first question on, before any row exists."""
    known = Passkey.objects.filter(user=user).values_list("owner", flat=True).first()
    return known or salted_hmac(_SALT, str(user.pk), algorithm="sha256").hexdigest()


def _known(asked: Asked) -> User:
    if asked.user is None or asked.purpose != Purpose.ENROL:
        raise ValueError("A passkey is made for somebody.")
    return asked.user


def _descriptor(passkey: Passkey) -> PublicKeyCredentialDescriptor:
    credential = AttestedCredentialData(bytes(passkey.credential))
    return PublicKeyCredentialDescriptor(type=PublicKeyCredentialType.PUBLIC_KEY, id=credential.credential_id)


def _digest(credential_id: bytes) -> str:
    return hashlib.sha256(credential_id).hexdigest()
