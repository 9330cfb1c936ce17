"""Publishing the draft, the history of versions, and the way back to an older one."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from assistant.access.viewer import viewer_for
from assistant.accounts.roles import Right
from assistant.common.errors import GuardrailsDamaged, ModelUnavailable, UsageError
from assistant.console.administrators import AdministratorRequest, with_right
from assistant.console.guardrails import back_to_rules
from assistant.console.proving import recently_proven
from assistant.guardrails import selectors, services
from assistant.guardrails.bench import BenchRun, Changed, changed_outcomes, run_cases, saved_cases
from assistant.guardrails.models import MAX_COMMENT


@require_http_methods(["GET", "POST"])
@with_right(Right.MANAGE_GUARDRAILS)
@recently_proven
def publish(request: AdministratorRequest) -> HttpResponse:
    """What publishing would change; POST publishes, asking once more where a case fails."""
    viewer = viewer_for(request.user)
    shown = selectors.overview(viewer=viewer)
    run, changed, untried = _tried(request)
    wrong = ""
    if request.method == "POST":
        must_confirm = bool(untried or (run and run.wrong))
        if must_confirm and request.POST.get("confirmed") != "on":
            wrong = gettext("Confirm that you want to publish in spite of this.")
        else:
            try:
                services.publish(
                    viewer=viewer,
                    comment=request.POST.get("comment", ""),
                    seen=request.POST.get("seen", ""),
                )
                return back_to_rules("published")
            except UsageError as error:
                wrong = str(error)
    context = {
        "shown": shown,
        "run": run,
        "changed": changed,
        "untried": untried,
        "wrong": wrong,
        "comment": request.POST.get("comment", "")[:MAX_COMMENT],
        "most": MAX_COMMENT,
    }
    return render(request, "console/guardrail_publish.html", context, status=422 if wrong else 200)


@require_GET
@with_right(Right.SEE_GUARDRAILS)
def history(request: AdministratorRequest) -> HttpResponse:
    """All versions."""
    versions = selectors.history(viewer=viewer_for(request.user))
    return render(request, "console/guardrail_history.html", {"versions": versions})


@require_GET
@with_right(Right.SEE_GUARDRAILS)
def version(request: AdministratorRequest, number: int) -> HttpResponse:
    """One version and what it changed."""
    return _version_page(request, number)


@require_POST
@with_right(Right.MANAGE_GUARDRAILS)
@recently_proven
def restore(request: AdministratorRequest, number: int) -> HttpResponse:
    """Publish what the version holds anew."""
    try:
        services.roll_back(number, viewer=viewer_for(request.user), comment=request.POST.get("comment", ""))
    except UsageError as error:
        return _version_page(request, number, wrong=str(error))
    return redirect("console:guardrail-history")


def _version_page(request: AdministratorRequest, number: int, *, wrong: str = "") -> HttpResponse:
    context: dict[str, object] = {
        "number": number,
        "may_edit": request.user.has_right(Right.MANAGE_GUARDRAILS),
        "most": MAX_COMMENT,
        "wrong": wrong,
    }
    try:
        context["shown"] = selectors.version_detail(number, viewer=viewer_for(request.user))
    except GuardrailsDamaged:
        context["damaged"] = True
    return render(request, "console/guardrail_version.html", context, status=422 if wrong else 200)


def _tried(request: AdministratorRequest) -> tuple[BenchRun | None, tuple[Changed, ...], bool]:
    """The draft on the saved cases, what it would change for them, and whether it can't be tried."""
    viewer, cases = viewer_for(request.user), saved_cases()
    try:
        draft = run_cases(cases, selectors.rules_named("draft", viewer=viewer))
    except ModelUnavailable:
        return None, (), True
    try:
        published = run_cases(cases, selectors.rules_named("published", viewer=viewer))
    except GuardrailsDamaged:
        return draft, (), False
    return draft, changed_outcomes(published, draft), False
