"""The page of the audit log: who did what, when and from where, and whether the log is as it was written."""

from __future__ import annotations

from datetime import date
from urllib.parse import urlencode

from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_POST

from assistant.accounts.roles import Right
from assistant.audit.exporting import exported, start_export
from assistant.audit.reading import Wanted, log_page, moments
from assistant.audit.trail import Event
from assistant.audit.verifying import Verdict, last_verified, verify
from assistant.audit.words import advice, sentence
from assistant.console.administrators import AdministratorRequest, with_right
from assistant.console.audit_words import event_choices
from assistant.console.paging import number_in

_LONGEST_SEARCH = 254
_PROBLEMS_SHOWN = 50


@require_GET
@with_right(Right.SEE_AUDIT)
def audit_log(request: AdministratorRequest) -> HttpResponse:
    """The newest entries; `?person= &event= &since= &until=` narrow them, `?before=` goes on."""
    return _page(request)


@require_POST
@with_right(Right.SEE_AUDIT)
def verify_log(request: AdministratorRequest) -> HttpResponse:
    """Examine the whole log now. What is wrong is told at once; that it was examined stands in the log."""
    verdict = verify(actor=request.user.email, actor_id=request.user.pk)
    return redirect("console:audit") if verdict.ok else _page(request, verdict=verdict)


@require_POST
@with_right(Right.SEE_AUDIT)
def export_log(request: AdministratorRequest) -> HttpResponse:
    """The entries of the chosen days as JSON lines, in the form that `audit verify --file` examines."""
    since, until, refusal = _days(request.POST.get("since", ""), request.POST.get("until", ""))
    if refusal:
        return _page(request, refusal=refusal, status=422)
    begin, end = moments(Wanted(since=since, until=until))
    stretch = start_export(since=begin, until=end, actor=request.user.email, actor_id=request.user.pk)
    response = StreamingHttpResponse(exported(stretch), content_type="application/jsonl; charset=utf-8")
    day = timezone.localdate().isoformat()
    response["Content-Disposition"] = f'attachment; filename="mundap-audit-{day}.jsonl"'
    return response  # type: ignore[return-value]


def _page(
    request: AdministratorRequest, *, verdict: Verdict | None = None, refusal: str = "", status: int = 200
) -> HttpResponse:
    since, until, wrong = _days(request.GET.get("since", ""), request.GET.get("until", ""))
    event = request.GET.get("event", "")
    wanted = Wanted(
        person=request.GET.get("person", "").strip()[:_LONGEST_SEARCH].replace("\0", ""),
        event=event if event in set(Event) else "",
        since=since,
        until=until,
    )
    found = log_page(wanted, before=number_in(request.GET.get("before", "")))
    context = {
        "found": found,
        "wanted": wanted,
        "since": since.isoformat() if since else "",
        "until": until.isoformat() if until else "",
        "events": event_choices(),
        "narrowed": wanted != Wanted(),
        "later": "before" in request.GET,
        "query": _query(wanted),
        "checked": last_verified(),
        "verdict": verdict,
        "problems": [sentence(one) for one in verdict.problems[:_PROBLEMS_SHOWN]] if verdict else [],
        "advice": advice(verdict) if verdict else "",
        "refusal": refusal or wrong,
    }
    return render(request, "console/audit.html", context, status=422 if wrong else status)


def _days(since: str, until: str) -> tuple[date | None, date | None, str]:
    """Two days, and what is wrong with them."""
    try:
        first, last = parse_date(since), parse_date(until)
    except ValueError:
        first = last = None
    if (since and first is None) or (until and last is None):
        return None, None, gettext("That isn’t a day. Write it like 2026-11-01.")
    if first and last and last < first:
        return None, None, gettext("The last day is before the first one. Swap them.")
    if last is not None and last >= date.max:
        last = None
    return first, last, ""


def _query(wanted: Wanted) -> str:
    """What narrows the list, for the link to older entries."""
    known = {
        "person": wanted.person,
        "event": wanted.event,
        "since": wanted.since.isoformat() if wanted.since else "",
        "until": wanted.until.isoformat() if wanted.until else "",
    }
    return urlencode({name: value for name, value in known.items() if value})
