"""Another project's SCIM client and its checks of servers find nothing wrong with ours but what is meant.

They make up names and addresses. A client here may speak for its own domain only, so addresses are made up
in that domain; all else is as those checks have it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections

from tests.scim.world import program_of, provider

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")


# What is so on purpose: whether somebody's account is open is always told, and people and groups are searched
# apart (`/Users/.search`, `/Groups/.search`), never together at the root.
KNOWN = {
    "check_remove_attribute: PATCH modify() did not remove attribute 'active'",
    "search_with_attributes: There is no such resource.",
}


def in_domain(made_up: Callable[..., Any]) -> Callable[..., Any]:
    """Its values, with addresses of the provider's domain."""

    def value(context: object, path: object, *args: object, **kwargs: object) -> object:
        found = made_up(context, path, *args, **kwargs)
        if found is not None and str(path).lower().endswith(("username", "emails.value")):
            return f"{uuid.uuid4()}@example.com"
        if isinstance(found, list) and str(path).lower().endswith("emails"):
            for entry in found:
                entry.value = f"{uuid.uuid4()}@example.com"
        return found

    return value


@pytest.fixture
def _one_connection() -> Iterator[None]:
    """Requests of this client do not end the test's transaction, as Django's own client takes care of."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.django_db
@pytest.mark.usefixtures("_one_connection")
def test_the_checks_of_an_independent_client_find_only_what_is_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    # Imported by the one process that needs them: their models take seconds.
    client_engine = pytest.importorskip("scim2_client.engines.wsgi")
    tester = pytest.importorskip("scim2_tester")
    filling = pytest.importorskip("scim2_tester.filling")
    made_up = in_domain(filling.generate_random_value)
    for name in ("filling", "checkers.patch_add", "checkers.patch_replace"):
        monkeypatch.setattr(f"scim2_tester.{name}.generate_random_value", made_up)
    headers = {"Authorization": f"Bearer {program_of(provider()).key}"}
    client = client_engine.WSGISCIMClient(
        WSGIHandler(), base_url="http://testserver/scim/v2", headers=headers
    )
    results = tester.check_server(client)
    wrong = {
        f"{result.title}: {result.reason}"
        for result in results
        if result.status in {tester.Status.ERROR, tester.Status.CRITICAL}
    }
    assert wrong <= KNOWN
    assert len(results) > 50
