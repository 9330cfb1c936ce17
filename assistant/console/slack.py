"""The pages of Slack workspaces: their state, how they are answered, and who is joined to whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Count, Q
from django.db.models.functions import Lower
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from assistant.console.administrators import AdministratorRequest, with_right
from assistant.console.checks import DrawnCheck
from assistant.console.paging import PAGE_SIZE, Paging, page_asked
from assistant.console.proving import recently_proven
from assistant.console.slack_connecting import STEPS, WRONG, connected
from assistant.console.slack_words import POLICIES, drawn_failures
from assistant.console.telling import in_words
from assistant.slackbot import connecting, joining, services
from assistant.slackbot.connecting import Mistakes
from assistant.slackbot.models import Policy, Workspace
from assistant.slackbot.selectors import RIGHT, people_of, unfinished
from assistant.slackbot.trying import failure_words, kept_from


@dataclass(frozen=True, slots=True)
class WorkspaceRow:
    """A workspace on the list."""

    workspace: Workspace
    policy: str
    people: int


@require_GET
@with_right(RIGHT)
def workspaces(request: AdministratorRequest) -> HttpResponse:
    """All workspaces, and whether each is heard."""
    joined = Count("people", filter=Q(people__left_at=None))
    rows = [
        WorkspaceRow(row, str(POLICIES[Policy(row.policy)][0]), row.joined)
        for row in Workspace.objects.annotate(joined=joined).order_by(Lower("name"), "pk")
    ]
    context = {"rows": rows, "outside": in_words(kept_from())}
    return render(request, "console/slack.html", context)


@require_GET
@with_right(RIGHT)
def workspace(request: AdministratorRequest, workspace_id: int) -> HttpResponse:
    """One workspace. Secrets are never shown."""
    row = known(workspace_id)
    return _page(request, row, steps=_steps_kept(request, row))


@require_POST
@with_right(RIGHT)
@recently_proven
def check(request: AdministratorRequest, workspace_id: int) -> HttpResponse:
    """Try the connection now."""
    trial = connecting.check(workspace_id=workspace_id, actor=request.user)
    return connected(request, known(workspace_id), trial)


@require_POST
@with_right(RIGHT)
@recently_proven
def settings(request: AdministratorRequest, workspace_id: int) -> HttpResponse:
    """How questions in channels are answered, whether addresses count, and where Mundap is."""
    row = known(workspace_id)
    policy = request.POST.get("policy", row.policy)
    trusts, address = "trusts_addresses" in request.POST, request.POST.get("address", "")
    if policy not in Policy.values:
        raise Http404
    try:
        connecting.change(workspace_id=row.pk, trusts_addresses=trusts, address=address, actor=request.user)
    except Mistakes as error:
        row.policy, row.trusts_addresses, row.address = policy, trusts, address
        return _page(request, row, wrong=error.by_field)
    if policy != row.policy:
        services.set_workspace_policy(workspace_id=row.pk, policy=policy, actor=request.user)
    response = redirect("console:slack-workspace", row.pk)
    response["Location"] += "?saved"
    return response


@require_POST
@with_right(RIGHT)
@recently_proven
def open_or_close(request: AdministratorRequest, workspace_id: int) -> HttpResponse:
    """Answer in the workspace, or stop that."""
    connecting.set_open(workspace_id=workspace_id, is_open="open" in request.POST, actor=request.user)
    return redirect("console:slack-workspace", workspace_id)


@require_POST
@with_right(RIGHT)
@recently_proven
def remove(request: AdministratorRequest, workspace_id: int) -> HttpResponse:
    """Forget the workspace."""
    connecting.remove(workspace_id=workspace_id, actor=request.user)
    return redirect("console:slack")


@require_POST
@with_right(RIGHT)
@recently_proven
def part(request: AdministratorRequest, workspace_id: int) -> HttpResponse:
    """Part one of the workspace's users from the account."""
    joined = request.POST.get("joined", "")
    if joined not in {str(one.id) for one in people_of(known(workspace_id))}:
        raise Http404
    joining.leave(joined_id=int(joined), actor=request.user)
    response = redirect("console:slack-workspace", workspace_id)
    response["Location"] += "#people"
    return response


def known(workspace_id: int) -> Workspace:
    """A workspace.

    Raises:
        Http404: there is none.
    """
    row = Workspace.objects.filter(pk=workspace_id).first()
    if row is None:
        raise Http404
    return row


def _page(
    request: AdministratorRequest,
    row: Workspace,
    *,
    steps: list[DrawnCheck] | None = None,
    wrong: Mapping[str, str] | None = None,
) -> HttpResponse:
    failure = in_words(failure_words(row.failure)) if row.failure else ""
    people, number = people_of(row), page_asked(request)
    context = {
        "workspace": row,
        "policies": [(policy, *words) for policy, words in POLICIES.items()],
        "people": people[(number - 1) * PAGE_SIZE : number * PAGE_SIZE],
        "paging": Paging(number, len(people)),
        "unfinished": drawn_failures(unfinished(row)),
        "steps": steps or [],
        "failure": "" if any(one.sentence == failure for one in steps or ()) else failure,
        "outside": in_words(kept_from()),
        "wrong": {name: in_words(sentence) for name, sentence in (wrong or {}).items()},
        "saved": "saved" in request.GET and not wrong,
    }
    return render(request, "console/slack_workspace.html", context, status=WRONG if wrong else 200)


def _steps_kept(request: AdministratorRequest, row: Workspace) -> list[DrawnCheck]:
    """What was tried a moment ago, shown once."""
    kept = request.session.pop(STEPS, None)
    if not kept or kept[0] != row.pk:
        return []
    return [DrawnCheck(*one) for one in kept[1]]
