"""A question and its whole answer in one request, outside any conversation."""

from __future__ import annotations

from django.http import HttpRequest

from assistant.access.viewer import Viewer
from assistant.api.keys import for_keys
from assistant.api.parameters import json_body, parameters, text_field
from assistant.chat import finding
from assistant.common.types import JsonObject


@for_keys("POST")
def ask(viewer: Viewer, request: HttpRequest) -> JsonObject:
    """The answer with its citations. Nothing of it is stored."""
    parameters(request, known=())
    body = json_body(request, known=("question",))
    return finding.ask(text_field(body, "question", what="the question as a text"), viewer=viewer)
