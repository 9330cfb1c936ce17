"""The API in OpenAPI's words. Tests hold it against the routes and against real answers."""

from __future__ import annotations

from functools import cache
from typing import cast

from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from assistant.access.inspection import (
    DocumentLabel,
    Inspection,
    PersonLabel,
    Readers,
    SourceShare,
    SourceView,
)
from assistant.accounts.scopes import Scope
from assistant.api.answers import STATUS, ErrorCode, other_method, result
from assistant.api.filtering import described_fields, described_parameters
from assistant.api.push_description import described_pushing, push_schemas
from assistant.api.schemas import (
    MOMENT,
    NOTHING,
    NUMBER,
    TEXT,
    TRUTH,
    WHOLE,
    Schema,
    closed,
    either,
    listed,
    of_dataclass,
    ref,
)
from assistant.api.search import MOST_HITS, USUAL_HITS
from assistant.chat.answering import MAX_QUESTION
from assistant.chat.models import TurnMode
from assistant.chat.tables.answering import Why
from assistant.chat.tables.asking_words import Wanted
from assistant.common.types import Json, JsonObject
from assistant.providers.source_dates import Dated
from assistant.retrieval.folding import Reason
from assistant.sync.access_changes import RunChanges

_PLACE = either(WHOLE, TEXT, NOTHING)
_DAY: Schema = {
    "type": "string",
    "description": 'An ISO 8601 day, month or year, such as "2026-03-02" or "2026"; empty: none is known.',
}
_DATE_KIND: Schema = {
    "type": "string",
    "enum": [kind.value for kind in Dated],
    "description": "What the date is the date of: the first four by the document's own words or title, "
    '"changed" by its source.',
}
_WAIT: Schema = {
    "Retry-After": {
        "description": "After how many whole seconds there is room again. With 503 only where that is known.",
        "schema": WHOLE,
    }
}
_ABOUT = (
    "Search and questions over the documents that the owner of a key may read, and the permission "
    "inspector. What a person may read is asked at each request: what is not theirs answers as what "
    "is not there. People make their keys on the page of their API keys, or `manage.py api-key add` does. "
    "A key has scopes; a call whose scope it lacks is refused with 403. Calls that come faster than "
    "the installation allows are refused with 429, and `Retry-After` says for how long. Keys with which a "
    "program pushes documents into one source, and can read nothing, are issued with "
    "`manage.py push-key add`."
)


@csrf_exempt
def openapi(request: HttpRequest) -> JsonResponse:
    """The description. It tells nothing of this installation, and needs no key."""
    return result(described()) if request.method in ("GET", "HEAD") else other_method("GET")


@cache
def described() -> JsonObject:
    """The whole description."""
    schemas = {**_written_out(), **push_schemas()}
    paths = {**_for_everybody(), **_for_inspectors(schemas), **_for_programs()}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Mundap", "version": "1", "description": _ABOUT},
        "servers": [{"url": "/api/v1"}],
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "bearerFormat": "mundap_..."},
                "push_key": {"type": "http", "scheme": "bearer", "bearerFormat": "mundap_push_..."},
            },
        },
    }


def _written_out() -> dict[str, Schema]:
    also = closed(external_id=TEXT, title=TEXT, reason={"type": "string", "enum": list(Reason)})
    hit = closed(
        rank=WHOLE,
        document=WHOLE,
        external_id=TEXT,
        title=TEXT,
        page=_PLACE,
        passage=TEXT,
        score=NUMBER,
        also=listed(also),
    )
    citation = closed(
        n=WHOLE,
        external_id=TEXT,
        title=TEXT,
        page=_PLACE,
        date=_DAY,
        date_kind=_DATE_KIND,
        passage=TEXT,
        quotes=listed(TEXT),
    )
    return {
        "Error": closed(error=closed(code={"type": "string", "enum": list(ErrorCode)}, message=TEXT)),
        "Hits": closed(hits=listed(hit), ms=WHOLE),
        "Question": _question(),
        "Answer": closed(
            draft=TRUTH,
            answer=TEXT,
            short_answer=TEXT,
            calculated={"type": "string", "enum": ["", *(wanted.value for wanted in Wanted)]},
            no_answer=TRUTH,
            blocked=either(closed(topic=TEXT, message=TEXT), NOTHING),
            notes=listed(_note()),
            citations=listed(citation),
            ms=WHOLE,
        ),
        "Document": closed(
            id=WHOLE,
            external_id=TEXT,
            title=TEXT,
            source=TEXT,
            media_type=TEXT,
            modified_at=either(MOMENT, NOTHING),
            synced_at=MOMENT,
            text=TEXT,
        ),
    }


def _note() -> Schema:
    source = closed(
        n=WHOLE,
        external_id=TEXT,
        title=TEXT,
        date=_DAY,
        date_kind=_DATE_KIND,
        until=_DAY,
        quote=TEXT,
    )
    kind: Schema = {
        "type": "string",
        "enum": ["superseded", "ended", "conflict", "uncalculated"],
        "description": "superseded: the first source is an older version, the second replaced it. ended: the "
        "source says that it no longer holds. conflict: the sources state different things, newest first. "
        "uncalculated: their tables were meant and nothing was calculated from them; `why` says why not.",
    }
    why: Schema = {"type": "string", "enum": ["", *(one.value for one in Why)]}
    return closed(kind=kind, text=TEXT, why=why, columns=listed(TEXT), sources=listed(source))


def _question() -> Schema:
    question: Schema = {"type": "string", "minLength": 1, "maxLength": MAX_QUESTION}
    model: Schema = {
        "type": "string",
        "description": "A model that the person may use, by its name. Without it their default one answers.",
    }
    mode: Schema = {
        "type": "string",
        "enum": list(TurnMode.values),
        "default": TurnMode.ANSWER.value,
        "description": "A draft, without or with documents, where drafts are offered and the model writes.",
    }
    return {
        "type": "object",
        "properties": {"question": question, "model": model, "mode": mode, **described_fields()},
        "required": ["question"],
        "additionalProperties": False,
    }


def _for_everybody() -> dict[str, Schema]:
    query = _parameter("q", {**TEXT, "maxLength": MAX_QUESTION}, "What to search for.")
    hits: Schema = {**WHOLE, "minimum": 1, "maximum": MOST_HITS, "default": USUAL_HITS}
    ask = _call("Ask a question; the whole answer comes at once, and nothing is stored.", ref("Answer"))
    body: Schema = {"required": True, "content": _content(ref("Question"))}
    search = _call(
        "The best passage of each of the best documents.",
        ref("Hits"),
        query,
        _parameter("k", hits, "How many documents at most.", required=False),
        *described_parameters(),
    )
    document = _call("A document with its text.", ref("Document"), _in_path("document_id", WHOLE))
    this: Schema = {"get": {**_operation("This description.", {"type": "object"}), "security": []}}
    return {
        "/openapi.json": this,
        "/search": {"get": _scoped(Scope.SEARCH, search)},
        "/ask": {"post": _scoped(Scope.ASK, {**ask, "requestBody": body})},
        "/documents/{document_id}": {"get": _scoped(Scope.DOCUMENTS, document)},
    }


def _for_inspectors(schemas: dict[str, Schema]) -> dict[str, Schema]:
    def known(kind: type) -> Schema:
        return of_dataclass(kind, into=schemas)

    page = _parameter("page", {**WHOLE, "minimum": 1, "default": 1}, "50 entries each.", required=False)
    number, email = _in_path("document_id", WHOLE), _in_path("email", TEXT)
    person = _parameter("person", TEXT, "An e-mail address of the person.")
    document = _parameter("document", WHOLE, "The document's number.")
    source = _parameter("source", WHOLE, "The source's number.")
    of_source: Schema = {**source, "required": False}
    text = _parameter("text", TEXT, "What to look for.")
    calls = {
        "/permissions/explain": _call(
            "Why a person sees a document, or why not.", known(Inspection), person, document
        ),
        "/permissions/documents": _call(
            "Documents by number, address or id in their source.",
            closed(documents=listed(known(DocumentLabel))),
            text,
            of_source,
        ),
        "/permissions/documents/{document_id}/readers": _call(
            "Who sees a document.", known(Readers), number, page
        ),
        "/permissions/people": _call(
            "People by name or address.", closed(people=listed(known(PersonLabel))), text
        ),
        "/permissions/people/{email}/sources": _call(
            "How much of each source a person sees.", closed(sources=listed(known(SourceShare))), email
        ),
        "/permissions/people/{email}/documents": _call(
            "What a person sees in one source.", known(SourceView), email, source, page
        ),
        "/permissions/runs/{run_id}/changes": _call(
            "Who gains and who loses by what a run changed.",
            known(RunChanges),
            _in_path("run_id", WHOLE),
            page,
        ),
    }
    needs = "Needs the right to inspect permissions; for others there is no such call."
    return {
        path: {"get": _scoped(Scope.PERMISSIONS, {**call, "description": needs})}
        for path, call in calls.items()
    }


def _for_programs() -> dict[str, Schema]:
    paths: dict[str, Schema] = {}
    for path, (method, summary, answer, body) in described_pushing().items():
        named = [_in_path("source_id", WHOLE)]
        named += [_in_path("job_id", WHOLE)] if "{job_id}" in path else []
        call: Schema = {
            **_call(summary, ref(answer), *named),
            "security": [{"push_key": []}],
            "description": "Needs a push key of this source; another source is not there.",
        }
        if body:
            call["requestBody"] = {"required": True, "content": _content(ref(body))}
        paths[path] = {method: call}
    return paths


def _scoped(scope: Scope, call: Schema) -> Schema:
    """The call with the scope that a key needs for it; OpenAPI 3.1 lets every scheme name some."""
    needs = f"Needs a key with the scope `{scope}`."
    told = " ".join(filter(None, (needs, str(call.get("description", "")))))
    return {**call, "security": [{"key": [scope.value]}], "description": told}


def _call(summary: str, schema: Schema, *parameters: Schema) -> Schema:
    return {**_operation(summary, schema), "parameters": list(parameters)}


def _operation(summary: str, schema: Schema) -> Schema:
    responses: dict[str, Json] = {"200": {"description": "Done.", "content": _content(schema)}}
    for code, status in STATUS.items():
        responses[str(status)] = {"description": code.value, "content": _content(ref("Error"))}
    for status in (STATUS[ErrorCode.TOO_MANY], STATUS[ErrorCode.UNAVAILABLE]):
        responses[str(status)] = {**cast(Schema, responses[str(status)]), "headers": _WAIT}
    return {"summary": summary, "responses": responses}


def _content(schema: Schema) -> Schema:
    return {"application/json": {"schema": schema}}


def _parameter(name: str, schema: Schema, description: str, *, required: bool = True) -> Schema:
    return {"name": name, "in": "query", "required": required, "schema": schema, "description": description}


def _in_path(name: str, schema: Schema) -> Schema:
    return {"name": name, "in": "path", "required": True, "schema": schema}
