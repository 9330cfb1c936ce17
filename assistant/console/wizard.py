"""Adding a source: its kind, its settings, a connection test, a preview, a schedule, and the start.

What was typed stays in a draft on the server (`drafts`) until the last step makes a
source of it in one call.
"""

from __future__ import annotations

from dataclasses import replace

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from assistant.access.viewer import viewer_for
from assistant.accounts.roles import Right
from assistant.common.errors import MundapError
from assistant.common.told import said
from assistant.console.administrators import AdministratorRequest, with_right
from assistant.console.audience import AudienceForm, typed_audience
from assistant.console.drafts import Draft, draft_of, drop_draft, keep_draft
from assistant.console.guides import guide_page
from assistant.console.kind_groups import grouped, kind_icon
from assistant.console.rules_form import RulesForm, rules_form, typed_rules
from assistant.console.source_form import drawn_form, typed_settings
from assistant.console.timing import Timing, typed_timing
from assistant.sync.kinds import KindOffer, fit_together, offered_kind, offered_kinds
from assistant.sync.starting import LONGEST_NAME, NewSource, name_is_taken, start_source
from assistant.sync.trying import PREVIEWED, TRY_SECONDS, Wanted, try_connection
from assistant.sync.trying import preview as preview_of

_LATER = ("settings", "test", "preview", "plan")


@require_GET
@with_right(Right.MANAGE_SOURCES)
def kinds(request: AdministratorRequest) -> HttpResponse:
    """Step 1: every kind as a card."""
    return _step(request, "kind", {"groups": grouped(offered_kinds(_language()))})


@require_http_methods(["GET", "POST"])
@with_right(Right.MANAGE_SOURCES)
def new_source(request: AdministratorRequest, kind: str) -> HttpResponse:
    """Step 2: the settings of a new source."""
    offer = offered_kind(kind, _language())
    if request.method == "GET":
        blank = drawn_form(offer.fields, config={}, known_secrets=())
        return _settings_page(request, offer, {"form": blank, "name": offer.label})
    return _take_settings(request, offer, Draft(kind=kind, name="", config={}, secrets={}))


@require_http_methods(["GET", "POST"])
@with_right(Right.MANAGE_SOURCES)
def draft_settings(request: AdministratorRequest, token: str) -> HttpResponse:
    """Step 2 again: what was typed, to be changed. Secrets are kept and not shown."""
    draft = draft_of(request, token)
    offer = offered_kind(draft.kind, _language())
    if request.method == "POST":
        return _take_settings(request, offer, draft)
    form = drawn_form(offer.fields, config=draft.config, known_secrets=draft.secrets)
    return _settings_page(request, offer, {"form": form, "name": draft.name, "draft": draft})


@require_http_methods(["GET", "POST"])
@with_right(Right.MANAGE_SOURCES)
def draft_test(request: AdministratorRequest, token: str) -> HttpResponse:
    """Step 3: the connection test. POST carries it out; the page does so by itself when it opens."""
    draft = draft_of(request, token)
    shown: dict[str, object] = {"draft": draft, "seconds": round(TRY_SECONDS)}
    if request.method == "POST":
        shown["trial"] = try_connection(_wanted(draft), viewer=viewer_for(request.user))
        if request.htmx:
            return render(request, "console/fragments/trial.html", shown)
    return _step(request, "test", shown, draft)


@require_http_methods(["GET", "POST"])
@with_right(Right.MANAGE_SOURCES)
def draft_preview(request: AdministratorRequest, token: str) -> HttpResponse:
    """Step 4: the first documents, who would see each, and which of them rules would take."""
    draft = draft_of(request, token)
    offer = offered_kind(draft.kind, _language())
    if request.method == "GET":
        form = rules_form(draft.rules)
    else:
        form = typed_rules(request.POST)
        if not form.wrong:
            draft = replace(draft, rules=form.rules)
            keep_draft(request, draft)
            if "go" in request.POST:
                return redirect("console:draft-plan", token)
    return _preview_page(request, draft, offer, form)


@require_http_methods(["GET", "POST"])
@with_right(Right.MANAGE_SOURCES)
def draft_plan(request: AdministratorRequest, token: str) -> HttpResponse:
    """Step 5: when it syncs and who may see it at first; POST starts it."""
    draft = draft_of(request, token)
    usual = Timing(time_zone=timezone.get_default_timezone_name())
    if request.method == "GET":
        return _plan_page(request, draft, usual, AudienceForm())
    timing, audience = typed_timing(request.POST, usual), typed_audience(request.POST)
    if timing.wrong or audience.wrong:
        return _plan_page(
            request,
            draft,
            timing,
            audience,
            problem=gettext("Something is missing or wrong. It is marked below."),
        )
    new = NewSource(
        kind=draft.kind,
        name=draft.name,
        config=draft.config,
        secrets=draft.secrets,
        rules=draft.rules,
        cron=timing.text,
        time_zone=timing.time_zone,
        audience=tuple(audience.principals),
    )
    try:
        source_id = start_source(new, actor=request.user.email)
    except MundapError as error:  # somebody took the name meanwhile
        return _plan_page(request, draft, timing, audience, said(error))
    drop_draft(request, token)
    return redirect("console:source", source_id)


@require_POST
@with_right(Right.MANAGE_SOURCES)
def next_times(request: AdministratorRequest) -> HttpResponse:
    """The next three times of the schedule that is chosen in a form."""
    timing = typed_timing(request.POST, Timing(time_zone=timezone.get_default_timezone_name()))
    return render(request, "console/fragments/next_times.html", _timing_context(timing))


@require_POST
@with_right(Right.MANAGE_SOURCES)
def give_up(request: AdministratorRequest, token: str) -> HttpResponse:
    """Forget a draft."""
    drop_draft(request, token)
    return redirect("console:sources")


def _take_settings(request: AdministratorRequest, offer: KindOffer, before: Draft) -> HttpResponse:
    config, secrets = typed_settings(offer.fields, request.POST, known_secrets=before.secrets)
    name = " ".join(request.POST.get("name", "").split())
    wrong = dict(fit_together(offer.name, config=config, secrets=secrets).wrong)
    name_wrong = _name_problem(name)
    draft = replace(before, name=name, config=config, secrets=secrets)
    if wrong or name_wrong:
        # Kept although something else is wrong: a secret that was typed is never drawn, so it would be lost.
        draft = replace(draft, secrets={key: value for key, value in secrets.items() if key not in wrong})
        draft = replace(draft, token=keep_draft(request, draft))
        form = drawn_form(offer.fields, config=config, known_secrets=draft.secrets, wrong=wrong)
        problem = wrong.get("", "")
        shown = {"form": form, "name": name, "name_wrong": name_wrong, "problem": problem, "draft": draft}
        return _settings_page(request, offer, shown, status=422)
    return redirect("console:draft-test", keep_draft(request, draft))


def _name_problem(name: str) -> str:
    if not name or len(name) > LONGEST_NAME:
        return gettext("Write a name of at most %(most)s characters.") % {"most": LONGEST_NAME}
    if name_is_taken(name):
        return gettext("There is already a source of this name.")
    return ""


def _wanted(draft: Draft) -> Wanted:
    return Wanted(draft.kind, draft.config, draft.secrets, draft.rules)


def _settings_page(
    request: AdministratorRequest, offer: KindOffer, shown: dict[str, object], *, status: int = 200
) -> HttpResponse:
    draft = shown.get("draft")
    context = {
        "offer": offer,
        "icon": kind_icon(offer.name),
        "guide": guide_page(offer.name, _language()),
        "longest_name": LONGEST_NAME,
        **shown,
    }
    return _step(request, "settings", context, draft if isinstance(draft, Draft) else None, status=status)


def _preview_page(
    request: AdministratorRequest, draft: Draft, offer: KindOffer, form: RulesForm
) -> HttpResponse:
    shown: dict[str, object] = {"draft": draft, "offer": offer, "form": form, "most": PREVIEWED}
    if request.method == "POST" and not form.wrong:
        shown["preview"] = preview_of(_wanted(draft), viewer=viewer_for(request.user))
    if request.htmx:
        return render(request, "console/fragments/preview_with_rules.html", shown)
    return _step(request, "preview", shown, draft, status=422 if form.wrong else 200)


def _plan_page(
    request: AdministratorRequest, draft: Draft, timing: Timing, audience: AudienceForm, problem: str = ""
) -> HttpResponse:
    offer = offered_kind(draft.kind, _language())
    shown = {"draft": draft, "offer": offer, "audience": audience, "problem": problem}
    context = {**shown, **_timing_context(timing)}
    return _step(request, "plan", context, draft, status=422 if problem else 200)


def _timing_context(timing: Timing) -> dict[str, object]:
    return {"timing": timing, "times": timing.following(timezone.now())}


def _step(
    request: AdministratorRequest,
    step: str,
    context: dict[str, object],
    draft: Draft | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    address = {
        "kind": reverse("console:source-new"),
        **({n: reverse(f"console:draft-{n}", args=[draft.token]) for n in _LATER} if draft else {}),
    }
    context = {**context, "step": step, "steps": _steps(step, address)}
    return render(request, f"console/wizard_{step}.html", context, status=status)


def _steps(current: str, addresses: dict[str, str]) -> list[dict[str, object]]:
    """The five steps for the head of the page; those before the current one lead back."""
    labels = {
        "kind": gettext("Kind"),
        "settings": gettext("Settings"),
        "test": gettext("Connection test"),
        "preview": gettext("Preview"),
        "plan": gettext("Schedule and start"),
    }
    place = list(labels).index(current)
    return [
        {
            "label": label,
            "state": "done" if n < place else ("current" if n == place else "ahead"),
            "address": addresses.get(name, "") if n < place else "",
        }
        for n, (name, label) in enumerate(labels.items())
    ]


def _language() -> str:
    return (get_language() or "en")[:2]
