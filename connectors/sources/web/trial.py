"""The connection test of a web site: what each right the connector needs turned out to be."""

from __future__ import annotations

from itertools import islice

from assistant.common.acl import NOBODY
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
        detail = (
            f"{len(settings.start)} start addresses answer; the sitemaps name {_count(named)} pages here."
        )
        items.append(CheckItem("list", ok=ok and bool(tried), detail=detail))
    except ConnectorError as error:
        step = "list" if items else "sign-in"
        return [*items, CheckItem(step, ok=False, detail=str(error))]
    return [*items, _content(tried), _permissions(settings), _groups()]


def _signed_in(settings: WebSettings) -> str:
    if settings.manners.form:
        return f"The form at {settings.manners.form.address} accepts the password."
    return (
        "With user name and password." if settings.manners.basic else "The site is read without signing in."
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
    return f"{len(named)} or more" if len(named) >= _MOST_TRIED else str(len(named))


def _content(tried: list[tuple[str, Visit]]) -> CheckItem:
    for url, visit in tried:
        if isinstance(visit, Answered):
            record = record_of(url, visit.answer, visit.page, lastmod="")
            what = "a document" if is_document(record) else "no document itself"
            return CheckItem("read content", ok=True, detail=f"{url}: {record.size:,} bytes, {what}.")
    return CheckItem("read content", ok=False, detail="No page could be read.")


def _permissions(settings: WebSettings) -> CheckItem:
    if settings.audience == NOBODY:
        detail = "No audience is named: nobody sees the documents."
        return CheckItem("read permissions", ok=False, detail=detail)
    names = ", ".join(str(entry.principal) for entry in settings.audience.clauses[0].entries[:5])
    return CheckItem("read permissions", ok=True, detail=f"Every page is readable by: {names}.")


def _groups() -> CheckItem:
    return CheckItem("read groups", ok=True, detail="A site has no groups of its own.")
