"""The one address that Slack calls: events, commands and clicks of a workspace.

Whatever is wrong is answered alike, so that nobody learns which workspaces there are: an unknown or closed
one, a signature that is not Slack's, a request that is too old, a body that is none.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from slack_bolt import BoltContext, BoltRequest
from slack_bolt.adapter.django.handler import to_django_response
from slack_bolt.request.internals import build_context
from slack_sdk.signature import SignatureVerifier

from assistant.common.errors import MundapError
from assistant.slackbot.bolt_app import app_of
from assistant.slackbot.credentials import opened
from assistant.slackbot.incoming import says_nothing
from assistant.slackbot.limits import LARGEST_BODY
from assistant.slackbot.models import Delivery, Workspace
from assistant.slackbot.shapes import NotARequest, body_of

WINDOW_S = 300  # how old, or how far ahead, a request may be
_TIMESTAMP, _SIGNATURE = re.compile(r"[1-9][0-9]{8,11}"), re.compile(r"v0=[0-9a-f]{64}")
_PASSED_ON = ("Content-Type", "X-Slack-Retry-Num", "X-Slack-Retry-Reason")
_NOBODY = "no workspace has this secret"
_NOT_FOUND = 404


@csrf_exempt
@require_POST
def receive(request: HttpRequest, handle: str) -> HttpResponse:
    """Take in what Slack sends to the workspace with this handle."""
    timestamp = request.headers.get("X-Slack-Request-Timestamp", "")
    signature = request.headers.get("X-Slack-Signature", "")
    text = _text_of(request)
    if text is None or not _TIMESTAMP.fullmatch(timestamp) or not _SIGNATURE.fullmatch(signature):
        return _refusal()
    if abs(time.time() - int(timestamp)) > WINDOW_S:
        return _refusal()
    workspace = Workspace.objects.filter(handle=handle, is_open=True, delivery=Delivery.HTTP).first()
    secret = _secret_of(workspace)
    # Also where there is none, so that it takes as long.
    signed = SignatureVerifier(secret or _NOBODY).is_valid(text, timestamp, signature)
    if workspace is None or not secret or not signed:
        return _refusal()
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    try:
        body = body_of(text, kind)
    except NotARequest:
        return _refusal()
    if says_nothing(body, bot_user=workspace.bot_user_id):
        return HttpResponse(b"")
    passed_on = [name for name in _PASSED_ON if name in request.headers]
    headers: dict[str, str | Sequence[str]] = {name: request.headers[name] for name in passed_on}
    headers |= {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": signature}
    asked = BoltRequest(body="", headers=headers)
    # Read once, here: Bolt takes a command that speaks of a "payload" for a click.
    asked.raw_body, asked.body, asked.context = text, body, build_context(BoltContext(), body)
    return to_django_response(app_of(workspace).dispatch(asked))


def _text_of(request: HttpRequest) -> str | None:
    """The body; None where it is too long or no UTF-8."""
    announced = request.headers.get("Content-Length", "0") or "0"
    if not (announced.isascii() and announced.isdigit()) or int(announced[:12]) > LARGEST_BODY:
        return None
    if len(request.body) > LARGEST_BODY:
        return None
    try:
        return request.body.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _secret_of(workspace: Workspace | None) -> str:
    if workspace is None:
        return ""
    try:
        return opened(workspace).signing_secret
    except MundapError:
        return ""  # sealed with a key that is gone: nobody can prove anything


def _refusal() -> HttpResponse:
    return HttpResponse("not found\n", status=_NOT_FOUND, content_type="text/plain; charset=utf-8")
