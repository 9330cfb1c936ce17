"""Signing in with the password of a company's directory, typed into our own form."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.debug import sensitive_variables

from assistant.accounts.models import User
from assistant.identity.arriving import admit
from assistant.identity.ldap.asking import OutOfReach, directory_for, person_by_password
from assistant.identity.models import ExternalIdentity
from assistant.identity.refusals import Refused
from assistant.web.company_sign_in import note_refusal, refusal_page


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
    claims = person_by_password(provider, name=name, password=password)
    if claims is None or isinstance(claims, OutOfReach):
        return claims
    try:
        with transaction.atomic():
            user, identity = admit(provider, claims)
    except Refused as refused:
        note_refusal(provider, claims, refused)
        return refusal_page(request, provider)
    return Came(user, identity)
