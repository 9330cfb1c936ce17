"""Who must show a second factor, and does what a session showed suffice?

Every session carries the ways by which its person came in. What was asked for at the sign-in page is not
asked for again; whether it still suffices is asked on every request, without the database, so that a new role
or a stricter setting counts at once.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from enum import StrEnum

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase

from assistant.accounts import local_sign_in
from assistant.accounts.models import User
from assistant.factors.models import AuthenticatorApp, Passkey, Postponement

_KEY = "ways"
_DEMO_COMPANY = "@ondam.example"  # no such domain can exist outside a demo (RFC 2606)


class Way(StrEnum):
    """How somebody showed who they are."""

    PASSWORD = "password"  # noqa: S105 - the name of a way
    CODE = "code"  # of an authenticator app
    RECOVERY = "recovery"
    PASSKEY = "passkey"  # with a finger, a face or a PIN, so both factors in one
    PROVIDER = "provider"  # an identity provider, which asks for whatever it wants
    DIRECTORY = "directory"  # the password was that of a company's directory
    LATER = "later"  # a demo on this very machine


class Required(StrEnum):
    """From whom a second factor is demanded."""

    ADMINISTRATORS = "administrators"  # every role with a right
    EVERYONE = "everyone"
    NOBODY = "nobody"


class Next(StrEnum):
    """What comes after the right password."""

    COME_IN = "come_in"
    SHOW = "show"
    SET_UP = "set_up"


_ENOUGH = frozenset({Way.CODE, Way.RECOVERY, Way.PASSKEY, Way.PROVIDER})
_BY_COMPANY = frozenset({Way.PROVIDER, Way.DIRECTORY})


def must_have(user: User) -> bool:
    """Whether the person cannot do without a second factor. An emergency account never can."""
    if user.is_emergency:
        return True
    required = settings.MUNDAP_REQUIRE_SECOND_FACTOR
    if required == Required.NOBODY:
        return False
    return required == Required.EVERYONE or bool(user.rights)


def has_any(user: User) -> bool:
    """Whether the person has set one up. Recovery codes alone are none, but for an emergency account: they
    lie in another envelope than its passphrase, and nobody who has that one alone sets anything up."""
    return (
        user.is_emergency
        or AuthenticatorApp.objects.filter(user=user).exists()
        or Passkey.objects.filter(user=user).exists()
    )


def after_password(user: User) -> Next:
    """Who has a factor is asked for it, whether or not they must have one."""
    if has_any(user):
        return Next.SHOW
    if not must_have(user) or (may_postpone(user) and Postponement.objects.filter(user=user).exists()):
        return Next.COME_IN
    return Next.SET_UP


def suffices(ways: Iterable[str], user: User) -> bool:
    """Whether a session in which this was shown may do what its person may do."""
    shown = set(ways)
    if not (local_sign_in.counts_for(user) or shown & _BY_COMPANY):
        return False
    return bool(shown & _ENOUGH) or not must_have(user) or (Way.LATER in shown and may_postpone(user))


def may_postpone(user: User) -> bool:
    """Only people of the demo company, where Mundap answers to nobody but this very machine."""
    return (
        settings.MUNDAP_DEMO
        and not settings.SESSION_COOKIE_SECURE
        and user.email.endswith(_DEMO_COMPANY)
        and all(_is_this_machine(host) for host in (settings.MUNDAP_HOST, *settings.ALLOWED_HOSTS))
    )


def note(session: SessionBase, ways: Iterable[Way]) -> None:
    """Write down what this session showed."""
    session[_KEY] = sorted(str(way) for way in ways)


def noted(session: SessionBase) -> frozenset[str]:
    """What it showed; nothing where that is missing or broken."""
    return _read(session.get(_KEY))


async def anoted(session: SessionBase) -> frozenset[str]:
    """See `noted`."""
    return _read(await session.aget(_KEY))


def _read(kept: object) -> frozenset[str]:
    return frozenset(one for one in kept if isinstance(one, str)) if isinstance(kept, list) else frozenset()


def _is_this_machine(host: str) -> bool:
    host = host.strip("[]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
