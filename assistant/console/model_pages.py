"""What forms of models have in common: how one is shown again, and where it goes once it is saved."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django_htmx.http import reselect, reswap, retarget

from assistant.console.administrators import AdministratorRequest

WRONG = 422


def form_page(
    request: AdministratorRequest, template: str, context: dict[str, object], *, status: int = 200
) -> HttpResponse:
    """The page of a form. What is wrong stands at the fields, also where only a test was wanted."""
    response = render(request, template, context, status=status)
    if request.htmx and status == WRONG:
        return retarget(reselect(reswap(response, "outerHTML"), "#model-form"), "#model-form")
    return response


def saved(route: str, model_id: int) -> HttpResponse:
    """To the model's own page, which says that it is saved."""
    response = redirect(route, model_id)
    response["Location"] += "?saved"
    return response
