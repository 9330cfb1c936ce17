"""The pages of the guardrails: the draft beside what is in force, and the editor of a rule."""

from __future__ import annotations

from dataclasses import replace

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from assistant.access.viewer import viewer_for
from assistant.accounts.roles import Right
from assistant.console.administrators import AdministratorRequest, with_right
from assistant.console.guardrail_form import RuleForm, form_of, new_form, rule_given, typed_form
from assistant.console.telling import in_words
from assistant.guardrails import selectors, services
from assistant.guardrails.rule_settings import RuleRefused
from assistant.guardrails.rules import Kind, offered_kinds, read_rule


@require_GET
@with_right(Right.SEE_GUARDRAILS)
def guardrails(request: AdministratorRequest) -> HttpResponse:
    """All rules of the draft, and how it differs from what is in force."""
    context = {
        "shown": selectors.overview(viewer=viewer_for(request.user)),
        "kinds": offered_kinds(),
        "said": request.GET.get("said", ""),
    }
    return render(request, "console/guardrails.html", context)


@require_http_methods(["GET", "POST"])
@with_right(Right.MANAGE_GUARDRAILS)
def new_rule(request: AdministratorRequest, kind: str) -> HttpResponse:
    """A rule that is not written yet; POST writes it into the draft."""
    known = next((each for each in offered_kinds() if each == kind), None)
    if known is None:
        raise Http404
    if request.method == "POST":
        return _save(request, typed_form(known, 0, request.POST))
    return _page(request, new_form(known))


@require_http_methods(["GET", "POST"])
@with_right(Right.SEE_GUARDRAILS)
def rule(request: AdministratorRequest, rule_id: int) -> HttpResponse:
    """One rule of the draft; POST writes it."""
    found = selectors.draft_rule(rule_id, viewer=viewer_for(request.user))
    if request.method == "POST":
        return _save(request, typed_form(found.kind, rule_id, request.POST))
    return _page(request, form_of(found))


@require_POST
@with_right(Right.MANAGE_GUARDRAILS)
def delete_rule(request: AdministratorRequest, rule_id: int) -> HttpResponse:
    """Take a rule out of the draft."""
    services.delete_rule(rule_id, viewer=viewer_for(request.user))
    return back_to_rules("deleted")


@require_POST
@with_right(Right.MANAGE_GUARDRAILS)
def discard(request: AdministratorRequest) -> HttpResponse:
    """Make the draft what is in force again."""
    viewer = viewer_for(request.user)
    in_force = selectors.overview(viewer=viewer).in_force
    if in_force is None:
        raise Http404
    services.replace_draft(in_force.number, viewer=viewer)
    return back_to_rules("discarded")


def back_to_rules(said: str) -> HttpResponse:
    """To the overview, which says that it is done."""
    response = redirect("console:guardrails")
    response["Location"] += f"?said={said}"
    return response


def _save(request: AdministratorRequest, form: RuleForm) -> HttpResponse:
    viewer = viewer_for(request.user)
    names = {source.id: source.name for source in selectors.source_choices(viewer=viewer)}
    given, wrong = rule_given(form, names)
    try:
        if wrong:
            read_rule(given)  # says what else is wrong, so that all of it is marked at once
            raise RuleRefused(wrong)
        services.save_rule(given, viewer=viewer)
    except RuleRefused as refused:
        told = {field: in_words(problem) for field, problem in {**refused.problems, **wrong}.items()}
        return _page(request, replace(form, wrong=told), status=422)
    return back_to_rules("saved")


def _page(request: AdministratorRequest, form: RuleForm, *, status: int = 200) -> HttpResponse:
    context = {
        "form": form,
        "sources": selectors.source_choices(viewer=viewer_for(request.user))
        if form.kind is Kind.TOPIC
        else (),
        "may_edit": request.user.has_right(Right.MANAGE_GUARDRAILS),
    }
    return render(request, "console/guardrail_rule.html", context, status=status)
