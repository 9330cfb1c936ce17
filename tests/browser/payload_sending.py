"""Payloads in what a browser sends: addresses, forms, errors. What nothing draws stands in brackets."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from playwright.sync_api import Page

from tests.browser.payload_writing import Payload

EMPLOYEE, ADMINISTRATOR = "ann@example.com", "ada@example.com"
# Query parameters whose value the page shows again.
_ECHOED = {
    "search for people": "/console/people/?text={}",
    "search of the inspector, person": "/console/permissions/?who={}",
    "search of the inspector, document": "/console/permissions/?what={}",
    "search of the audit log": "/console/audit/?person={}",
}
# What is not there, not allowed or not understood. The answer says so, and no more.
_QUIET = {
    "(question of an address)": "/?question={}",
    "(a path that is not there)": "/{}/",
    "(a slug that is not there)": "/s/{}/",
    "(a kind that is not there)": "/console/sources/new/{}/",
    "(where to go after the sign-in)": "/sign-in/?next={}",
    "(a day of the audit log)": "/console/audit/?since={}&event={}&before={}",
    "(a page of a list)": "/console/people/?page={}",
    "(a call of the API)": "/api/v1/search?q={}",
    "(a path of the API)": "/api/v1/{}",
    "(a file of the pages)": "/static/{}",
    "(an address of a person in the API)": "/api/v1/permissions/people/{}/sources",
}
_FORMS = {
    "a name in the form of a source": ("/console/sources/new/jsonl/", "name"),
    "a path in the form of a source": ("/console/sources/new/jsonl/", "path"),
}
# Sinks and the characters that each has room for.
SENT: dict[str, int] = {
    **dict.fromkeys(_ECHOED, 250),
    **dict.fromkeys(_QUIET, 400),
    **dict.fromkeys(_FORMS, 110),
}
_NULL = dict.fromkeys((0,))


def send(page: Page, who: str, planted: dict[str, list[Payload]], look: Callable[[], None]) -> None:
    """Send each as `who`, and look at what comes back."""
    for name, path in {**_ECHOED, **_QUIET}.items():
        if who == ADMINISTRATOR or (name in _QUIET and "/console/" not in path):
            for one in planted[name]:
                page.goto(path.replace("{}", quote(one.text.translate(_NULL), safe="")))
                look()
    if who == ADMINISTRATOR:
        for name, (path, field) in _FORMS.items():
            for one in planted[name]:
                page.goto(path)
                page.locator(f"[name$='{field}']").first.fill(one.text)
                page.locator("main form button[type=submit]").first.click()
                page.wait_for_load_state()
                look()
