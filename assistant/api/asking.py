"""A question and its whole answer in one request, outside any conversation."""

from __future__ import annotations

from django.http import HttpRequest

from assistant.access.viewer import Viewer
from assistant.accounts.scopes import Scope
from assistant.api.filtering import filters_of_body
from assistant.api.keys import for_keys
from assistant.api.parameters import json_body, optional_text_field, parameters, text_field
from assistant.chat import finding
from assistant.chat.models import TurnMode
from assistant.common.types import JsonObject
from assistant.retrieval.filters import NAMES


@for_keys("POST", scope=Scope.ASK)
def ask(viewer: Viewer, request: HttpRequest) -> JsonObject:
    """The answer with its citations. Nothing of it is stored."""
    parameters(request, known=())
    body = json_body(request, known=("question", "model", "mode", *NAMES))
    question = text_field(body, "question", what="the question as a text")
    model = optional_text_field(body, "model")
    mode = optional_text_field(body, "mode") or TurnMode.ANSWER
    return finding.ask(question, viewer=viewer, model=model, mode=mode, filters=filters_of_body(body))
