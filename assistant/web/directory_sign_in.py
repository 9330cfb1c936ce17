"""Signing in with the password of a company's directory, typed into our own form."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.views.decorators.debug import sensitive_variables

from assistant.accounts.models import User
from assistant.audit.trail import Event, record
from assistant.common.errors import MundapError
from assistant.common.identity import known_as_address
from assistant.identity.arriving import admit
from assistant.identity.ldap.asking import directory_for, person_by_password
from assistant.identity.models import ExternalIdentity
from assistant.identity.refusals import Refused
from assistant.web.company_sign_in import note_refusal, refusal_page

_LONGEST_DETAIL = 300


@dataclass(frozen=True, slots=True)
class OutOfReach:
    """The directory could not be asked, which says nothing of the password."""

    sentence: str


@dataclass(frozen=True, slots=True)
class Came:
    """Whose account it is, and who they are at the directory. Nobody is signed in yet."""

    user: User
    identity: ExternalIdentity


@sensitive_variables("password")
def by_directory(
    request: HttpRequest, *, name: str, password: str
) -> Came | HttpResponse | OutOfReach | None:
    """The person, if a directory that may be asked about the name says so.

    A page where the directory knows them and Mundap does not let them in; None for a wrong name or password,
    and where no directory may be asked.
    """
    provider = directory_for(name)
    if provider is None or not password:
        return None
    try:
        claims = person_by_password(provider, name=name, password=password)
    except MundapError as error:
        record(
            Event.IDENTITY_REFUSED,
            actor=known_as_address(name),
            provider=provider.slug,
            reason="unreachable",
            detail=str(error)[:_LONGEST_DETAIL],
        )
        sentence = gettext(
            "%(provider)s can’t be reached at the moment, so your company password can’t be checked. Try "
            "again in a few minutes."
        )
        return OutOfReach(sentence % {"provider": provider.name})
    if claims is None:
        return None
    try:
        with transaction.atomic():
            user, identity = admit(provider, claims)
    except Refused as refused:
        note_refusal(provider, claims, refused)
        return refusal_page(request, provider)
    return Came(user, identity)
