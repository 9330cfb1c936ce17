"""The connection test of a web site: what each right the connector needs turned out to be."""

from __future__ import annotations

from itertools import islice

from assistant.common.acl import NOBODY
from assistant.common.told import said, told
from connectors.sdk.contract import CheckItem, Failure
from connectors.sdk.errors import ConnectorError
from connectors.sources.web.crawl import refuse_lost_start
from connectors.sources.web.record import is_document, record_of
from connectors.sources.web.settings import WebSettings
from connectors.sources.web.site import Answered, Moved, Site, Visit
from connectors.sources.web.sitemaps import read_sitemaps

_MOST_TRIED = 50  # of the addresses in sitemaps


def try_out(settings: WebSettings, site: Site) -> list[CheckItem]:
    """One item for each step."""
    items: list[CheckItem] = []
    try:
        site.sign_in()
        items.append(CheckItem("sign-in", ok=True, detail=_signed_in(settings)))
        tried = [(url, _tried(site, url, start=True)) for url in settings.start]
        named, ok = _named(settings, site)
        tried += [(url, _tried(site, url, start=False)) for url in named[:1]]
        detail = told(
            "{count} start addresses answer; the sitemaps name {named} pages here.",
            count=len(settings.start),
            named=_count(named),
        )
        items.append(CheckItem("list", ok=ok and bool(tried), detail=detail))
    except ConnectorError as error:
        step = "list" if items else "sign-in"
        return [*items, CheckItem(step, ok=False, detail=said(error))]
    return [*items, _content(tried), _permissions(settings), _groups()]


def _signed_in(settings: WebSettings) -> str:
    if settings.manners.form:
        return told("The form at {address} accepts the password.", address=settings.manners.form.address)
    return (
        told("With user name and password.")
        if settings.manners.basic
        else told("The site is read without signing in.")
    )


def _tried(site: Site, url: str, *, start: bool) -> Visit:
    visit = site.visit(url)
    if isinstance(visit, Moved):
        visit = site.visit(visit.to)
    if start:
        refuse_lost_start(url, visit)
    return visit


def _named(settings: WebSettings, site: Site) -> tuple[list[str], bool]:
    """Some of the pages that the sitemaps name here, and whether the sitemaps could be read."""
    found: list[str] = []
    ok = True
    for each in islice(read_sitemaps(settings.sitemaps, site.get_whole), _MOST_TRIED):
        if isinstance(each, Failure):
            ok = False
        elif address := settings.scope.address(each.address):
            found.append(address)
    return found, ok and (bool(found) or not settings.sitemaps)


def _count(named: list[str]) -> str:
    return told("{count} or more", count=len(named)) if len(named) >= _MOST_TRIED else str(len(named))


def _content(tried: list[tuple[str, Visit]]) -> CheckItem:
    for url, visit in tried:
        if isinstance(visit, Answered):
            record = record_of(url, visit.answer, visit.page, lastmod="")
            what = told("a document") if is_document(record) else told("no document itself")
            return CheckItem(
                "read content",
                ok=True,
                detail=told("{url}: {size} bytes, {what}.", url=url, size=f"{record.size:,}", what=what),
            )
    return CheckItem("read content", ok=False, detail=told("No page could be read."))


def _permissions(settings: WebSettings) -> CheckItem:
    if settings.audience == NOBODY:
        detail = told("No audience is named: nobody sees the documents.")
        return CheckItem("read permissions", ok=False, detail=detail)
    names = ", ".join(str(entry.principal) for entry in settings.audience.clauses[0].entries[:5])
    return CheckItem(
        "read permissions", ok=True, detail=told("Every page is readable by: {names}.", names=names)
    )


def _groups() -> CheckItem:
    return CheckItem("read groups", ok=True, detail=told("A site has no groups of its own."))
