"""The pages of service accounts: programs that belong to nobody, and their keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST

from assistant.accounts import api_keys, directory
from assistant.accounts import service_accounts as services
from assistant.accounts.key_form import KeyForm, read_key_form
from assistant.accounts.models import SERVICE_DOMAIN
from assistant.accounts.roles import Right
from assistant.common.one_line import one_line
from assistant.console.administrators import AdministratorRequest, with_right
from assistant.console.proving import recently_proven
from assistant.privacy.erasing import holdings

_WRONG = 422


@dataclass(slots=True)
class ServiceForm:
    """What was typed of a service account. `wrong`: by field, what is wrong with it."""

    word: str = ""
    name: str = ""
    contact: str = ""
    wrong: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Said:
    """What came of a form of an account's page. `wrong`: by field of another form, what is wrong with it."""

    wrong: Mapping[str, str] = field(default_factory=dict)
    form: ServiceForm | None = None
    key_form: KeyForm | None = None
    made: str = ""  # the text of a new key


@require_http_methods(["GET", "POST"])
@with_right(Right.MANAGE_PEOPLE)
@recently_proven
def service_accounts(request: AdministratorRequest) -> HttpResponse:
    """All of them. POST adds one."""
    if request.method == "GET":
        return _list(request, ServiceForm())
    form = _typed(request)
    if not services.is_word(form.word):
        form.wrong["word"] = gettext("Write letters a to z, digits and hyphens, such as intranet-search.")
    if form.wrong:
        return _list(request, form)
    try:
        made = services.add_service_account(
            word=form.word, name=form.name, contact=form.contact, actor=request.user.email
        )
    except services.WordTaken:
        form.wrong["word"] = gettext("There is or was already one of this name. Choose another.")
        return _list(request, form)
    return redirect("console:person", made.pk)


@require_POST
@with_right(Right.MANAGE_PEOPLE)
@recently_proven
def change(request: AdministratorRequest, person_id: int) -> HttpResponse:
    """Another name, or somebody else to ask."""
    user = services.require_service_account(person_id)
    form = _typed(request)
    if form.wrong:
        return page(request, directory.person(user.pk), Said(form=form), status=_WRONG)
    services.change_service_account(
        user_id=user.pk, name=form.name, contact=form.contact, actor=request.user.email
    )
    return redirect("console:person", user.pk)


@require_POST
@with_right(Right.MANAGE_PEOPLE)
@recently_proven
def add_key(request: AdministratorRequest, person_id: int) -> HttpResponse:
    """A new key of a service account. This answer alone shows it. People make their own."""
    user = services.require_service_account(person_id)
    working = len(api_keys.working_keys_of(user_id=user.pk))
    form = read_key_form(request.POST, offered=api_keys.scopes_for(user), working=working)
    if form.wrong:
        return page(request, directory.person(user.pk), Said(key_form=form), status=_WRONG)
    new = api_keys.issue_key(
        user_id=user.pk, name=form.name, days=form.days, scopes=form.scopes, actor=request.user.email
    )
    return page(request, directory.person(user.pk), Said(made=new.text))


def page(
    request: AdministratorRequest, detail: directory.PersonDetail, said: Said, *, status: int = 200
) -> HttpResponse:
    """The page of one service account."""
    label = detail.label
    context = {
        "detail": detail,
        "keys": api_keys.working_keys_of(user_id=label.id),
        "form": said.form or ServiceForm(name=label.name, contact=label.contact),
        "key_form": said.key_form or KeyForm(api_keys.scopes_for(label)),
        "longest_name": services.LONGEST_NAME,
        "longest_contact": services.LONGEST_CONTACT,
        "made": said.made,
        "is_own": False,
        "holdings": holdings(label.id),
        "wrong": said.wrong,
        "typed": request.POST.get("address", "")[:254],
    }
    return render(request, "console/service_account.html", context, status=status)


def _list(request: AdministratorRequest, form: ServiceForm) -> HttpResponse:
    context = {
        "accounts": services.service_accounts(),
        "form": form,
        "domain": SERVICE_DOMAIN,
        "longest_word": services.LONGEST_WORD,
        "longest_name": services.LONGEST_NAME,
        "longest_contact": services.LONGEST_CONTACT,
    }
    return render(request, "console/service_accounts.html", context, status=_WRONG if form.wrong else 200)


def _typed(request: AdministratorRequest) -> ServiceForm:
    def typed(name: str) -> str:
        return one_line(request.POST.get(name, ""))

    form = ServiceForm(word=typed("word").lower(), name=typed("name"), contact=typed("contact"))
    if len(form.name) > services.LONGEST_NAME:
        form.wrong["name"] = gettext("Write at most %(n)s characters.") % {"n": services.LONGEST_NAME}
    if not form.contact or len(form.contact) > services.LONGEST_CONTACT:
        form.wrong["contact"] = gettext(
            "Write who answers for it, a person or a department, in at most %(n)s characters."
        ) % {"n": services.LONGEST_CONTACT}
    return form
