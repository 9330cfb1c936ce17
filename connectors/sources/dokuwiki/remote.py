"""Asking a DokuWiki over XML-RPC, and what its answers mean for the run.

What comes back is parsed here and not by the standard library's proxy, which would open
connections of its own and expand whatever entities an answer defines.
"""

from __future__ import annotations

import re
import threading
import xmlrpc.client
from collections.abc import Mapping
from urllib.parse import quote
from xml.parsers import expat

from assistant.common.errors import DocumentFailure, FailureCode
from assistant.common.guarded_http import GuardedClient
from assistant.common.http_messages import Answer, Ask, Origin, TooLarge
from assistant.common.told import said, told
from connectors.sdk.errors import Reconfigure, Retry, Stop
from connectors.sdk.surroundings import Surroundings
from connectors.sdk.web import content_of, network_errors, web_client

# What the wiki's answers are made of; times come as objects of their own, which nothing here reads.
Value = object
Argument = str | dict[str, int]

MAX_LISTING_BYTES = 256_000_000
_MARKUP_FACTOR, _MARKUP_BYTES = 6, 10_000  # one character of text is at most `&quot;` in the answer
_NOT_XML = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_SIGN_IN = told("Check the address, the user and the password of this source.")


class Fault(Exception):
    """The wiki understood the question and refused it."""


class Forbidden(Fault):
    """The user is signed in and may not."""


class RemoteWiki:
    """One wiki as one of its users sees it. May be used by several threads; the caller closes it."""

    def __init__(
        self, surroundings: Surroundings, *, url: str, user: str, password: str, ca_file: str = ""
    ) -> None:
        self._surroundings = surroundings
        self._url = url.rstrip("/")
        self._user, self._password, self._ca_file = user, password, ca_file
        self._made: GuardedClient | None = None
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            if self._made is not None:
                self._made.close()
                self._made = None

    def sign_in(self) -> None:
        """Make sure that the wiki takes the credentials.

        Raises:
            Reconfigure: it does not, or has no access rules at all.
        """
        if self._listing("dokuwiki.login", self._user, self._password) not in (True, 1):
            raise Reconfigure(
                told(
                    "The wiki does not let '{user}' in, or uses no access rules ('useacl'). {sign_in}",
                    user=self._user,
                    sign_in=_SIGN_IN,
                )
            )

    def reads_everything(self) -> bool:
        """Whether the wiki knows the user as one of its superusers.

        Raises:
            Reconfigure: it answers as to somebody who is not signed in, whose listing would lack pages.
        """
        try:
            self.call("plugin.acl.listAcls")  # whether it answers tells; what it answers is of no use
        except Forbidden:
            return False
        except Fault as error:
            raise Reconfigure(
                told("plugin.acl.listAcls: {error} Switch the wiki's plugin 'acl' on.", error=error)
            ) from error
        return True

    def pages(self) -> list[Mapping[str, Value]]:
        """Every page that the user may read: `id`, `rev` and `size` as numbers, `hash` of its text."""
        listed = self._listing("dokuwiki.getPagelist", "", {"depth": 0, "hash": 1})
        return _rows(listed, "dokuwiki.getPagelist")

    def files(self) -> list[Mapping[str, Value]]:
        """Every uploaded file that the user may read: `id`, `mtime`, `size`, `hash`."""
        listed = self._listing("wiki.getAttachments", "", {"depth": 0, "hash": 1})
        return _rows(listed, "wiki.getAttachments")

    def page_text(self, page: str) -> str:
        """The text of a page as its authors wrote it; of a page that is not there, its template.

        Raises:
            DocumentFailure: refused, or too large.
        """
        limit = self._surroundings.max_content_bytes * _MARKUP_FACTOR + _MARKUP_BYTES
        try:
            text = self.call("wiki.getPage", page, max_bytes=limit)
        except TooLarge as error:
            raise DocumentFailure(FailureCode.TOO_LARGE, said(error)) from error
        except Fault as error:
            raise DocumentFailure(FailureCode.REFUSED, said(error)) from error
        if not isinstance(text, str):
            raise DocumentFailure(FailureCode.UNREADABLE, told("The wiki's answer is no text."))
        return text

    def has_page(self, page: str) -> bool:
        """Whether the page exists, under exactly this id."""
        try:
            info = self.call("wiki.getPageInfo", page)
        except Fault:
            return False
        return isinstance(info, Mapping) and info.get("name") == page

    def file_data(self, name: str) -> bytes:
        """The bytes of an uploaded file.

        Raises:
            DocumentFailure: gone, refused, or too large.
        """
        url = self.file_address(name) + "&cache=nocache"
        return content_of(self._surroundings, lambda limit: self._client().get(url, max_bytes=limit)).body

    def file_size(self, name: str) -> int | None:
        """How many bytes an uploaded file has now; None: the wiki does not say."""
        try:
            info = self.call("wiki.getAttachmentInfo", name)
        except Fault:
            return None
        size = info.get("size") if isinstance(info, Mapping) else None
        return size if isinstance(size, int) else None

    def page_address(self, page: str) -> str:
        """Where people read a page."""
        return f"{self._url}/doku.php?id={quote(page, safe=':')}"

    def file_address(self, name: str) -> str:
        """Where people download a file."""
        return f"{self._url}/lib/exe/fetch.php?media={quote(name, safe=':')}"

    def _listing(self, method: str, *arguments: Argument) -> Value:
        """As `call`, for questions that a run cannot do without."""
        try:
            return self.call(method, *arguments)
        except Fault as error:
            raise Reconfigure(
                told(
                    "{method}: {error} Name '{user}' in the wiki's setting 'remoteuser'.",
                    method=method,
                    error=error,
                    user=self._user,
                )
            ) from error
        except TooLarge as error:
            raise Stop(
                told(
                    "The wiki's answer to {method} is too large to be read. Nothing was deleted.",
                    method=method,
                )
            ) from error

    def call(self, method: str, *arguments: Argument, max_bytes: int = MAX_LISTING_BYTES) -> Value:
        """What the method gives back.

        Raises:
            Fault: the wiki refuses this one question.
            Retry, Reconfigure, Stop: it does not answer, takes no remote calls of this user, or is no wiki.
            TooLarge: more than `max_bytes`.
        """
        body = xmlrpc.client.dumps(arguments, method, encoding="utf-8").encode("utf-8")
        ask = Ask(
            "POST",
            f"{self._url}/lib/exe/xmlrpc.php",
            headers={"Content-Type": "text/xml"},
            content=body,
            max_bytes=max_bytes,
            redirects=0,
            only_asks=True,
        )
        with network_errors():
            answer = self._client().send(ask)
        return _value(answer, self._url)

    def _client(self) -> GuardedClient:
        with self._lock:
            if self._made is None:
                origin = Origin(self._url, auth=(self._user, self._password), ca_file=self._ca_file)
                self._made = web_client(self._surroundings, origin, timeout_s=120.0)
            return self._made


def _value(answer: Answer, url: str) -> Value:
    if answer.status == 404:  # noqa: PLR2004 - not found
        raise Stop(told("There is no DokuWiki at {url}: check the address. Nothing was deleted.", url=url))
    if answer.status in (301, 302, 303, 307, 308):
        raise Reconfigure(
            told("{url} leads elsewhere: write the address at which the wiki answers.", url=url)
        )
    if answer.status >= 500:  # noqa: PLR2004 - an error of the server
        raise Retry(
            told("The wiki at {url} answers {status}: see its error log.", url=url, status=answer.status),
            after=300,
        )
    if answer.status == 401:  # noqa: PLR2004 - not signed in
        raise Reconfigure(
            told(
                "The wiki at {url} does not take this source for a signed-in user. {sign_in}",
                url=url,
                sign_in=_SIGN_IN,
            )
        )
    if answer.status == 403:  # noqa: PLR2004 - forbidden: what the body says differs between versions
        if b"<methodResponse>" in answer.body:
            raise Forbidden(told("The wiki refuses it to this user."))
        raise Reconfigure(told("Something before the wiki at {url} refuses this source (403).", url=url))
    try:
        return _parsed(answer.body)
    except xmlrpc.client.Fault as fault:
        if "not enabled" in str(fault.faultString):
            raise Reconfigure(
                told("The wiki takes no remote calls: switch 'remote' on and name the user in 'remoteuser'.")
            ) from fault
        raise Fault(told("The wiki answers with error {code}.", code=fault.faultCode)) from fault
    except (expat.ExpatError, xmlrpc.client.Error, ValueError, KeyError, TypeError, IndexError) as error:
        raise Stop(told("{url} answers, but not as a DokuWiki does: check the address.", url=url)) from error


def _parsed(body: bytes) -> Value:
    target = xmlrpc.client.Unmarshaller()
    target.xml("", None)  # no encoding: the parser's texts are texts already
    parser = expat.ParserCreate("utf-8")
    parser.StartElementHandler = target.start
    parser.EndElementHandler = target.end
    parser.CharacterDataHandler = target.data
    parser.StartDoctypeDeclHandler = _refuse
    # The wiki puts control characters of names and texts into its answers as they are, which is no XML.
    parser.Parse(_NOT_XML.sub(b"\xef\xbf\xbd", body), True)  # noqa: FBT003 - expat's own signature
    return target.close()[0]


def _refuse(*_: object) -> None:
    raise ValueError("an answer that defines entities")


def _rows(value: Value, method: str) -> list[Mapping[str, Value]]:
    if isinstance(value, Mapping) and not value:
        return []  # PHP has one empty array for both
    if not isinstance(value, list) or not all(isinstance(row, Mapping) for row in value):
        raise Stop(told("The wiki's answer to {method} is no list. Nothing was deleted.", method=method))
    return [row for row in value if isinstance(row, Mapping)]
