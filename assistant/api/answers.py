"""What goes out: JSON that no cache keeps, and one shape for every error."""

from __future__ import annotations

from enum import StrEnum

from django.http import JsonResponse

from assistant.common.types import JsonObject


class ErrorCode(StrEnum):
    """Every error of the API, for programs. Each has one status."""

    BAD_REQUEST = "bad_request"
    UNAUTHORIZED = "unauthorized"
    OUT_OF_SCOPE = "out_of_scope"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    CONFLICT = "conflict"
    TOO_LARGE = "too_large"
    TOO_MANY = "too_many"
    INTERNAL = "internal"
    UNAVAILABLE = "unavailable"


STATUS: dict[ErrorCode, int] = {
    ErrorCode.BAD_REQUEST: 400,
    ErrorCode.UNAUTHORIZED: 401,
    ErrorCode.OUT_OF_SCOPE: 403,
    ErrorCode.NOT_FOUND: 404,
    ErrorCode.METHOD_NOT_ALLOWED: 405,
    ErrorCode.CONFLICT: 409,
    ErrorCode.TOO_LARGE: 413,
    ErrorCode.TOO_MANY: 429,
    ErrorCode.INTERNAL: 500,
    ErrorCode.UNAVAILABLE: 503,
}


def result(value: JsonObject) -> JsonResponse:
    """The answer to a request that was fulfilled."""
    return _response(value, status=200)


def refusal(code: ErrorCode, message: str) -> JsonResponse:
    """The answer to a request that was not."""
    response = _response({"error": {"code": code.value, "message": message}}, status=STATUS[code])
    if code is ErrorCode.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def nothing_here() -> JsonResponse:
    """For what is not there and for what is not theirs. It depends on nothing, so the two cannot differ."""
    return refusal(ErrorCode.NOT_FOUND, "There is nothing here, or it is not yours to see.")


def other_scope(wanted: str) -> JsonResponse:
    """For a key that was made for other calls (RFC 6750, section 3.1)."""
    response = refusal(ErrorCode.OUT_OF_SCOPE, f"This call needs a key with the scope '{wanted}'.")
    response.headers["WWW-Authenticate"] = f'Bearer error="insufficient_scope", scope="{wanted}"'
    return response


def other_method(allowed: str) -> JsonResponse:
    """For a method that the path does not take."""
    response = refusal(ErrorCode.METHOD_NOT_ALLOWED, f"This path only takes {allowed}.")
    response.headers["Allow"] = "GET, HEAD" if allowed == "GET" else allowed
    return response


def _response(value: JsonObject, *, status: int) -> JsonResponse:
    return JsonResponse(
        value,
        status=status,
        headers={"Cache-Control": "no-store"},
        json_dumps_params={"ensure_ascii": False},
    )
