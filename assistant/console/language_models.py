"""The pages of language models: which there are, who may use which, whether one answers, what they take."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from assistant.access.viewer import viewer_for
from assistant.accounts.roles import Right
from assistant.catalogue import services
from assistant.catalogue.accounting import DAYS, usage_by_model
from assistant.catalogue.listing import EditableModel, catalogue_page, editable_model
from assistant.catalogue.search_listing import search_sections
from assistant.catalogue.search_trying import SearchTrial
from assistant.catalogue.services import WrongModel
from assistant.catalogue.trying import ModelTrial, try_environment, try_settings
from assistant.chat.usage import FEWEST, usage_of_answers
from assistant.common.errors import UsageError
from assistant.common.told import said
from assistant.console.administrators import AdministratorRequest, with_right
from assistant.console.model_form import ModelForm, empty_form, stored_form, typed_form
from assistant.console.model_pages import WRONG, form_page, saved
from assistant.console.paging import number_in
from assistant.ingest.index_status import shown_status


@require_GET
@with_right(Right.MANAGE_MODELS)
def models(request: AdministratorRequest) -> HttpResponse:
    """All models, with what the calls of the last days came to."""
    return models_page(request)


@require_http_methods(["GET", "POST"])
@with_right(Right.MANAGE_MODELS)
def new_model(request: AdministratorRequest) -> HttpResponse:
    """An empty form; POST tests or adds what was typed."""
    if request.method == "GET":
        return _form_page(request, empty_form())
    form, settings = typed_form(request.POST, kept=False)
    if settings is None:
        return _form_page(request, form, status=WRONG)
    viewer = viewer_for(request.user)
    try:
        if "test" in request.POST:
            trial = try_settings(settings, key=form.key or "", viewer=viewer)
            return _form_page(request, form, trial=trial)
        model_id = services.add_model(settings, key=form.key or "", viewer=viewer)
    except WrongModel as error:
        return _form_page(request, form.with_mistakes(error.wrong), status=WRONG)
    return saved("console:model", model_id)


@require_http_methods(["GET", "POST"])
@with_right(Right.MANAGE_MODELS)
def model(request: AdministratorRequest, model_id: int) -> HttpResponse:
    """The settings of a model; POST tests or saves what was typed. A stored key is never shown."""
    viewer = viewer_for(request.user)
    found = editable_model(viewer=viewer, model_id=model_id)
    if request.method == "GET":
        form = stored_form(found.settings, kept=found.has_key)
        return _form_page(request, form, found, saved="saved" in request.GET)
    form, settings = typed_form(request.POST, kept=found.has_key)
    if settings is None:
        return _form_page(request, form, found, status=WRONG)
    try:
        if "test" in request.POST:
            trial = try_settings(settings, key=form.key, model_id=model_id, viewer=viewer)
            return _form_page(request, form, found, trial=trial)
        services.change_model(model_id, settings, key=form.key, viewer=viewer)
    except WrongModel as error:
        return _form_page(request, form.with_mistakes(error.wrong), found, status=WRONG)
    return saved("console:model", model_id)


@require_POST
@with_right(Right.MANAGE_MODELS)
def test_environment(request: AdministratorRequest) -> HttpResponse:
    """Ask the model of the environment."""
    return models_page(request, trial=try_environment(viewer=viewer_for(request.user)))


@require_POST
@with_right(Right.MANAGE_MODELS)
def default(request: AdministratorRequest) -> HttpResponse:
    """Which model answers where nobody chooses; an empty field means the built-in one."""
    typed = request.POST.get("model", "")
    try:
        services.set_default(number_in(typed) or 0 if typed else None, viewer=viewer_for(request.user))
    except UsageError as error:
        return models_page(request, problem=said(error), status=WRONG)
    return redirect("console:models")


@require_POST
@with_right(Right.MANAGE_MODELS)
def enable(request: AdministratorRequest, model_id: int) -> HttpResponse:
    """Switch a model on or off."""
    services.enable_model(model_id, on="on" in request.POST, viewer=viewer_for(request.user))
    return redirect("console:model", model_id)


@require_POST
@with_right(Right.MANAGE_MODELS)
def remove(request: AdministratorRequest, model_id: int) -> HttpResponse:
    """Take a model out."""
    services.remove_model(model_id, viewer=viewer_for(request.user))
    return redirect("console:models")


@require_GET
@with_right(Right.SEE_USAGE)
def usage(request: AdministratorRequest) -> HttpResponse:
    """How many questions the last days had and how they ended, and what the calls took, by model."""
    viewer = viewer_for(request.user)
    context = {
        "answers": usage_of_answers(viewer=viewer, days=DAYS),
        "fewest": FEWEST,
        "rows": usage_by_model(viewer=viewer),
        "days": DAYS,
    }
    return render(request, "console/models_usage.html", context)


def models_page(
    request: AdministratorRequest,
    *,
    trial: ModelTrial | None = None,
    search_trial: SearchTrial | None = None,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    """All models, with what a test found or what went wrong."""
    viewer = viewer_for(request.user)
    context = {
        "page": catalogue_page(viewer=viewer),
        "sections": search_sections(viewer=viewer),
        "index": shown_status(viewer=viewer),
        "days": DAYS,
        "trial": trial,
        "search_trial": search_trial,
        "problem": problem,
    }
    return render(request, "console/models.html", context, status=status)


def _form_page(
    request: AdministratorRequest,
    form: ModelForm,
    found: EditableModel | None = None,
    *,
    status: int = 200,
    **shown: object,
) -> HttpResponse:
    context = {"form": form, "model": found, **shown}
    return form_page(request, "console/model.html", context, status=status)
