"""The pages of people: who they are here, by which addresses and accounts sources know them."""

from __future__ import annotations

from collections.abc import Callable

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_POST

from assistant.accounts import api_keys, directory
from assistant.accounts import people as services
from assistant.accounts.models import Role
from assistant.accounts.roles import Right
from assistant.accounts.sessions import end_all_sessions, sessions_of
from assistant.accounts.throttle import lift
from assistant.common.errors import UsageError
from assistant.common.identity import canonical_email
from assistant.console import service_accounts
from assistant.console.administrators import AdministratorRequest, with_right
from assistant.console.paging import Paging, number_in, page_asked
from assistant.console.proving import recently_proven
from assistant.factors.resetting import remembered, reset
from assistant.identity.connected import connected, disconnect
from assistant.privacy.erasing import holdings


@require_GET
@with_right(Right.MANAGE_PEOPLE)
def people(request: AdministratorRequest) -> HttpResponse:
    """Everybody who has an account; `?text=` looks for a name or an address."""
    text = request.GET.get("text", "").strip()
    found = directory.people_page(text=text, page=page_asked(request))
    context = {"found": found, "text": text, "paging": Paging(found.page, found.total)}
    return render(request, "console/people.html", context)


@require_GET
@with_right(Right.MANAGE_PEOPLE)
def person(request: AdministratorRequest, person_id: int) -> HttpResponse:
    """One person: role, addresses, source accounts, the end of the account."""
    return person_page(request, person_id)


@require_POST
@with_right(Right.MANAGE_PEOPLE)
@recently_proven
def role(request: AdministratorRequest, person_id: int) -> HttpResponse:
    """Give the person another role."""
    wanted = request.POST.get("role", "")
    actor = request.user.email
    return _done(
        request, person_id, "role", lambda: services.set_role(user_id=person_id, role=wanted, actor=actor)
    )


@require_POST
@with_right(Right.MANAGE_PEOPLE)
def add_address(request: AdministratorRequest, person_id: int) -> HttpResponse:
    """Another address by which sources know the person."""
    address = request.POST.get("address", "")
    actor = request.user.email
    return _done(
        request,
        person_id,
        "address",
        lambda: services.add_alias(user_id=person_id, address=address, actor=actor),
    )


@require_POST
@with_right(Right.MANAGE_PEOPLE)
def confirm_address(request: AdministratorRequest, person_id: int) -> HttpResponse:
    """What the former holder of an address was granted is meant for this person."""
    address = _address_of(request, person_id)
    actor = request.user.email
    return _done(
        request,
        person_id,
        "address",
        lambda: services.confirm_address(address=address, actor=actor),
    )


@require_POST
@with_right(Right.MANAGE_PEOPLE)
def release_address(request: AdministratorRequest, person_id: int) -> HttpResponse:
    """Take an alias from the person."""
    address = _address_of(request, person_id)
    services.release_address(address=address, actor=request.user.email)
    return redirect("console:person", person_id)


@require_POST
@with_right(Right.MANAGE_PEOPLE)
def link(request: AdministratorRequest, person_id: int) -> HttpResponse:
    """Decide that a source's account is this person's. Only one that may be theirs can be chosen."""
    source_id, account = _account_in(request)
    if source_id is None:
        raise Http404
    unclear = directory.person(person_id).unclear
    if not any((one.source_id, one.account) == (source_id, account) for one in unclear):
        raise Http404
    actor = request.user.email
    return _done(
        request,
        person_id,
        "account",
        lambda: services.link_account(
            connection_id=source_id, account_id=account, user_id=person_id, actor=actor
        ),
    )


@require_POST
@with_right(Right.MANAGE_PEOPLE)
def unlink(request: AdministratorRequest, person_id: int) -> HttpResponse:
    """Take back a decision about one of the person's accounts."""
    source_id, account = _account_in(request)
    if source_id is None:
        raise Http404
    linked = [one for one in directory.person(person_id).accounts if one.origin == "linked"]
    if not any((one.source_id, one.account) == (source_id, account) for one in linked):
        raise Http404
    actor = request.user.email
    return _done(
        request,
        person_id,
        "account",
        lambda: services.unlink_account(connection_id=source_id, account_id=account, actor=actor),
    )


@require_POST
@with_right(Right.MANAGE_PEOPLE)
@recently_proven
def close(request: AdministratorRequest, person_id: int) -> HttpResponse:
    """End the account."""
    actor = request.user.email
    return _done(
        request, person_id, "account", lambda: services.close_account(user_id=person_id, actor=actor)
    )


@require_POST
@with_right(Right.MANAGE_PEOPLE)
@recently_proven
def end_sessions(request: AdministratorRequest, person_id: int) -> HttpResponse:
    """End every session of the person, wherever they are signed in."""
    end_all_sessions(user_id=person_id, actor=request.user.email)
    return redirect("console:person", person_id)


@require_POST
@with_right(Right.MANAGE_PEOPLE)
@recently_proven
def reset_factors(request: AdministratorRequest, person_id: int) -> HttpResponse:
    """Take away all second factors of the person, who sets up new ones when they sign in next."""
    actor = request.user.email
    return _done(request, person_id, "factors", lambda: reset(user_id=person_id, actor=actor))


@require_POST
@with_right(Right.MANAGE_PEOPLE)
@recently_proven
def disconnect_identity(request: AdministratorRequest, person_id: int) -> HttpResponse:
    """The person is not known by one of the company's providers any more."""
    identity_id = number_in(request.POST.get("identity", ""))
    if identity_id is None:
        raise Http404
    disconnect(identity_id=identity_id, user_id=person_id, actor=request.user.email)
    return redirect("console:person", person_id)


@require_POST
@with_right(Right.MANAGE_PEOPLE)
def let_in(request: AdministratorRequest, person_id: int) -> HttpResponse:
    """Forget the wrong passwords that were entered for the person, so that nobody waits for them."""
    lift(name=directory.person(person_id).label.email, actor=request.user.email)
    return redirect("console:person", person_id)


@require_POST
@with_right(Right.MANAGE_PEOPLE)
def revoke_key(request: AdministratorRequest, person_id: int, key_id: int) -> HttpResponse:
    """End one of the person's keys for the API."""
    api_keys.revoke_key(key_id=key_id, user_id=person_id, actor=request.user.email)
    return redirect("console:person", person_id)


@require_POST
@with_right(Right.MANAGE_PEOPLE)
@recently_proven
def reopen(request: AdministratorRequest, person_id: int) -> HttpResponse:
    """Open it again."""
    actor = request.user.email
    return _done(
        request, person_id, "account", lambda: services.reopen_account(user_id=person_id, actor=actor)
    )


@require_POST
@with_right(Right.MANAGE_PEOPLE)
def free(request: AdministratorRequest, person_id: int) -> HttpResponse:
    """Set the addresses of a closed account free."""
    actor = request.user.email
    return _done(
        request,
        person_id,
        "addresses",
        lambda: services.release_closed_account(user_id=person_id, actor=actor),
    )


def _done(
    request: AdministratorRequest, person_id: int, field: str, change: Callable[[], object]
) -> HttpResponse:
    """Make the change and show the person; what was wrong stands at the field, with what was typed."""
    try:
        change()
    except UsageError as error:
        return person_page(request, person_id, status=422, wrong={field: _in_words(request, field, error)})
    return redirect("console:person", person_id)


def _in_words(request: AdministratorRequest, field: str, error: UsageError) -> str:
    """What was wrong, in the language of the page; the service's own words where nothing here knows them."""
    if isinstance(error, services.OwnAccount):
        return gettext("You can’t change your own account. Ask somebody else who manages people.")
    if isinstance(error, services.OwnInvitation):
        return gettext("You invited this person, so somebody else who manages people decides about this.")
    if isinstance(error, services.EmergencyAccount):
        return gettext("The emergency account is changed on the server alone: manage.py emergency.")
    if isinstance(error, services.LastManager):
        return gettext("Nobody else manages people. Give somebody such a role first.")
    if field == "address" and not _is_address(request.POST.get("address", "")):
        return gettext("That isn’t an e-mail address. Write one like name@example.com.")
    if field == "address":
        return gettext("This address already belongs to somebody. Release it there first.")
    if field == "role" and request.POST.get("role", "") not in Role.values:
        return gettext("There is no such role. Choose one from the list.")
    if field == "addresses":
        return gettext("The account is open. Close it before you free its addresses.")
    return str(error)


def _is_address(text: str) -> bool:
    try:
        canonical_email(text)
    except UsageError:
        return False
    return True


def person_page(
    request: AdministratorRequest, person_id: int, *, status: int = 200, wrong: dict[str, str] | None = None
) -> HttpResponse:
    """The person's page; `wrong` says at which field what was wrong."""
    detail = directory.person(person_id)
    if detail.label.is_service:
        return service_accounts.page(request, detail, service_accounts.Said(wrong=wrong or {}), status=status)
    context = {
        "detail": detail,
        "roles": Role.choices,
        "keys": api_keys.working_keys_of(user_id=person_id),
        "signed_in": len(sessions_of(user_id=person_id)),
        "factors": remembered(user_id=person_id),
        "identities": connected(person_id),
        "is_own": person_id == request.user.pk,
        "holdings": holdings(person_id),
        "wrong": wrong or {},
        "typed": request.POST.get("address", "")[:254],
    }
    return render(request, "console/person.html", context, status=status)


def _address_of(request: AdministratorRequest, person_id: int) -> str:
    """An address that is the person's at this moment: an old form must not move somebody else's."""
    address = request.POST.get("address", "")
    if not any(row.address == address for row in directory.person(person_id).addresses):
        raise Http404
    return address


def _account_in(request: AdministratorRequest) -> tuple[int | None, str]:
    return number_in(request.POST.get("source", "")), request.POST.get("account", "")
