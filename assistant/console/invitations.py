"""Inviting people by a link that is good once: who was invited, a new link, and the end of one."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST

from assistant.accounts import invitations, local_sign_in
from assistant.accounts.invitations import LIFE, LONGEST_NAME, Purpose
from assistant.accounts.models import Role, User
from assistant.accounts.roles import RIGHTS, Right
from assistant.common.errors import UsageError
from assistant.console.administrators import AdministratorRequest, with_right
from assistant.console.proving import recently_proven

_UNFIT = 422


@dataclass(frozen=True, slots=True)
class Wish:
    """What was typed. `wrong`: by field, what is wrong with it."""

    email: str = ""
    name: str = ""
    role: str = Role.EMPLOYEE.value
    wrong: dict[str, str] | None = None


@require_http_methods(["GET", "POST"])
@with_right(Right.MANAGE_PEOPLE)
@recently_proven
def invitation_list(request: AdministratorRequest) -> HttpResponse:
    """All invitations. POST makes another one, whose link this answer alone shows."""
    if request.method != "POST":
        return _page(request, Wish())
    wish = Wish(
        email=request.POST.get("email", "").strip()[:254],
        name=request.POST.get("name", "").strip(),
        role=request.POST.get("role", ""),
    )
    try:
        made = invitations.invite(email=wish.email, name=wish.name, role=wish.role, inviter=request.user)
    except UsageError as error:
        wrong = _in_words(wish, error)
        return _page(request, Wish(wish.email, wish.name, wish.role, wrong), status=_UNFIT)
    link = request.build_absolute_uri(reverse("web:open-invitation", args=[made.word]))
    return _page(request, Wish(), made=made, link=link)


@require_POST
@with_right(Right.MANAGE_PEOPLE)
@recently_proven
def revoke(request: AdministratorRequest, invitation_id: int) -> HttpResponse:
    """End an invitation that nobody used."""
    invitations.revoke(invitation_id=invitation_id, actor=request.user.email)
    return redirect("console:people-invitations")


def _page(
    request: HttpRequest,
    wish: Wish,
    *,
    made: invitations.Made | None = None,
    link: str = "",
    status: int = 200,
) -> HttpResponse:
    context = {
        "invitations": invitations.listed(purposes=(Purpose.JOIN,)),
        "roles": _roles(request.user) if isinstance(request.user, User) else [],
        "wish": wish,
        "wrong": wish.wrong or {},
        "made": made,
        "link": link,
        "hours": int(LIFE.total_seconds() // 3600),
        "longest_name": LONGEST_NAME,
        "refused": local_sign_in.is_for_emergencies(),
    }
    return render(request, "console/invitations.html", context, status=status)


def _roles(user: User) -> list[tuple[str, str]]:
    """Roles that may do nothing that the inviter may not."""
    return [(value, str(label)) for value, label in Role.choices if RIGHTS[value] <= user.rights]


def _in_words(wish: Wish, error: UsageError) -> dict[str, str]:
    """What was wrong, at its field, in the language of the page."""
    if isinstance(error, invitations.NotNow):
        return {"": _not_now()}
    if isinstance(error, invitations.BadAddress):
        return {"email": gettext("That isn’t an e-mail address. Write one like name@example.com.")}
    if isinstance(error, invitations.Taken):
        return {"email": gettext("Somebody with this address has an account already.")}
    if isinstance(error, invitations.MoreRights):
        return {"role": gettext("This role may do what you may not. Somebody who has it must invite them.")}
    if len(wish.name) > LONGEST_NAME:
        return {"name": gettext("A name has at most %(n)s characters.") % {"n": LONGEST_NAME}}
    return {"role": gettext("There is no such role. Choose one from the list.")}


def _not_now() -> str:
    return gettext(
        "Passwords of Mundap count for emergency accounts alone (MUNDAP_LOCAL_SIGN_IN=emergency), so nobody "
        "is invited to one. People come from the company’s sign-in."
    )
