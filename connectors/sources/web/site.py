"""Asking for one page, politely: robots.txt, pauses, sign-in and redirects become one of a few outcomes.

A redirect is followed here step by step, so that each step is judged by the scope, by
robots.txt and by whether it leads to a sign-in page, which is no content and no deletion.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Self
from urllib.parse import urljoin, urlsplit

from assistant.common.errors import FailureCode
from assistant.common.http_messages import Answer, Ask, Busy, Origin, TooLarge
from assistant.common.network import HostUnreachable
from assistant.common.pace import Pace
from assistant.common.told import said, told
from connectors.sdk.errors import Reconfigure, Retry
from connectors.sdk.surroundings import Surroundings
from connectors.sdk.web import network_errors, web_client
from connectors.sources.web.addresses import Scope, canonical, origin
from connectors.sources.web.page import Page, read_page
from connectors.sources.web.robots import Robots
from connectors.sources.web.session import Session
from connectors.sources.web.settings import Manners, WebSettings

_MOST_HOPS = 8
_MOST_SILENT = 5  # pages in a row without an answer: perhaps the site is down, not the pages
_SHORTEST_LONG_WAIT_S = 60.0
_LATER_S = 300.0
_NOT_MODIFIED, _SERVER_ERROR = 304, 500
_UNKNOWN_CALLER = 401
_GONE, _REFUSED = frozenset((404, 410)), frozenset((401, 403, 407, 451))
_PERMANENT, _TEMPORARY = frozenset((301, 308)), frozenset((302, 303, 307))
_SIGN_IN_STEP = re.compile(
    r"log-?in|sign-?in|signon|sso|saml2?|oauth2?|cas|wp-login.*|auth(?:enticate)?", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Answered:
    """The page itself."""

    answer: Answer
    page: Page


@dataclass(frozen=True, slots=True)
class Unchanged:
    """It is as it was when the validators were given."""


@dataclass(frozen=True, slots=True)
class Moved:
    """Another page of the source stands for it."""

    to: str


@dataclass(frozen=True, slots=True)
class Gone:
    """The site says that it is not there, or no longer here."""

    detail: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """robots.txt keeps it to the site."""


@dataclass(frozen=True, slots=True)
class Failed:
    """Nobody knows what is there now. `status` 0: no answer at all."""

    code: FailureCode
    detail: str
    status: int = 0


@dataclass(frozen=True, slots=True)
class _SignInAsked:
    detail: str


Visit = Answered | Unchanged | Moved | Gone | LeftOut | Failed


@dataclass(slots=True)
class Pauses:
    """The least time between two requests to one host, for all threads of a source."""

    seconds: float
    _paces: dict[tuple[str, float], Pace] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def of(self, host: str, asked_s: float) -> Pace:
        """The pace of a host that asks for `asked_s` seconds itself."""
        seconds = max(self.seconds, asked_s)
        with self._lock:
            return self._paces.setdefault((host, seconds), Pace(1 / seconds if seconds else 0.0))


class Site:
    """A connection to the site, signed in on first use. The caller closes it."""

    def __init__(self, settings: WebSettings, surroundings: Surroundings, pauses: Pauses) -> None:
        manners = settings.manners
        self._manners: Manners = manners
        self._scope: Scope = settings.scope
        self._surroundings = surroundings
        self._pauses = pauses
        self._client = web_client(
            surroundings, Origin(origin(settings.first), auth=manners.basic), timeout_s=20.0
        )
        self._robots = Robots(self._get_whole, agent=manners.agent, ignored=manners.ignore_robots)
        self._session = Session(manners.form, self._send) if manners.form else None
        self._first = settings.first
        self._signed_in = False
        self._signing_in = Lock()
        self._silent = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection."""
        self._client.close()

    def sign_in(self) -> None:
        """Sign in with the form, unless that was done or there is none.

        Raises:
            Reconfigure, Retry: see `Session.begin`.
        """
        if self._session is None:
            return
        with self._signing_in:
            if not self._signed_in:
                with network_errors():
                    self._session.begin()
                self._signed_in = True

    def visit(self, address: str, *, validators: Mapping[str, str] | None = None) -> Visit:
        """Ask for a page of the source; `validators` are the headers of a conditional request.

        Raises:
            Retry: the site as a whole is busy, silent, or its robots.txt cannot be read.
            Reconfigure: only a person can mend it.
        """
        self.sign_in()
        with network_errors():
            found = self._followed(address, validators or {})
            if isinstance(found, _SignInAsked) and self._session and self._session.renew():
                found = self._followed(address, {})
                if not isinstance(found, _SignInAsked):
                    self._session.helped()
        if isinstance(found, _SignInAsked):
            return Failed(FailureCode.REFUSED, found.detail)
        return found

    def get_whole(self, address: str, max_bytes: int) -> Answer:
        """A file that is no page, such as a sitemap, wherever it lies now.

        Raises:
            TooLarge: more than `max_bytes`.
            Retry, Reconfigure: see `network_errors`.
        """
        self.sign_in()
        with network_errors():
            self._pause(address)
            return self._get_whole(address, max_bytes)

    def _followed(self, address: str, validators: Mapping[str, str]) -> Visit | _SignInAsked:
        here = address
        for _ in range(_MOST_HOPS):
            if not self._robots.allows(here):
                return LeftOut()
            answer = self._asked(here, validators if here == address else {})
            if isinstance(answer, Failed):
                return answer
            target = answer.headers.get("location", "")
            if not target or answer.status not in _PERMANENT | _TEMPORARY:
                return self._judged(address, here, answer)
            temporary = answer.status in _TEMPORARY
            if self._leads_to_sign_in(address, urljoin(here, target), temporary=temporary):
                return _SignInAsked(told("The site asks to sign in before it shows this page."))
            here = self._scope.address(target, base=here)
            if not here and temporary:
                detail = told("The site redirects this page to an address outside the source for now.")
                return Failed(FailureCode.REFUSED, detail, answer.status)
            if not here:
                return Gone(told("It has moved to an address outside the source."))
        return Failed(FailureCode.UNREACHABLE, told("The site redirects this page in a circle."))

    def _judged(self, address: str, here: str, answer: Answer) -> Visit | _SignInAsked:
        status = answer.status
        if status == _NOT_MODIFIED:
            return Unchanged() if here == address else Moved(here)
        if status in _GONE:
            return Gone(told("The site answers {status}.", status=status))
        if not answer.ok:
            code = FailureCode.REFUSED if status in _REFUSED else FailureCode.UNREADABLE
            code = FailureCode.UNREACHABLE if status >= _SERVER_ERROR else code
            return Failed(code, told("The site answers {status}.", status=status), status)
        page = read_page(answer, agent=self._manners.agent)
        if self._is_sign_in_page(page, here, moved=here != address):
            return _SignInAsked(told("The site shows its sign-in page instead of this one."))
        return Answered(answer, page) if here == address else Moved(here)

    def _is_sign_in_page(self, page: Page, here: str, *, moved: bool) -> bool:
        # Some ask for the name alone at first. A form on a page that also leads elsewhere is an offer.
        if not page.links and any(
            self._leads_to_sign_in(here, target, temporary=True) for target in page.form_targets
        ):
            return True
        if not page.password_fields:
            return False
        wanted = self._manners.form.password_field if self._manners.form else ""
        return moved or (self._session is not None and (not wanted or wanted in page.password_fields))

    def _leads_to_sign_in(self, address: str, target: str, *, temporary: bool) -> bool:
        if self._session is not None and self._session.is_sign_in(target):
            return True
        try:
            parts = urlsplit(target)
        except ValueError:
            return False
        if not temporary or canonical(target) == address:
            return False
        fresh = set(parts.path.split("/")) - set(urlsplit(address).path.split("/"))
        return any(_SIGN_IN_STEP.fullmatch(step.partition(".")[0]) for step in fresh)

    def _asked(self, address: str, headers: Mapping[str, str]) -> Answer | Failed:
        """One request. What concerns this page alone is a Failed; what concerns the site is raised."""
        self._pause(address)
        try:
            answer = self._send(
                Ask(
                    "GET",
                    address,
                    headers=headers,
                    max_bytes=self._surroundings.max_content_bytes,
                    redirects=0,
                )
            )
        except TooLarge as error:
            return Failed(FailureCode.TOO_LARGE, said(error))
        except (Busy, HostUnreachable) as error:
            if isinstance(error, Busy) and error.after > _SHORTEST_LONG_WAIT_S:
                raise
            self._note_silence(address)
            return Failed(FailureCode.UNREACHABLE, said(error))
        self._silent = 0
        if answer.status == _UNKNOWN_CALLER and self._manners.basic and address != self._first:
            self._note_refusal()
        return answer

    def _note_refusal(self) -> None:
        """After a page that asks who we are, see whether the site still takes the password at all.

        Raises:
            Reconfigure: it does not. Otherwise this page wants another one.
        """
        self._pause(self._first)
        try:
            answer = self._send(Ask("GET", self._first, redirects=0))
        except (Busy, HostUnreachable, TooLarge):
            return
        if answer.status == _UNKNOWN_CALLER:
            raise Reconfigure(
                told(
                    "{first} no longer takes user name and password (401): enter them again.",
                    first=self._first,
                )
            )

    def _note_silence(self, address: str) -> None:
        """After some pages without an answer, see whether the site has one for its first address.

        Raises:
            Retry: it has none. Otherwise only these pages are in trouble.
        """
        self._silent += 1
        if self._silent < _MOST_SILENT or address == self._first:
            return
        try:
            self._send(Ask("GET", self._first, redirects=0))
        except (Busy, HostUnreachable) as error:
            raise Retry(
                told("The site does not answer any more: {error}", error=error), after=_LATER_S
            ) from error
        except TooLarge:
            pass
        self._silent = 0

    def _pause(self, address: str) -> None:
        host = origin(address)
        self._pauses.of(host, self._robots.delay_s(address)).turn(stopped=self._surroundings.stopped)

    def _send(self, ask: Ask) -> Answer:
        named = Ask(
            ask.method,
            ask.url,
            {"User-Agent": self._manners.agent, **ask.headers},
            ask.content,
            ask.max_bytes,
            ask.redirects,
        )
        return self._client.send(named)

    def _get_whole(self, address: str, max_bytes: int) -> Answer:
        return self._send(Ask("GET", address, max_bytes=max_bytes))
