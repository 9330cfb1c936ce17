"""Signing in with a form, as a person would.

The password is sent only to the host of the sign-in page, never along a redirect.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlencode, urljoin, urlsplit

from lxml import etree

from assistant.common.http_messages import Answer, Ask
from assistant.common.told import told
from connectors.sdk.errors import Reconfigure, Retry
from connectors.sources.web.addresses import canonical, origin
from connectors.sources.web.page import is_html, tree_of

_MOST_VAIN = 5
_LATER_S = 300.0
_BAD_REQUEST, _SERVER_ERROR = 400, 500
_KEEPS_METHOD = frozenset((307, 308))


@dataclass(frozen=True, slots=True)
class FormSignIn:
    """What the administrator said of the form. Empty field names: found by their types."""

    address: str
    username: str
    password: str = field(repr=False)
    username_field: str = ""
    password_field: str = ""


@dataclass(frozen=True, slots=True)
class _Form:
    action: str
    values: dict[str, str]


class Session:
    """Signs in, and again when the site has forgotten who asks."""

    def __init__(self, form: FormSignIn, send: Callable[[Ask], Answer]) -> None:
        self._form = form
        self._send = send
        self._vain = 0

    def begin(self) -> None:
        """Sign in.

        Raises:
            Reconfigure: the form is not there, or the credentials are not taken.
            Retry: the site is in trouble.
        """
        where = self._form.address
        shown = self._answered(self._send(Ask("GET", where)))
        form = self._read(shown)
        if form is None:
            raise Reconfigure(
                told("{where} shows no form with a password field: check the sign-in page.", where=where)
            )
        if origin(form.action) != origin(canonical(where)):
            raise Reconfigure(
                told("The form of {where} sends to another host: nothing was sent there.", where=where)
            )
        content = urlencode(form.values).encode("ascii")
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Referer": shown.url}
        taken = self._send(Ask("POST", form.action, headers=headers, content=content, redirects=0))
        target = taken.headers.get("location", "")
        if target and taken.status not in _KEEPS_METHOD:
            taken = self._send(Ask("GET", urljoin(form.action, target)))
        if self._read(self._answered(taken)) is not None or taken.headers.get("location"):
            raise Reconfigure(
                told("{where} does not accept the user name and password: check both.", where=where)
            )

    def renew(self) -> bool:
        """Sign in again. False: it did not help five times, so it is not tried any more."""
        if self._vain >= _MOST_VAIN:
            return False
        self._vain += 1
        self.begin()
        return True

    def helped(self) -> None:
        """The last renewal opened the page."""
        self._vain = 0

    def is_sign_in(self, address: str) -> bool:
        """Whether this address is that of the sign-in page, whatever its query."""
        here, there = urlsplit(address), urlsplit(canonical(self._form.address))
        return (here.netloc, here.path) == (there.netloc, there.path)

    def _answered(self, answer: Answer) -> Answer:
        where = self._form.address
        if answer.status >= _SERVER_ERROR:
            raise Retry(
                told(
                    "The sign-in page {where} answers with the error {status}.",
                    where=where,
                    status=answer.status,
                ),
                after=_LATER_S,
            )
        if answer.status >= _BAD_REQUEST:
            raise Reconfigure(
                told(
                    "The sign-in page {where} answers {status}: check address and password.",
                    where=where,
                    status=answer.status,
                )
            )
        return answer

    def _read(self, answer: Answer) -> _Form | None:
        """The first form with the password field, filled in."""
        root = tree_of(answer) if is_html(answer) else None
        for form in () if root is None else root.iter("form"):
            fields = [field for field in form.iter("input", "button") if field.get("name")]
            password = _named(fields, self._form.password_field, ("password",))
            if not password:
                continue
            before = fields[: [field.get("name") for field in fields].index(password)]
            wanted = self._form.username_field
            username = _named(fields if wanted else before, wanted, ("text", "email", "tel", ""))
            values = _values(fields)
            values[password] = self._form.password
            if username:
                values[username] = self._form.username
            action = canonical(form.get("action") or answer.url, base=answer.url)
            return _Form(action, values)
        return None


def _type(field: etree._Element) -> str:
    return str(field.get("type", "")).strip().lower()


def _named(fields: list[etree._Element], name: str, types: tuple[str, ...]) -> str:
    """The name of the field called `name`, or without one, of the first with such a type; else empty."""
    for control in fields:
        if control.tag == "input" and (control.get("name") == name if name else _type(control) in types):
            return str(control.get("name"))
    return ""


def _values(fields: list[etree._Element]) -> dict[str, str]:
    """What the form would send by itself: its hidden fields, and the name of the button that is pressed."""
    values = {
        control.get("name"): control.get("value", "") for control in fields if _type(control) == "hidden"
    }
    for control in fields:
        if _type(control) == "submit" or (control.tag == "button" and not _type(control)):
            values.setdefault(control.get("name"), control.get("value", ""))
            break
    return values
