"""How SCIM is asked and answers: the key, the body, errors in the RFC's shape, entity tags.

A key is looked up for every request. Whoever has none that works learns nothing of paths and methods.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from functools import wraps

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.request import UnreadablePostError
from django.views.decorators.csrf import csrf_exempt

from assistant.accounts.throttle import provisioning_call, wrong_key
from assistant.api.keys import BEARER
from assistant.audit.origin import address_of
from assistant.common.errors import UsageError
from assistant.common.types import Json, JsonObject
from assistant.identity.scim.errors import ScimError, bad_syntax
from assistant.identity.scim.keys import working_provisioning_key
from assistant.identity.scim.people import Client

log = logging.getLogger(__name__)

ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
LARGEST_BODY = 8 * 1024 * 1024  # a group of fifty thousand members
MEDIA_TYPES = frozenset({"application/scim+json", "application/json"})
_NO_KEY = (
    "Send a provisioning key that works: Authorization: Bearer mundap_scim_... "
    "Keys expire and can be revoked."
)
_DEEPEST_BODY = 12

Call = Callable[..., HttpResponse]


def for_clients(**by_method: Call) -> Call:
    """One address of SCIM: by HTTP method, or ANY, what answers it. HEAD is GET without its body."""

    @csrf_exempt
    def view(request: HttpRequest, **parts: str) -> HttpResponse:
        return _answered(lambda: _called(request, by_method, parts))

    return wraps(next(iter(by_method.values())))(view) if by_method else view


def _called(request: HttpRequest, by_method: Mapping[str, Call], parts: Mapping[str, str]) -> HttpResponse:
    client = _asking(request)
    if client is None:
        return _no_working_key(request)
    held = provisioning_call(client=client.provider.pk)
    if held is not None:
        response = refusal(ScimError(429, "", "Too many requests. Wait, then go on."))
        response.headers["Retry-After"] = str(held.wait_s)
        return response
    call = by_method.get("GET" if request.method == "HEAD" else str(request.method), by_method.get("ANY"))
    if call is None:
        response = refusal(ScimError(405, "", "This address does not take the method."))
        response.headers["Allow"] = ", ".join(
            sorted({*by_method, *(("HEAD",) if "GET" in by_method else ())})
        )
        return response
    return call(client, request, **parts)


def answer(value: JsonObject | None, *, status: int = 200, location: str = "") -> HttpResponse:
    """An answer; the tag and the address of a resource go into the headers as well."""
    body = b"" if value is None else json.dumps(value, ensure_ascii=False).encode()
    response = HttpResponse(body, status=status, content_type="application/scim+json")
    response.headers["Cache-Control"] = "no-store"
    if value is None:
        del response.headers["Content-Type"]
    if location:
        response.headers["Location"] = location
    meta = value.get("meta") if value is not None else None
    if isinstance(meta, Mapping) and isinstance(meta.get("version"), str):
        response.headers["ETag"] = str(meta["version"])
    return response


def refusal(error: ScimError) -> HttpResponse:
    """An error in the RFC's shape."""
    said: dict[str, Json] = {"schemas": [ERROR], "status": str(error.status), "detail": str(error)}
    if error.kind:
        said["scimType"] = error.kind
    return answer(said, status=error.status)


def body_of(request: HttpRequest) -> dict[str, Json]:
    """The JSON object that a request carries.

    Raises:
        ScimError: another media type, too large, no JSON object, too deep.
    """
    if request.content_type not in MEDIA_TYPES:
        raise ScimError(415, "", "Send a body with the header Content-Type: application/scim+json.")
    sent = request.read(LARGEST_BODY + 1)
    if len(sent) > LARGEST_BODY:
        raise ScimError(413, "", f"A body has at most {LARGEST_BODY // 1024 // 1024} MiB.")
    try:
        value = json.loads(sent.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise bad_syntax("The body is not JSON in UTF-8, or a name stands twice in an object.") from error
    if not isinstance(value, dict) or _depth(value) > _DEEPEST_BODY:
        raise bad_syntax("The body must be a JSON object, and not nested deeply.")
    return value


def require_match(request: HttpRequest, version: str) -> None:
    """Refuse a change of what has changed since the client read it.

    Raises:
        ScimError: 412.
    """
    wanted = request.headers.get("If-Match")
    if wanted is not None and wanted.strip() != "*" and version not in _tags(wanted):
        raise ScimError(412, "", "The resource has changed since. Read it again.")


def is_known(request: HttpRequest, version: str) -> bool:
    """Whether the client has this very version already."""
    known = request.headers.get("If-None-Match", "")
    return known.strip() == "*" or version in _tags(known)


def _tags(header: str) -> set[str]:
    """Tags are compared weakly, so the strong spelling of a tag is the same one."""
    plain = (tag.strip() for tag in header.split(","))
    return {tag if tag.startswith("W/") else f"W/{tag}" for tag in plain if tag}


def _asking(request: HttpRequest) -> Client | None:
    sent = BEARER.fullmatch(request.headers.get("Authorization", ""))
    key = working_provisioning_key(sent[1]) if sent else None
    return Client(key.provider, key.pk) if key else None


def _no_working_key(request: HttpRequest) -> HttpResponse:
    """Too many wrong keys from one address: they are told to wait. One that works never waits for them."""
    guessed = BEARER.fullmatch(request.headers.get("Authorization", "")) is not None
    held = wrong_key(address=address_of(request)) if guessed else None
    if held is None:
        response = refusal(ScimError(401, "", _NO_KEY))
        response.headers["WWW-Authenticate"] = "Bearer"
        return response
    response = refusal(ScimError(429, "", f"Too many keys that do not work. {_NO_KEY}"))
    response.headers["Retry-After"] = str(held.wait_s)
    return response


def _answered(act: Callable[[], HttpResponse]) -> HttpResponse:
    try:
        return act()
    except ScimError as error:
        return refusal(error)
    except UsageError as error:
        return refusal(ScimError(400, "invalidValue", str(error)))
    except RequestDataTooBig:
        return refusal(ScimError(413, "", "The body of the request is too large."))
    except (SuspiciousOperation, UnreadablePostError):
        return refusal(ScimError(400, "", "The request cannot be read."))
    except OperationalError as error:
        log.warning("a call of SCIM met a locked database: %s", type(error).__name__)
        response = refusal(ScimError(503, "", "Busy. Try again."))
        response.headers["Retry-After"] = "2"
        return response
    except Exception as error:  # noqa: BLE001 - the edge: a program gets SCIM's shape whatever happens
        # Its kind and place only: the error's own words may hold names of people.
        log.error("a call of SCIM failed: %s %s", type(error).__name__, _place(error))
        return refusal(ScimError(500, "", "Something went wrong inside Mundap. Tell its administrators."))


def _place(error: Exception) -> str:
    step = error.__traceback__
    while step is not None and step.tb_next is not None:
        step = step.tb_next
    return f"{step.tb_frame.f_globals.get('__name__', '')}:{step.tb_lineno}" if step else ""


def _once(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name twice")
    return found


def _no_constant(name: str) -> Json:
    raise ValueError(name)


def _depth(value: Json) -> int:
    if isinstance(value, Mapping):
        return 1 + max(map(_depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(_depth, value), default=0)
    return 0
