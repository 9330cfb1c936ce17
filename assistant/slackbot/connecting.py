"""Connecting workspaces: making, changing, closing and removing them. Only for who has `selectors.RIGHT`.

A workspace is stored once its token has been tried; before that there is only its handle, which stands in the
address of the page and in the manifest, and opens nothing.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from assistant.accounts.models import User
from assistant.audit.trail import Event, record
from assistant.common.errors import MundapError, NotFound, UsageError
from assistant.common.told import told
from assistant.common.types import JsonObject
from assistant.common.web_target import parse_target
from assistant.slackbot import directory
from assistant.slackbot.credentials import Credentials, sealed
from assistant.slackbot.manifest import manifest
from assistant.slackbot.models import Delivery, Workspace
from assistant.slackbot.services import judge_again, require_right
from assistant.slackbot.trying import Found, State, Step, Trial, Tried, reached, try_again, try_out

_HANDLE = re.compile(r"[0-9a-f]{16}")
_LONGEST_ADDRESS = 200


@dataclass(frozen=True, slots=True)
class ConnectForm:
    """What somebody enters. `address`: of Mundap, as Slack and people reach it: https://ask.example.com."""

    address: str
    delivery: str
    credentials: Credentials


class Mistakes(UsageError):
    """What was entered can't be. `by_field`: a told sentence for each field."""

    def __init__(self, by_field: Mapping[str, str]) -> None:
        super().__init__(" ".join(f"{name}: {sentence}" for name, sentence in by_field.items()))
        self.by_field = by_field


class NotConnected(UsageError):
    """Slack takes not all of it; nothing was stored."""

    def __init__(self, trial: Trial) -> None:
        super().__init__("Slack does not take these credentials.")
        self.trial = trial


def new_handle() -> str:
    """A handle for a workspace that is about to be connected."""
    return secrets.token_hex(8)


def is_handle(text: str) -> bool:
    """Whether this can be the handle of a new workspace."""
    return _HANDLE.fullmatch(text) is not None


def request_url(address: str, handle: str) -> str:
    """Where Slack calls the workspace with this handle."""
    return address.rstrip("/") + reverse("slackbot:receive", args=[handle])


def prepared(*, handle: str, address: str, delivery: str) -> JsonObject:
    """The manifest to paste at Slack, for a workspace that is not stored yet, or for one that is.

    Raises:
        Mistakes: of `address` or `delivery`.
    """
    known, address = _reachable(address, delivery)
    return manifest(delivery=known, request_url=request_url(address, handle))


def connect(*, handle: str, form: ConnectForm, actor: User) -> tuple[Workspace, Trial]:
    """Try the credentials and store the workspace, open. Not to be called within a transaction.

    Raises:
        Mistakes, NotConnected: nothing was stored.
        UsageError: the actor may not.
    """
    require_right(actor)
    delivery, address = _checked(form)
    if not is_handle(handle) or Workspace.objects.filter(handle=handle).exists():
        raise Mistakes({"unnamed": told("This page was used already. Begin again.")})
    trial, found = _found(form, delivery)
    if Workspace.objects.filter(team_id=found.team_id).exists():
        raise NotConnected(_refused(trial, told("This workspace is connected already: open it in the list.")))
    row = Workspace(handle=handle, team_id=found.team_id, address=address, delivery=delivery)
    _fill(row, found)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
            _keep(row, form.credentials)
            _record(Event.SLACK_CONNECTED, row, actor)
    except IntegrityError:
        raise NotConnected(
            _refused(trial, told("This workspace is connected already: open it in the list."))
        ) from None
    return row, Trial((*trial.steps, reached(row)), found)


def connect_anew(*, workspace_id: int, form: ConnectForm, actor: User) -> tuple[Workspace, Trial]:
    """Other credentials for the same workspace. Connections and clients of the former ones end.

    Raises:
        Mistakes, NotConnected: nothing was changed.
        NotFound: no such workspace.
        UsageError: the actor may not.
    """
    require_right(actor)
    delivery, address = _checked(form)
    team_id = _workspace(workspace_id).team_id
    trial, found = _found(form, delivery)
    if found.team_id != team_id:
        raise NotConnected(_refused(trial, told("The token is another workspace's.")))
    with transaction.atomic():
        row = _locked(workspace_id)
        row.address, row.delivery, row.failure = address, delivery, ""
        row.heard_at = row.socket_lease_until = None
        row.socket_owner, row.revision = "", row.revision + 1
        _fill(row, found)
        row.save()
        _keep(row, form.credentials)
        judge_again(row)  # of who joined in the meantime nothing was heard
        _record(Event.SLACK_CREDENTIALS_CHANGED, row, actor)
    directory.forget(row.pk)
    return row, Trial((*trial.steps, reached(row)), found)


def check(*, workspace_id: int, actor: User) -> Trial:
    """Try what the workspace is connected with. Changes nothing.

    Raises:
        NotFound: no such workspace.
        UsageError: the actor may not.
    """
    require_right(actor)
    return try_again(_workspace(workspace_id))


def change(*, workspace_id: int, trusts_addresses: bool, address: str, actor: User) -> None:
    """Whether addresses say who somebody is, and where Mundap is. Posted answers are judged again.

    Raises:
        Mistakes: of `address`.
        NotFound: no such workspace.
        UsageError: the actor may not.
    """
    require_right(actor)
    with transaction.atomic():
        row = _locked(workspace_id)
        _, address = _reachable(address, row.delivery)
        before = row.trusts_addresses
        row.trusts_addresses, row.address = trusts_addresses, address
        row.save(update_fields=["trusts_addresses", "address"])
        _record(Event.SLACK_CHANGED, row, actor, trusts_addresses=trusts_addresses, address=address)
        if before and not trusts_addresses:
            judge_again(row)


def set_open(*, workspace_id: int, is_open: bool, actor: User) -> None:
    """Answer in the workspace, or hear nothing from it. What is posted stays while it is closed, and is
    judged when it is opened again.

    Raises:
        NotFound: no such workspace.
        UsageError: the actor may not.
    """
    require_right(actor)
    with transaction.atomic():
        row = _locked(workspace_id)
        row.is_open = is_open
        row.save(update_fields=["is_open"])
        if is_open:
            judge_again(row)
        _record(Event.SLACK_OPENED if is_open else Event.SLACK_CLOSED, row, actor)


def remove(*, workspace_id: int, actor: User) -> None:
    """Forget the workspace with its token and who was joined. Answers stay in Slack, and are not taken back.

    Raises:
        NotFound: no such workspace.
        UsageError: the actor may not.
    """
    require_right(actor)
    with transaction.atomic():
        row = _locked(workspace_id)
        _record(Event.SLACK_REMOVED, row, actor)
        row.delete()
    directory.forget(workspace_id)


def _checked(form: ConnectForm) -> tuple[Delivery, str]:
    wrong: dict[str, str] = {}
    delivery, address = Delivery.HTTP, ""
    try:
        delivery, address = _reachable(form.address, form.delivery)
    except Mistakes as error:
        wrong |= error.by_field
    entered = form.credentials
    rotating = {
        "client_id": entered.client_id,
        "client_secret": entered.client_secret,
        "refresh_token": entered.refresh_token,
    }
    if any(rotating.values()):
        for name, value in rotating.items():
            if not value:
                wrong[name] = told("Where the app rotates its tokens, all three are needed.")
    elif entered.bot_token.startswith("xoxe."):
        wrong["refresh_token"] = told(
            "This token ends after some hours. Enter the three below, too, or switch token rotation off."
        )
    if wrong:
        raise Mistakes(wrong)
    return delivery, address


def _reachable(address: str, delivery: str) -> tuple[Delivery, str]:
    """The two as they are stored."""
    if delivery not in Delivery.values:
        raise Mistakes({"delivery": told("Choose how Slack reaches Mundap.")})
    address = address.strip().rstrip("/")
    try:
        target = parse_target(address)
    except (MundapError, ValueError):
        raise Mistakes({"address": _NO_ADDRESS}) from None
    parts = urlsplit(address)
    if len(address) > _LONGEST_ADDRESS or parts.path or parts.query or parts.fragment:
        raise Mistakes({"address": _NO_ADDRESS})
    if delivery == Delivery.HTTP and target.scheme != "https":
        raise Mistakes(
            {"address": told("Slack calls only addresses that begin with https://. Else choose Socket Mode.")}
        )
    return Delivery(delivery), address


_NO_ADDRESS = told("Enter the address of Mundap without a page behind it, such as https://ask.example.com.")


def _found(form: ConnectForm, delivery: Delivery) -> tuple[Trial, Found]:
    trial = try_out(form.credentials, delivery)
    if trial.found is None or not trial.passed:
        raise NotConnected(trial)
    return trial, trial.found


def _refused(trial: Trial, why: str) -> Trial:
    """The same, but this workspace is not to be."""
    steps = (
        Tried(Step.WORKSPACE, State.FAILED, why) if one.step is Step.WORKSPACE else one for one in trial.steps
    )
    return Trial(tuple(steps))


def _fill(row: Workspace, found: Found) -> None:
    row.enterprise_id, row.app_id = found.enterprise_id, found.app_id
    row.bot_user_id, row.bot_id = found.bot_user_id, found.bot_id
    row.name, row.domain = found.name, found.domain
    ends = found.expires_in
    row.token_expires_at = None if ends is None else timezone.now() + timedelta(seconds=ends)


def _keep(row: Workspace, credentials: Credentials) -> None:
    row.sealed_secrets = sealed(credentials, row.pk)
    row.save(update_fields=["sealed_secrets"])


def _workspace(workspace_id: int) -> Workspace:
    row = Workspace.objects.filter(pk=workspace_id).first()
    if row is None:
        raise NotFound("There is no such Slack workspace.")
    return row


def _locked(workspace_id: int) -> Workspace:
    row = Workspace.objects.select_for_update().filter(pk=workspace_id).first()
    if row is None:
        raise NotFound("There is no such Slack workspace.")
    return row


def _record(event: Event, row: Workspace, actor: User, **data: str | bool) -> None:
    record(event, actor_id=actor.pk, actor=actor.email, workspace=row.name, team=row.team_id, **data)
