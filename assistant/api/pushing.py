"""Pushing documents into a source, for programs with a key of that source and of nothing else."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from assistant.accounts.models import PushKey
from assistant.accounts.push_keys import working_push_key
from assistant.accounts.rate_limits import Holder, Limit, LimitReached, counted, spend
from assistant.api.answers import ErrorCode, nothing_here, other_method, refusal, result
from assistant.api.keys import BEARER, answered, no_working_key, too_fast
from assistant.api.parameters import parameters
from assistant.common.errors import UsageError
from assistant.common.row_numbers import require_possible_numbers
from assistant.common.types import Json, JsonObject
from assistant.ingest.disk_room import DiskNearlyFull, require_disk_room, told_when_full
from assistant.sync.push_groups import PushedGroups, put_groups
from assistant.sync.push_jobs import job, start_job, stop_job
from assistant.sync.push_turns import PushBusy, PushRefused
from assistant.sync.pushing import (
    LARGEST_BODY,
    MOST_DELETED,
    MOST_DOCUMENTS,
    decoded,
    delete_documents,
    put_documents,
)

MOST_GROUPS = 20_000
LONGEST_NAME = 200

P = ParamSpec("P")
Call = Callable[Concatenate[PushKey, HttpRequest, P], JsonObject]
Guarded = Callable[..., JsonResponse]  # the source's number comes by its name
_BUSY_S, _FULL_S = "2", "600"


def for_push_keys(method: str) -> Callable[[Call[P]], Guarded]:
    """The call, for who has a key of the very source that the path names.

    Another source answers to the key as one that is not there.
    """

    def guard(call: Call[P]) -> Guarded:
        @csrf_exempt
        @wraps(call)
        def guarded(
            request: HttpRequest, /, source_id: int, *args: P.args, **kwargs: P.kwargs
        ) -> JsonResponse:
            def act() -> JsonResponse:
                key = _key(request)
                if key is None:
                    return no_working_key(request)
                if key.connection_id != source_id:
                    return nothing_here()
                if request.method != method and (request.method, method) != ("HEAD", "GET"):
                    return other_method(method)
                if (wait := spend(Limit.PUSHES, Holder(key.pk))) is not None:
                    return too_fast(wait)
                require_possible_numbers(kwargs)
                parameters(request, known=())
                return result(call(key, request, *args, **kwargs))

            return answered(lambda: _with_push_errors(act))

        return guarded

    return guard


def _key(request: HttpRequest) -> PushKey | None:
    sent = BEARER.fullmatch(request.headers.get("Authorization", ""))
    return working_push_key(sent[1]) if sent else None


def _with_push_errors(act: Callable[[], JsonResponse]) -> JsonResponse:
    try:
        return act()
    except PushRefused as error:
        return refusal(ErrorCode.CONFLICT, str(error))
    except DiskNearlyFull as error:
        response = refusal(ErrorCode.UNAVAILABLE, str(error))
        response.headers["Retry-After"] = _FULL_S
        return response
    except LimitReached as error:
        return too_fast(error.wait, what="bytes for this source")
    except PushBusy as error:
        response = refusal(ErrorCode.UNAVAILABLE, str(error))
        response.headers["Retry-After"] = _BUSY_S
        return response


@for_push_keys("POST")
def put(key: PushKey, request: HttpRequest) -> JsonObject:
    """Put documents."""
    require_disk_room(LARGEST_BODY)
    sent = _sent(request)
    with counted(Holder(key.connection_id), {Limit.PUSHED_BYTES: len(sent)}), told_when_full():
        body = _read(sent, known=("documents", "job"))
        documents = _listed(body, "documents", most=MOST_DOCUMENTS)
        return put_documents(source_id=key.connection_id, documents=documents, job_id=_job_id(body))


@for_push_keys("POST")
def delete(key: PushKey, request: HttpRequest) -> JsonObject:
    """Delete documents by their ids."""
    body = _body(request, known=("ids", "job"))
    names = _names(body, "ids", most=MOST_DELETED)
    if not names:
        raise UsageError("The field 'ids' is missing: the ids of documents.")
    return delete_documents(source_id=key.connection_id, external_ids=names, job_id=_job_id(body))


@for_push_keys("POST")
def groups(key: PushKey, request: HttpRequest) -> JsonObject:
    """Put groups with their members, and accounts with their addresses."""
    body = _body(request, known=("groups", "accounts", "delete", "replace", "job"))
    pushed = PushedGroups(
        groups=_listed(body, "groups", most=MOST_GROUPS, needed=False),
        accounts=_listed(body, "accounts", most=MOST_GROUPS, needed=False),
        gone=_names(body, "delete", most=MOST_GROUPS),
        replace=_flag(body, "replace"),
        job_id=_job_id(body),
    )
    return put_groups(source_id=key.connection_id, pushed=pushed)


@for_push_keys("POST")
def start(key: PushKey, request: HttpRequest) -> JsonObject:
    """Start a job."""
    name = _body(request, known=("name",)).get("name", "")
    if not isinstance(name, str) or len(name) > LONGEST_NAME or not (name.isprintable()):
        raise UsageError(f"The field 'name' must hold a text of at most {LONGEST_NAME} characters.")
    return start_job(source_id=key.connection_id, name=name, actor=f"push key {key.pk}")


@for_push_keys("GET")
def show(key: PushKey, _request: HttpRequest, job_id: int) -> JsonObject:
    """How far a job is."""
    return job(source_id=key.connection_id, job_id=job_id)


@for_push_keys("POST")
def stop(key: PushKey, request: HttpRequest, job_id: int) -> JsonObject:
    """Stop a job."""
    body = _body(request, known=("complete", "groups_complete"))
    return stop_job(
        source_id=key.connection_id,
        job_id=job_id,
        complete=_flag(body, "complete"),
        groups_complete=_flag(body, "groups_complete"),
    )


def _body(request: HttpRequest, *, known: tuple[str, ...]) -> dict[str, Json]:
    """The JSON object of the request."""
    return _read(_sent(request), known=known)


def _sent(request: HttpRequest) -> bytes:
    if request.content_type != "application/json":
        raise UsageError("Send a JSON object with the header Content-Type: application/json.")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UsageError("Send the body as it is, without a Content-Encoding.")
    body = request.read(LARGEST_BODY + 1)
    if len(body) > LARGEST_BODY:
        raise RequestDataTooBig
    return body


def _read(body: bytes, *, known: tuple[str, ...]) -> dict[str, Json]:
    value = decoded(body)
    if not isinstance(value, dict):
        raise UsageError("The body must be a JSON object.")
    for name in value:
        if name not in known:
            shown = ascii(name[:40])
            raise UsageError(f"There is no field {shown} here, or one twice. Known: {' and '.join(known)}.")
    return value


def _listed(body: dict[str, Json], name: str, *, most: int, needed: bool = True) -> list[Json]:
    value = body.get(name, [])
    if not isinstance(value, list) or len(value) > most or (needed and not value):
        raise UsageError(f"The field '{name}' must hold a list of {int(needed)} to {most} entries.")
    return value


def _names(body: dict[str, Json], name: str, *, most: int) -> list[str]:
    """Ids. What no document can be called is named in vain, so it is let through."""
    found: list[str] = []
    for item in _listed(body, name, most=most, needed=False):
        if not isinstance(item, str) or not _is_storable(item):
            raise UsageError(f"The field '{name}' must hold a list of ids.")
        found.append(item)
    return found


def _is_storable(text: str) -> bool:
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def _flag(body: dict[str, Json], name: str) -> bool:
    value = body.get(name, False)
    if not isinstance(value, bool):
        raise UsageError(f"The field '{name}' must be true or false.")
    return value


def _job_id(body: dict[str, Json]) -> int | None:
    value = body.get("job")
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise UsageError("The field 'job' must be the number of a job.")
    return value
