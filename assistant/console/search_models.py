"""The pages of the models of the search: which there are, which is wanted, whether one works."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from assistant.access.viewer import viewer_for
from assistant.accounts.roles import Right
from assistant.catalogue import search_services
from assistant.catalogue.search_listing import EditableSearchModel, editable_search_model
from assistant.catalogue.search_trying import try_search_environment, try_search_settings
from assistant.catalogue.services import WrongModel
from assistant.common.errors import UsageError
from assistant.common.told import said
from assistant.console.administrators import AdministratorRequest, with_right
from assistant.console.language_models import models_page
from assistant.console.model_pages import WRONG, form_page, saved
from assistant.console.paging import number_in
from assistant.console.search_form import (
    SearchForm,
    empty_search_form,
    stored_search_form,
    typed_search_form,
)
from assistant.documents.models import SearchJob


@require_http_methods(["GET", "POST"])
@with_right(Right.MANAGE_MODELS)
def new_search_model(request: AdministratorRequest, job: str) -> HttpResponse:
    """An empty form; POST tests or adds what was typed."""
    wanted = _job(job)
    if request.method == "GET":
        return _form_page(request, empty_search_form(wanted))
    form, settings = typed_search_form(request.POST, job=wanted, kept=False)
    if settings is None:
        return _form_page(request, form, status=WRONG)
    viewer = viewer_for(request.user)
    try:
        if "test" in request.POST:
            trial = try_search_settings(settings, key=form.key or "", viewer=viewer)
            return _form_page(request, form, trial=trial)
        model_id = search_services.add_search_model(settings, key=form.key or "", viewer=viewer)
    except WrongModel as error:
        return _form_page(request, form.with_mistakes(error.wrong), status=WRONG)
    return saved("console:search-model", model_id)


@require_http_methods(["GET", "POST"])
@with_right(Right.MANAGE_MODELS)
def search_model(request: AdministratorRequest, model_id: int) -> HttpResponse:
    """The settings of a model; POST tests or saves what was typed. A stored key is never shown."""
    viewer = viewer_for(request.user)
    found = editable_search_model(viewer=viewer, model_id=model_id)
    if request.method == "GET":
        form = stored_search_form(found.settings, kept=found.has_key)
        return _form_page(request, form, found, saved="saved" in request.GET)
    form, settings = typed_search_form(request.POST, job=found.settings.job, kept=found.has_key)
    if settings is None:
        return _form_page(request, form, found, status=WRONG)
    try:
        if "test" in request.POST:
            trial = try_search_settings(settings, key=form.key, model_id=model_id, viewer=viewer)
            return _form_page(request, form, found, trial=trial)
        search_services.change_search_model(model_id, settings, key=form.key, viewer=viewer)
    except WrongModel as error:
        return _form_page(request, form.with_mistakes(error.wrong), found, status=WRONG)
    return saved("console:search-model", model_id)


@require_POST
@with_right(Right.MANAGE_MODELS)
def choose(request: AdministratorRequest, job: str) -> HttpResponse:
    """Which model does the job; an empty field means the bundled one, or none."""
    typed = request.POST.get("model", "")
    try:
        search_services.choose_search_model(
            _job(job), number_in(typed) or 0 if typed else None, viewer=viewer_for(request.user)
        )
    except UsageError as error:
        return models_page(request, problem=said(error), status=WRONG)
    return redirect(f"{reverse('console:models')}#search-models")


@require_POST
@with_right(Right.MANAGE_MODELS)
def test_given(request: AdministratorRequest, job: str) -> HttpResponse:
    """Ask the model of the environment, or the bundled one."""
    trial = try_search_environment(_job(job), viewer=viewer_for(request.user))
    return models_page(request, search_trial=trial)


@require_POST
@with_right(Right.MANAGE_MODELS)
def remove_search_model(request: AdministratorRequest, model_id: int) -> HttpResponse:
    """Take a model out."""
    try:
        search_services.remove_search_model(model_id, viewer=viewer_for(request.user))
    except UsageError as error:
        return models_page(request, problem=said(error), status=WRONG)
    return redirect(f"{reverse('console:models')}#search-models")


def _job(job: str) -> SearchJob:
    if job not in SearchJob.values:
        raise Http404
    return SearchJob(job)


def _form_page(
    request: AdministratorRequest,
    form: SearchForm,
    found: EditableSearchModel | None = None,
    *,
    status: int = 200,
    **shown: object,
) -> HttpResponse:
    context = {"form": form, "model": found, **shown}
    return form_page(request, "console/search_model.html", context, status=status)
