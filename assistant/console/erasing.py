"""Erasing a person, from their page: what would go is shown there, and their address must be typed."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from assistant.accounts import directory
from assistant.accounts.people import EmergencyAccount, LastManager, OwnAccount
from assistant.accounts.roles import Right
from assistant.common.errors import UsageError
from assistant.common.identity import known_as_address
from assistant.console.administrators import AdministratorRequest, with_right
from assistant.console.people import person_page
from assistant.console.proving import recently_proven
from assistant.privacy.erasing import erase


@require_POST
@with_right(Right.MANAGE_PEOPLE)
@recently_proven
def erase_person(request: AdministratorRequest, person_id: int) -> HttpResponse:
    """Erase the person for good."""
    label = directory.person(person_id).label
    if known_as_address(request.POST.get("typed_address", "")) != label.email:
        wrong = gettext("Type %(address)s to be sure. Nothing was erased.") % {"address": label.email}
        return person_page(request, person_id, status=422, wrong={"erase": wrong})
    try:
        done = erase(user_id=person_id, actor=request.user.email)
    except UsageError as error:
        return person_page(request, person_id, status=422, wrong={"erase": _in_words(error)})
    return render(request, "console/person_erased.html", {"done": done, "rights": request.user.rights})


def _in_words(error: UsageError) -> str:
    if isinstance(error, OwnAccount):
        return gettext("You can’t change your own account. Ask somebody else who manages people.")
    if isinstance(error, EmergencyAccount):
        return gettext("The emergency account is changed on the server alone: manage.py emergency.")
    if isinstance(error, LastManager):
        return gettext("Nobody else manages people. Give somebody such a role first.")
    return str(error)
