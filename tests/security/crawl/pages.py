"""Where a page leads: its links, and its forms with what they would send."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from lxml.html import HtmlElement

_LINKS = ("href", "hx-get")


@dataclass(frozen=True, slots=True)
class Form:
    """What a button would send: fields in the order of the page, by name, with their values."""

    method: str
    action: str
    fields: tuple[tuple[str, str], ...]
    has_file: bool = False
    by_htmx: bool = False


def links(page: HtmlElement, at: str) -> list[str]:
    """Addresses of this host that the page names, without fragments."""
    named = (
        element.get(name, "")
        for element in page.iter("a", "div", "section", "button", "li", "span")
        for name in _LINKS
    )
    return [own for to in named if to and (own := _own(to, at))]


def forms(page: HtmlElement, at: str) -> list[Form]:
    """Its forms, and its buttons that send by htmx alone."""
    found = []
    for element in page.iter("form"):
        sent = element.get("hx-post") or element.get("action") or at
        own = _own(sent, at)
        if own is None:
            continue
        fields = []
        has_file = False
        for part in element.iter("input", "select", "textarea", "button"):
            name = part.get("name")
            if not name:
                continue
            has_file |= part.get("type", "") == "file"
            fields.append((name, _value(part)))
        by_htmx = element.get("hx-post") is not None
        method = "POST" if by_htmx else element.get("method", "get").upper()
        found.append(Form(method, own, tuple(fields), has_file, by_htmx))
    named = (element.get("hx-post", "") for element in page.iter("button", "input", "div", "a"))
    return found + [Form("POST", own, (), by_htmx=True) for to in named if to and (own := _own(to, at))]


def _value(part: HtmlElement) -> str:
    if part.tag == "select":
        chosen = [option for option in part.iter("option") if option.get("selected") is not None]
        options = chosen or list(part.iter("option"))
        return str(options[0].get("value", "")) if options else ""
    if part.tag == "textarea":
        return str(part.text or "")
    return str(part.get("value", ""))


def _own(to: str, at: str) -> str | None:
    """The path and query of an address, if it is one of this host."""
    try:
        parts = urlsplit(urljoin(f"http://here{at}", to.strip()))
    except ValueError:
        return None
    if parts.netloc != "here" or parts.scheme != "http":
        return None
    return parts.path + (f"?{parts.query}" if parts.query else "")
