"""A request counts by its signature and its age alone. Long form: `python -m tests.slackbot.signatures`."""

from __future__ import annotations

import pytest
from django.test import Client

from assistant.slackbot.models import Job
from tests.slackbot.signatures import CHANGES, make_workspaces, try_all


@pytest.mark.django_db
def test_whatever_is_changed_in_a_signed_request_it_is_refused_alike(client: Client) -> None:
    make_workspaces()
    refused = try_all(client, count=250, seed=7)
    taken = refused.pop("(right ones taken in)")
    assert (refused.total(), set(refused)) == (250, set(CHANGES))
    assert Job.objects.count() == taken
