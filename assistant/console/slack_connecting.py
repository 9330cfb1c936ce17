"""The pages on which a Slack workspace is connected, for the first time or anew.

A new workspace's handle stands in the page's address, so that the manifest that was pasted at Slack stays
right however long that took, and whoever comes back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from assistant.console.administrators import AdministratorRequest, with_right
from assistant.console.checks import DrawnCheck
from assistant.console.proving import recently_proven
from assistant.console.slack_words import drawn_steps
from assistant.console.telling import in_words
from assistant.slackbot import connecting
from assistant.slackbot.connecting import ConnectForm, Mistakes, NotConnected
from assistant.slackbot.credentials import Credentials
from assistant.slackbot.manifest import SCOPES, as_text
from assistant.slackbot.models import Delivery, Workspace
from assistant.slackbot.selectors import RIGHT
from assistant.slackbot.trying import Trial, kept_from

WRONG = 422
STEPS = "slack_steps"  # in the session: what was tried before a page was left
_LONGEST_SECRET = 1_000
_SECRETS = ("bot_token", "signing_secret", "app_token", "client_id", "client_secret", "refresh_token")


@dataclass(frozen=True, slots=True)
class _Place:
    """The workspace that is to be connected; a new one is no more than its handle yet."""

    handle: str
    row: Workspace | None = None


@require_GET
@with_right(RIGHT)
def begin(_: AdministratorRequest) -> HttpResponse:
    """To a page for a new workspace, with a handle of its own."""
    return redirect("console:slack-new", connecting.new_handle())


@require_http_methods(["GET", "POST"])
@with_right(RIGHT)
@recently_proven
def new(request: AdministratorRequest, handle: str) -> HttpResponse:
    """The manifest to paste at Slack; POST tries what Slack gave for it, and connects."""
    if not connecting.is_handle(handle):
        raise Http404
    place = _Place(handle)
    if request.method == "GET":
        there = Workspace.objects.filter(handle=handle).first()
        if there is not None:  # it was connected from this page
            return redirect("console:slack-workspace", there.pk)
        return _page(request, place, _usual(request))
    form = _typed(request)
    if "show" in request.POST:
        return _page(request, place, form)
    try:
        row, trial = connecting.connect(handle=handle, form=form, actor=request.user)
    except Mistakes as error:
        return _page(request, place, form, wrong=error.by_field)
    except NotConnected as error:
        return _page(request, place, form, steps=drawn_steps(error.trial.steps))
    return connected(request, row, trial)


@require_http_methods(["GET", "POST"])
@with_right(RIGHT)
@recently_proven
def anew(request: AdministratorRequest, workspace_id: int) -> HttpResponse:
    """The same for a workspace that is there: another token, another secret, another way."""
    row = Workspace.objects.filter(pk=workspace_id).first()
    if row is None:
        raise Http404
    place = _Place(row.handle, row)
    if request.method == "GET":
        return _page(request, place, ConnectForm(row.address, row.delivery, Credentials("")))
    form = _typed(request)
    if "show" in request.POST:
        return _page(request, place, form)
    try:
        row, trial = connecting.connect_anew(workspace_id=workspace_id, form=form, actor=request.user)
    except Mistakes as error:
        return _page(request, place, form, wrong=error.by_field)
    except NotConnected as error:
        return _page(request, place, form, steps=drawn_steps(error.trial.steps))
    return connected(request, row, trial)


def connected(request: AdministratorRequest, row: Workspace, trial: Trial) -> HttpResponse:
    """To the workspace's own page, which lists what was tried."""
    request.session[STEPS] = [row.pk, [one.as_json() for one in drawn_steps(trial.steps)]]
    return redirect("console:slack-workspace", row.pk)


def _page(
    request: AdministratorRequest,
    place: _Place,
    form: ConnectForm,
    *,
    wrong: Mapping[str, str] | None = None,
    steps: Sequence[DrawnCheck] = (),
) -> HttpResponse:
    """The page. What was typed of secrets is not in it."""
    wrong, manifest = dict(wrong or {}), ""
    try:
        made = connecting.prepared(handle=place.handle, address=form.address, delivery=form.delivery)
        manifest = as_text(made)
    except Mistakes as error:
        wrong = {**error.by_field, **wrong}
    is_wrong = bool(wrong or steps) and request.method == "POST"
    context = {
        "workspace": place.row,
        "form": form,
        "manifest": manifest,
        "scopes": SCOPES.items(),
        "wrong": {name: in_words(sentence) for name, sentence in wrong.items()},
        "steps": steps,
        "outside": in_words(kept_from()),
        "was_tried": is_wrong and "show" not in request.POST,
    }
    return render(request, "console/slack_connect.html", context, status=WRONG if is_wrong else 200)


def _usual(request: AdministratorRequest) -> ConnectForm:
    """As this page was reached itself. Never by its query: a link could have Slack call another server."""
    # Slack calls only over https, so elsewhere there is one way.
    delivery = Delivery.HTTP if request.scheme == "https" else Delivery.SOCKET
    return ConnectForm(f"{request.scheme}://{request.get_host()}", delivery, Credentials(""))


def _typed(request: AdministratorRequest) -> ConnectForm:
    given = {name: "".join(request.POST.get(name, "").split())[:_LONGEST_SECRET] for name in _SECRETS}
    return ConnectForm(
        request.POST.get("address", ""), request.POST.get("delivery", ""), Credentials(**given)
    )
