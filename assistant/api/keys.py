"""Who asks? The owner of the key in the `Authorization` header, and nobody by any other means.

A cookie proves nothing here, so that no page of another site can make a browser ask.
The key is looked up for every request: one that was revoked, and one of an account that
was closed, is refused at once.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import HttpRequest, JsonResponse
from django.http.request import UnreadablePostError
from django.views.decorators.csrf import csrf_exempt

from assistant.access.roles import require
from assistant.access.viewer import Viewer, viewer_for
from assistant.accounts.api_keys import Asking, asking_with
from assistant.accounts.rate_limits import Holder, Limit, Wait, spend
from assistant.accounts.roles import Right
from assistant.accounts.scopes import Scope
from assistant.accounts.throttle import wrong_key
from assistant.api.answers import ErrorCode, nothing_here, other_method, other_scope, refusal, result
from assistant.audit.origin import address_of
from assistant.common.errors import GuardrailsDamaged, IndexDamaged, ModelUnavailable, NotFound, UsageError
from assistant.common.row_numbers import require_possible_numbers
from assistant.common.types import JsonObject

log = logging.getLogger(__name__)

P = ParamSpec("P")
Call = Callable[Concatenate[Viewer, HttpRequest, P], JsonObject]
Guarded = Callable[Concatenate[HttpRequest, P], JsonResponse]

BEARER = re.compile(r"Bearer +([A-Za-z0-9_-]{1,200})", re.IGNORECASE)
NO_KEY = "Send a key that works: Authorization: Bearer mundap_... Keys expire and can be revoked."


def for_keys(method: str, *, scope: Scope, right: Right | None = None) -> Callable[[Call[P]], Guarded[P]]:
    """The call, for who has a key of this scope and the right that it needs. Errors have the one shape.

    Whoever has no key learns nothing of paths, methods or parameters; for who has not
    the right there is no such call; who has it is told which scope the key lacks.
    """

    def guard(call: Call[P]) -> Guarded[P]:
        @csrf_exempt
        @wraps(call)
        def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> JsonResponse:
            def act() -> JsonResponse:
                asking = _asking(request)
                if asking is None:
                    return no_working_key(request)
                viewer = viewer_for(asking.user)
                if right is not None:
                    require(viewer, right)
                if scope not in asking.scopes:
                    return other_scope(scope)
                if request.method != method and (request.method, method) != ("HEAD", "GET"):
                    return other_method(method)
                if (wait := _spent(asking, scope)) is not None:
                    return too_fast(wait)
                require_possible_numbers(kwargs)
                return result(call(viewer, request, *args, **kwargs))

            return answered(act)

        return guarded

    return guard


@csrf_exempt
def no_such_path(request: HttpRequest) -> JsonResponse:
    """Everything below the API's root that is no call."""

    def act() -> JsonResponse:
        return nothing_here() if _asking(request) else no_working_key(request)

    return answered(act)


def no_working_key(request: HttpRequest) -> JsonResponse:
    """For who sent no key that works. Too many wrong ones from one address: they are told to wait.

    A key that works is looked up before and never waits, whoever else guesses from its address.
    """
    guessed = BEARER.fullmatch(request.headers.get("Authorization", "")) is not None
    held = wrong_key(address=address_of(request)) if guessed else None
    if held is None:
        return refusal(ErrorCode.UNAUTHORIZED, NO_KEY)
    response = refusal(ErrorCode.TOO_MANY, f"Too many keys that do not work. Wait {held.wait_s} s. {NO_KEY}")
    response.headers["Retry-After"] = str(held.wait_s)
    return response


def too_fast(wait: Wait, *, what: str = "calls") -> JsonResponse:
    """For a key that works and is used faster than its limit. Nothing was done."""
    response = refusal(ErrorCode.TOO_MANY, f"Too many {what} in a short time. Wait {wait.seconds} s.")
    response.headers["Retry-After"] = str(wait.seconds)
    return response


def _spent(asking: Asking, scope: Scope) -> Wait | None:
    """Count a call: for its key, for all keys of the account, and a question among the account's questions.

    These are other counters than those of the person's pages: a program holds up no person.
    """
    account = Holder(asking.user.pk, asking.user)
    wait = spend(Limit.KEY, Holder(asking.key_id, asking.user)) or spend(Limit.KEYS, account)
    if wait is None and scope is Scope.ASK:
        wait = spend(Limit.KEY_QUESTIONS, account)
    return wait


def _asking(request: HttpRequest) -> Asking | None:
    """Two headers arrive as one with a comma, and so prove nothing."""
    sent = BEARER.fullmatch(request.headers.get("Authorization", ""))
    return asking_with(sent[1]) if sent else None


def answered(act: Callable[[], JsonResponse]) -> JsonResponse:
    """What the call answers, and every error in the one shape."""
    try:
        return act()
    except NotFound:
        return nothing_here()
    except UsageError as error:
        return refusal(ErrorCode.BAD_REQUEST, str(error))
    except RequestDataTooBig:
        return refusal(ErrorCode.TOO_LARGE, "The body of the request is too large.")
    except (SuspiciousOperation, UnreadablePostError):
        return refusal(ErrorCode.BAD_REQUEST, "The request cannot be read. Check its parameters and body.")
    except ModelUnavailable as error:
        log.error("a model is not available: %s", error)
        return refusal(ErrorCode.UNAVAILABLE, "A model cannot be reached. Tell your administrator.")
    except GuardrailsDamaged as error:
        log.error("the guardrails cannot be read: %s", error)
        return refusal(ErrorCode.UNAVAILABLE, "What may be asked cannot be checked. Tell your administrator.")
    except IndexDamaged as error:
        log.error("the index is damaged: %s", error)
        return refusal(ErrorCode.UNAVAILABLE, "The index is being repaired. Try again in a few minutes.")
    except Exception as error:  # noqa: BLE001 - the edge of the API: a program gets JSON whatever happens
        # Its kind and place only: the error's own words may hold what somebody asked or read.
        log.error("a call of the API failed: %s %s", type(error).__name__, _place(error))
        return refusal(ErrorCode.INTERNAL, "Something went wrong inside Mundap. Tell your administrator.")


def _place(error: Exception) -> str:
    step = error.__traceback__
    while step is not None and step.tb_next is not None:
        step = step.tb_next
    return f"{step.tb_frame.f_globals.get('__name__', '')}:{step.tb_lineno}" if step else ""
