"""What does a request ask for, and is it well formed?"""

from __future__ import annotations

import json

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest

from assistant.common.errors import UsageError
from assistant.common.types import Json

_LARGEST_BODY = 64 * 1024
_LARGEST_NUMBER = 2**53 - 1  # what every reader of JSON keeps exactly


def parameters(
    request: HttpRequest, *, known: tuple[str, ...], repeatable: tuple[str, ...] = ()
) -> dict[str, str]:
    """The query parameters by name; of a repeatable one the last, and `request.GET.getlist` has all.

    Raises:
        UsageError: an unknown one, or one that stands twice and is not repeatable.
    """
    named = " and ".join(known) or "none"
    for name in request.GET:
        if name not in known:
            raise UsageError(f"There is no parameter '{name[:40]}' here. Known: {named}.")
        if len(request.GET.getlist(name)) > 1 and name not in repeatable:
            raise UsageError(f"The parameter '{name}' may stand only once.")
    return {name: request.GET[name] for name in request.GET}


def required(given: dict[str, str], name: str, *, what: str) -> str:
    """A parameter that must be there.

    Raises:
        UsageError: it is missing or blank.
    """
    value = given.get(name, "").strip()
    if not value:
        raise UsageError(f"The parameter '{name}' is missing: {what}.")
    return value


def whole_number(
    given: dict[str, str],
    name: str,
    *,
    default: int | None = None,
    least: int = 1,
    most: int = _LARGEST_NUMBER,
) -> int:
    """A parameter as a number.

    Raises:
        UsageError: it is missing and has no default, or is no whole number within the limits.
    """
    text = given.get(name, "" if default is None else str(default))
    digits = text.isascii() and text.isdigit() and len(text) <= len(str(_LARGEST_NUMBER))
    if not digits or not least <= int(text) <= most:
        limits = f"from {least} to {most}" if most < _LARGEST_NUMBER else f"from {least} on"
        raise UsageError(f"The parameter '{name}' must be a whole number {limits}.")
    return int(text)


def json_body(request: HttpRequest, *, known: tuple[str, ...]) -> dict[str, Json]:
    """The JSON object that a request carries.

    Raises:
        RequestDataTooBig: more than 64 KiB.
        UsageError: no JSON object in UTF-8, or one with an unknown name.
    """
    if request.content_type != "application/json":
        raise UsageError("Send a JSON object with the header Content-Type: application/json.")
    body = request.read(_LARGEST_BODY + 1)
    if len(body) > _LARGEST_BODY:
        raise RequestDataTooBig
    try:
        value = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise UsageError("The body is not JSON in UTF-8.") from error
    if not isinstance(value, dict):
        raise UsageError("The body must be a JSON object.")
    for name in value:
        if name not in known:
            raise UsageError(f"There is no field {json.dumps(name[:40])} here. Known: {' and '.join(known)}.")
    return value


def texts_field(body: dict[str, Json], name: str) -> list[str]:
    """A field of the body that may be missing, and holds a list of texts or one text.

    Raises:
        UsageError: it holds something else.
    """
    value = body.get(name, [])
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list) or not all(isinstance(item, str) for item in listed):
        raise UsageError(f"The field '{name}' must hold a text or a list of texts.")
    for item in listed:
        _refuse_halves(str(item), name)
    return [str(item) for item in listed]


def text_field(body: dict[str, Json], name: str, *, what: str) -> str:
    """A field of the body that must hold text.

    Raises:
        UsageError: it is missing, or holds something else.
    """
    value = body.get(name)
    if not isinstance(value, str) or not value.strip():
        raise UsageError(f"The field '{name}' is missing: {what}.")
    _refuse_halves(value, name)
    return value


def optional_text_field(body: dict[str, Json], name: str) -> str:
    """A field of the body that may be missing, and holds text otherwise; "" where there is none.

    Raises:
        UsageError: it holds something else.
    """
    value = body.get(name, "")
    if not isinstance(value, str):
        raise UsageError(f"The field '{name}' must hold a text.")
    _refuse_halves(value, name)
    return value.strip()


def _refuse_halves(value: str, name: str) -> None:
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise UsageError(f"The field '{name}' holds half of a character (a lone surrogate).")
