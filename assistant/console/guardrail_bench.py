"""The test bench: saved cases against the draft or a version, and a text tried at once."""

from __future__ import annotations

from collections.abc import Mapping

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_POST

from assistant.access.viewer import Viewer, viewer_for
from assistant.accounts.roles import Right
from assistant.common.errors import GuardrailsDamaged, ModelUnavailable, UsageError
from assistant.console.administrators import AdministratorRequest, with_right
from assistant.guardrails import cases, selectors
from assistant.guardrails.bench import BenchRun, Changed, changed_outcomes, run_cases, saved_cases, try_text
from assistant.guardrails.models import MAX_CASE, MAX_NOTE, BenchCase, Expected
from assistant.guardrails.verdict import Stage

_MOST_BYTES = 4 << 20
_SHOWN = ("all", "wrong")
_AT_ONCE = 200  # cases that are judged whenever the page is opened; more are when somebody asks for it


@require_GET
@with_right(Right.SEE_GUARDRAILS)
def bench(request: AdministratorRequest) -> HttpResponse:
    """All cases, judged by the rules that `?rules=` names: "draft", "published" or a number."""
    return _page(request)


@require_POST
@with_right(Right.SEE_GUARDRAILS)
def try_one(request: AdministratorRequest) -> HttpResponse:
    """One text against the draft. Nothing of it is kept."""
    text, stage = request.POST.get("text", ""), request.POST.get("stage", "question")
    context: dict[str, object] = {"tried": text[:MAX_CASE], "stage": stage, "refusal": ""}
    try:
        case = cases.read_case({"text": text, "stage": stage, "expected": "pass"})
        rules = selectors.rules_named("draft", viewer=viewer_for(request.user))
        context["outcome"] = try_text(case, rules)
    except UsageError as error:
        context["refusal"] = str(error)
    except ModelUnavailable:
        context["refusal"] = gettext("Topics can’t be judged now: the embedding model can’t be reached.")
    if request.htmx:
        return render(request, "console/fragments/guardrail_tried.html", context)
    return _page(request, more=context)


@require_POST
@with_right(Right.MANAGE_GUARDRAILS)
def add_case(request: AdministratorRequest) -> HttpResponse:
    """Save a case."""
    viewer = viewer_for(request.user)
    typed = {name: request.POST.get(name, "") for name in ("text", "stage", "expected", "note")}
    try:
        cases.add_cases([cases.read_case(typed)], viewer=viewer)
    except UsageError as error:
        return _page(request, more={"wrong": str(error), "typed": typed}, status=422)
    return _back(request, "added")


@require_POST
@with_right(Right.MANAGE_GUARDRAILS)
def delete_case(request: AdministratorRequest, case_id: int) -> HttpResponse:
    """Remove a case."""
    cases.delete_case(case_id, viewer=viewer_for(request.user))
    return _back(request, "deleted")


@require_POST
@with_right(Right.MANAGE_GUARDRAILS)
def import_cases(request: AdministratorRequest) -> HttpResponse:
    """Save the cases of a file of JSON lines."""
    file = request.FILES.get("file")
    try:
        if file is None:
            raise UsageError(gettext("Choose a file of JSON lines."))
        if (file.size or 0) > _MOST_BYTES:
            raise UsageError(gettext("The file is larger than 4 MiB."))
        written = file.read().decode("utf-8-sig", errors="strict")
        cases.add_cases(cases.read_lines(written), viewer=viewer_for(request.user))
    except UnicodeDecodeError:
        return _page(request, more={"import_wrong": gettext("The file is not UTF-8 text.")}, status=422)
    except UsageError as error:
        return _page(request, more={"import_wrong": str(error)}, status=422)
    return _back(request, "imported")


@require_GET
@with_right(Right.SEE_GUARDRAILS)
def export_cases(request: AdministratorRequest) -> HttpResponse:  # noqa: ARG001 - every case goes out
    """All cases as a file of JSON lines."""
    response = HttpResponse(
        "".join(cases.written_lines(saved_cases())), content_type="application/jsonl; charset=utf-8"
    )
    response["Content-Disposition"] = 'attachment; filename="guardrail-cases.jsonl"'
    return response


def _back(request: AdministratorRequest, said: str) -> HttpResponse:
    response = redirect("console:guardrail-bench")
    which = request.POST.get("rules", "")
    rules = f"rules={which}&" if which == "published" or (which.isascii() and which.isdigit()) else ""
    response["Location"] += f"?{rules}said={said}"
    return response


def _page(
    request: AdministratorRequest, *, more: Mapping[str, object] | None = None, status: int = 200
) -> HttpResponse:
    viewer = viewer_for(request.user)
    which = request.GET.get("rules", "draft") or "draft"
    shown = request.GET.get("shown", "all")
    waits = BenchCase.objects.count() > _AT_ONCE and "rules" not in request.GET
    run, changed, refusal = (None, (), "") if waits else _judged(viewer, which)
    context = {
        "which": which,
        "shown": shown if shown in _SHOWN else "all",
        "run": run,
        "outcomes": run.wrong if run and shown == "wrong" else (run.outcomes if run else ()),
        "changed": changed,
        "waits": waits,
        "bench_refusal": refusal,
        "versions": selectors.history(viewer=viewer),
        "stages": list(Stage),
        "expected": list(Expected),
        "most": MAX_CASE,
        "most_note": MAX_NOTE,
        "may_edit": request.user.has_right(Right.MANAGE_GUARDRAILS),
        "said": request.GET.get("said", ""),
        **(more or {}),
    }
    return render(request, "console/guardrail_bench.html", context, status=status)


def _judged(viewer: Viewer, which: str) -> tuple[BenchRun | None, tuple[Changed, ...], str]:
    """The run, what it treats otherwise than what is in force, and why there is no run."""
    saved = saved_cases()
    try:
        run = run_cases(saved, selectors.rules_named(which, viewer=viewer))
        if which == "published":
            return run, (), ""
        published = run_cases(saved, selectors.rules_named("published", viewer=viewer))
        return run, changed_outcomes(published, run), ""
    except ModelUnavailable:
        return None, (), gettext("Topics can’t be judged now: the embedding model can’t be reached.")
    except GuardrailsDamaged:
        return None, (), gettext("This version can’t be read: it is not what was published.")
