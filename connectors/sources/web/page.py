"""What does a page say about itself and about other pages? Nothing here decides what to do with it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from urllib.parse import urljoin

from lxml import etree
from lxml import html as lxml_html

from assistant.common.http_messages import Answer

HTML_TYPES = frozenset(("text/html", "application/xhtml+xml"))
MOST_LINKS = 5_000
_UNSEEN = frozenset(("script", "style", "noscript", "template", "input", "textarea", "select", "link"))
_TELLING = ("style", "hidden", "aria-hidden", "role", "alt", "title")  # what decides which text a reader sees
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w-]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Page:
    """A page that was read. `links` are absolute, in the order of the page, each once.

    `fingerprint` changes with what a reader sees, and not with scripts and hidden fields.
    """

    links: tuple[str, ...]
    canonical: str
    indexed: bool
    followed: bool
    fingerprint: str
    password_fields: frozenset[str]
    form_targets: tuple[str, ...] = ()


def media_type(answer: Answer) -> str:
    """The media type without its parameters, in lower case."""
    return answer.headers.get("content-type", "").partition(";")[0].strip().lower()


def is_html(answer: Answer) -> bool:
    """Whether the answer calls itself a page, or says nothing and looks like one."""
    declared = media_type(answer)
    if declared:
        return declared in HTML_TYPES
    return answer.body[:1_000].lstrip().lower().startswith((b"<!doctype html", b"<html"))


def read_page(answer: Answer, *, agent: str) -> Page:
    """What the answer says; of a file that is no page, what its headers say."""
    rules = _header_rules(answer.headers.get("x-robots-tag", ""), agent)
    root = tree_of(answer) if is_html(answer) else None
    if root is None:
        digest = hashlib.sha256(answer.body).hexdigest()
        return Page((), "", "noindex" not in rules, "nofollow" not in rules, digest, frozenset())
    base = _base(root, answer.url)
    rules |= _meta_rules(root, agent)
    followed = "nofollow" not in rules
    return Page(
        links=_links(root, base) if followed else (),
        canonical=_canonical(root, base),
        indexed="noindex" not in rules,
        followed=followed,
        fingerprint=_fingerprint(root),
        password_fields=frozenset(
            field.get("name", "")
            for field in root.iter("input")
            if field.get("type", "").lower() == "password"
        ),
        form_targets=tuple(_joined(base, form.get("action", "")) for form in root.iter("form")),
    )


def tree_of(answer: Answer) -> etree._Element | None:
    """The page as a tree; None where there is nothing in it."""
    parser = lxml_html.HTMLParser(
        encoding=_encoding(answer), remove_comments=True, remove_pis=True, no_network=True
    )
    try:
        return lxml_html.document_fromstring(answer.body, parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, AssertionError, LookupError):
        return None


def _encoding(answer: Answer) -> str | None:
    try:
        answer.body.decode("utf-8")
    except UnicodeDecodeError:
        declared = _CHARSET.search(answer.headers.get("content-type", ""))
        return declared[1] if declared else None  # None: what the page's own meta element says
    return "utf-8"


def _base(root: etree._Element, url: str) -> str:
    declared = root.find(".//base[@href]")
    return url if declared is None else _joined(url, declared.get("href", "")) or url


def _joined(base: str, link: str) -> str:
    try:
        return urljoin(base, link.strip())
    except ValueError:
        return ""


def _links(root: etree._Element, base: str) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for element in root.iter("a", "area", "iframe", "frame"):
        link = element.get("src" if element.tag in ("iframe", "frame") else "href", "")
        if not link or link.startswith("#") or "nofollow" in element.get("rel", "").lower().split():
            continue
        address = _joined(base, link)
        if address.startswith(("http://", "https://")):
            found.setdefault(address)
        if len(found) >= MOST_LINKS:
            break
    for element in root.iter("link"):
        if len(found) >= MOST_LINKS:
            break
        if {"next", "prev"} & set(element.get("rel", "").lower().split()) and element.get("href"):
            found.setdefault(_joined(base, element.get("href", "")))
    return tuple(each for each in found if each)


def _canonical(root: etree._Element, base: str) -> str:
    for element in root.iter("link"):
        if "canonical" in element.get("rel", "").lower().split() and element.get("href"):
            return _joined(base, element.get("href", ""))
    return ""


def _meta_rules(root: etree._Element, agent: str) -> set[str]:
    rules: set[str] = set()
    for element in root.iter("meta"):
        if element.get("name", "").strip().lower() in ("robots", agent.lower()):
            rules |= _words(element.get("content", ""))
    return rules


def _header_rules(value: str, agent: str) -> set[str]:
    """`noindex, otherbot: nofollow`: rules after another program's name are not meant for us."""
    rules: set[str] = set()
    ours = True
    for part in value.lower().split(","):
        name, colon, rest = part.partition(":")
        if colon and name.strip() != "unavailable_after":
            ours = name.strip() in ("", agent.lower())
            part = rest  # noqa: PLW2901 - the name is dealt with
        if ours:
            rules |= _words(part)
    return rules


def _words(text: str) -> set[str]:
    words = {word.strip().lower() for word in text.split(",")}
    return words | {"noindex", "nofollow"} if "none" in words else words


def _fingerprint(root: etree._Element) -> str:
    digest = hashlib.sha256()
    for event, element in etree.iterwalk(root, events=("start", "end")):
        if event == "end":
            digest.update(f"</{_squeezed(element.tail)}".encode("utf-8", "replace"))
            continue
        telling = [f"{name}={element.get(name)}" for name in _TELLING if element.get(name)]
        if element.tag == "meta" and element.get("name", "").lower() in ("author", "description"):
            telling.append(element.get("content", ""))
        text = "" if element.tag in _UNSEEN else _squeezed(element.text)
        digest.update(f"<{element.tag} {telling}>{text}".encode("utf-8", "replace"))
    return digest.hexdigest()


def _squeezed(text: str | None) -> str:
    return " ".join((text or "").split())
