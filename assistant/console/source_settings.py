"""The pages that change a source: its connection, and when, what and for whom it syncs."""

from __future__ import annotations

from collections.abc import Mapping

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import get_language, gettext
from django.views.decorators.http import require_http_methods, require_POST

from assistant.access.viewer import viewer_for
from assistant.accounts.roles import Right
from assistant.common.errors import MundapError, UsageError
from assistant.common.told import said
from assistant.common.types import JsonObject
from assistant.console.administrators import AdministratorRequest, with_right
from assistant.console.guides import guide_page
from assistant.console.settings_form import SettingsForm, settings_form, typed_form
from assistant.console.source_form import drawn_form, typed_settings
from assistant.sync.editing import (
    EditableSource,
    change_connection,
    editable_source,
    secrets_to_type,
    wanted_of,
)
from assistant.sync.kinds import fit, offered_kind
from assistant.sync.source_settings import change_settings, join_directory
from assistant.sync.trying import Trial, try_connection

_NO_DIRECTORY = 0  # the number of no source


@require_http_methods(["GET", "POST"])
@with_right(Right.MANAGE_SOURCES)
def settings(request: AdministratorRequest, source_id: int) -> HttpResponse:
    """Schedule, audience, rules, limits; POST saves them."""
    source = editable_source(viewer=viewer_for(request.user), source_id=source_id)
    form = settings_form(source.settings)
    if request.method == "GET":
        return _settings_page(request, source, form)
    form = typed_form(request.POST, form)
    if form.is_wrong:
        return _settings_page(request, source, form, status=422)
    change_settings(source_id=source_id, settings=form.settings(source.settings), actor=request.user.email)
    return _saved(source_id)


@require_http_methods(["GET", "POST"])
@with_right(Right.MANAGE_SOURCES)
def connection(request: AdministratorRequest, source_id: int) -> HttpResponse:
    """The settings that its kind declares; POST tests or saves them. A stored secret is never shown."""
    source = editable_source(viewer=viewer_for(request.user), source_id=source_id)
    if request.method == "GET":
        return _connection_page(request, source, source.config)
    fields = offered_kind(source.kind, _language()).fields
    config, secrets = typed_settings(fields, request.POST, known_secrets={})
    wrong = _wrong_connection(source, config, secrets)
    if wrong:
        return _connection_page(request, source, config, wrong)
    if "test" in request.POST:
        viewer = viewer_for(request.user)
        wanted = wanted_of(viewer=viewer, source_id=source_id, config=config, secrets=secrets)
        trial = try_connection(wanted, viewer=viewer)
        return _connection_page(request, source, config, trial=trial)
    try:
        change_connection(source_id=source_id, config=config, secrets=secrets, actor=request.user.email)
    except MundapError as error:  # each field fits, but not beside the others
        return _connection_page(request, source, config, {"": said(error)})
    return _saved(source_id)


@require_POST
@with_right(Right.MANAGE_SOURCES)
def directory(request: AdministratorRequest, source_id: int) -> HttpResponse:
    """Whose people and groups the source's permissions name."""
    source = editable_source(viewer=viewer_for(request.user), source_id=source_id)
    typed = request.POST.get("directory", "")
    offered = {str(number): number for number, _ in source.directories}
    chosen = offered.get(typed, _NO_DIRECTORY) if typed else None
    if chosen == source.directory_id:
        return _saved(source_id)
    try:
        join_directory(source_id=source_id, directory_id=chosen, actor=request.user.email)
    except UsageError as error:  # what the page offered is no directory any more
        form = settings_form(source.settings)
        return _settings_page(request, source, form, status=422, no_directory=said(error))
    return _saved(source_id)


def _saved(source_id: int) -> HttpResponse:
    response = redirect("console:source", source_id)
    response["Location"] += "?saved"
    return response


def _wrong_connection(
    source: EditableSource, config: JsonObject, secrets: Mapping[str, str]
) -> dict[str, str]:
    """By field. A secret that is known may be left empty, unless the source may be another one now."""
    known = dict.fromkeys(source.secret_names, "known")
    wrong = dict(fit(source.kind, config=config, secrets={**known, **secrets}).wrong)
    again = gettext("Type it again: a stored secret is not sent to a source that may be another one now.")
    for name in secrets_to_type(source_id=source.id, config=config, secrets=secrets):
        wrong.setdefault(name, again)
    return wrong


def _connection_page(
    request: AdministratorRequest,
    source: EditableSource,
    config: JsonObject,
    wrong: Mapping[str, str] | None = None,
    trial: Trial | None = None,
) -> HttpResponse:
    offer = offered_kind(source.kind, _language())
    form = drawn_form(offer.fields, config=config, known_secrets=source.secret_names, wrong=wrong)
    context = {
        "source": source,
        "offer": offer,
        "form": form,
        "guide": guide_page(offer.name, _language()),
        "trial": trial,
        "problem": (wrong or {}).get("", ""),
    }
    return render(request, "console/source_connection.html", context, status=422 if wrong else 200)


def _settings_page(
    request: AdministratorRequest,
    source: EditableSource,
    form: SettingsForm,
    *,
    status: int = 200,
    no_directory: str = "",
) -> HttpResponse:
    context = {
        "source": source,
        "offer": offered_kind(source.kind, _language()),
        "form": form,
        "timing": form.timing,
        "times": form.timing.following(timezone.now()),
        "no_directory": no_directory,
    }
    return render(request, "console/source_settings.html", context, status=status)


def _language() -> str:
    return (get_language() or "en")[:2]
