"""Which page does this address stand for, and does it belong to the source?

One page has many spellings; the canonical one is its id. What is left out here is left out
for good, so these rules depend on the address and the settings alone, never on what a run saw.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from posixpath import splitext
from urllib.parse import quote, urljoin, urlsplit

from assistant.common.acl import MAX_ID_LENGTH

MOST_STEPS = 20  # folders of a path
MOST_REPEATS = 3  # of one step in a path: /a/b/a/b/a/b/a has met a link that is relative by mistake
MOST_PARAMETERS = 8
_SESSION_PARAMETERS = frozenset(("jsessionid", "phpsessid", "aspsessionid*", "cfid", "cftoken"))
_PATH_SESSION = re.compile(r";(?:jsessionid|phpsessid|sid)=[^/;?]*", re.IGNORECASE)
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})|([^A-Za-z0-9._~-])")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_PORTS = {"http": 80, "https": 443}
_SIGNS_OUT = re.compile(r"log[-_]?(?:out|off)|sign[-_]?(?:out|off)", re.IGNORECASE)
_NO_DOCUMENTS = re.compile(
    r"\.(?:png|jpe?g|gif|svg|webp|avif|ico|bmp|tiff?|css|m?js|map|woff2?|ttf|otf"
    r"|mp[34]|m4[av]|mov|avi|mkv|webm|ogg|wav|flac|zip|gz|tgz|bz2|xz|7z|rar|tar"
    r"|iso|dmg|exe|msi|deb|rpm|apk|jar|war|bin|swf)",
    re.IGNORECASE,
)


def canonical(address: str, *, base: str = "", dropped: Iterable[str] = ()) -> str:
    """The one spelling of an http or https address; empty where it is none.

    Case of the host, default port, fragment, `.` and `..`, percent-encoding and session ids are
    made the same. `dropped`: names of query parameters to leave away, with `*` for any letters.
    """
    text = re.sub(r"[\t\r\n]", "", address.strip(" \t\r\n\f"))
    try:
        parts = urlsplit(urljoin(base, text) if base else text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    if parts.scheme not in _PORTS or "@" in parts.netloc:
        return ""
    host = _host(host)
    if not host:
        return ""
    place = host if port in (None, _PORTS[parts.scheme]) else f"{host}:{port}"
    path = _without_dots(_escaped(_PATH_SESSION.sub("", parts.path), "/!$&'()*+,;=:@"))
    kept = [each for each in parts.query.split("&") if each and not _is_dropped(each, dropped)]
    query = _escaped("&".join(kept), "/!$&'()*+,;=:@?")
    return f"{parts.scheme}://{place}{path}" + (f"?{query}" if query else "")


def origin(address: str) -> str:
    """Scheme, host and port of a canonical address."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def folder(address: str) -> str:
    """The address up to its last slash: what lies beside a page."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}{parts.path[: parts.path.rfind('/') + 1]}"


def last_step(address: str) -> str:
    """The last step of the path as it is written, without the query."""
    return urlsplit(address).path.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Scope:
    """Which pages belong to the source.

    Attributes:
        within: canonical beginnings; a page must have one of them.
        left_out: patterns over path and query, with `*` for any letters.
        dropped: query parameters to leave away.
        signed_in: leave out what would sign out.
    """

    within: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    signed_in: bool = False

    def address(self, link: str, *, base: str = "") -> str:
        """The canonical address of the page that a link leads to, if it belongs here; else empty."""
        found = canonical(link, base=base, dropped=self.dropped)
        if not found:
            return ""
        if found.startswith("http://") and not self._covers(found):
            found = canonical("https://" + found.removeprefix("http://"))  # the older spelling of a link
        if not self._covers(found) or is_trap(found):
            return ""
        parts = urlsplit(found)
        if _NO_DOCUMENTS.fullmatch(splitext(parts.path)[1]):
            return ""
        if self.signed_in and _SIGNS_OUT.search(found):
            return ""
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        return "" if any(_matches(target, pattern) for pattern in self.left_out) else found

    def _covers(self, address: str) -> bool:
        for prefix in self.within:
            rest = address.removeprefix(prefix)
            if rest != address and (not rest or prefix.endswith("/") or rest[0] in "/?"):
                return True
        return False


def is_trap(address: str) -> bool:
    """Whether the address looks like one of endlessly many: too deep, repeating itself, or too long."""
    if len(address) > MAX_ID_LENGTH:
        return True
    parts = urlsplit(address)
    steps = [step for step in parts.path.split("/") if step]
    repeats = max(Counter(steps).values(), default=0)
    parameters = parts.query.count("&") + bool(parts.query)
    return len(steps) > MOST_STEPS or repeats > MOST_REPEATS or parameters > MOST_PARAMETERS


def _host(host: str) -> str:
    if ":" in host:
        return f"[{host.lower()}]"
    try:
        return host.lower().encode("idna").decode("ascii") if not host.isascii() else host.lower()
    except UnicodeError:
        return ""


def _escaped(text: str, safe: str) -> str:
    """Each character in the one way to write it (RFC 3986, 6.2.2); what is not allowed is escaped."""

    def spelt(match: re.Match[str]) -> str:
        code, character = match.groups()
        if code:
            decoded = chr(int(code, 16))
            return decoded if decoded in _UNRESERVED else f"%{code.upper()}"
        return quote(character, safe=safe + "~", errors="replace")

    return _ESCAPE.sub(spelt, text)


def _without_dots(path: str) -> str:
    kept: list[str] = []
    steps = path.split("/")[1:] or [""]
    for n, step in enumerate(steps):
        last = n == len(steps) - 1
        if step == "..":
            kept = kept[:-1]
        elif step != ".":
            kept.append(step)
            continue
        if last:
            kept.append("")
    return "/" + "/".join(kept)


def _is_dropped(parameter: str, dropped: Iterable[str]) -> bool:
    name = parameter.partition("=")[0].lower()
    return any(_matches(name, pattern.lower()) for pattern in (*_SESSION_PARAMETERS, *dropped))


def _matches(text: str, pattern: str) -> bool:
    """Whether the whole text fits the pattern, in which only `*` is special."""
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text) is not None
