"""A message of a provider counts once, whoever brings it at the same moment."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import transaction
from django.utils import timezone

from assistant.identity.models import IdentityProvider, SpentMessage
from assistant.identity.spent import LONGEST, forget_old, spend
from assistant.identity.tasks import sweep_sign_ins
from tests.identity.spending_process import spend_at_once
from tests.security.second_process import REPOSITORY, database_url

SOON = timedelta(minutes=5)


def provider(slug: str = "okta") -> IdentityProvider:
    return IdentityProvider.objects.create(slug=slug, name=slug, kind="saml")


@pytest.mark.django_db
def test_a_message_counts_once_for_its_provider() -> None:
    okta, entra = provider(), provider("entra")
    soon = timezone.now() + SOON
    assert spend(okta.pk, "_1", soon)
    assert not spend(okta.pk, "_1", soon)
    assert not spend(okta.pk, "_1", soon + SOON)
    assert spend(okta.pk, "_2", soon)
    assert spend(entra.pk, "_1", soon)


@pytest.mark.django_db
def test_a_sign_in_that_is_rolled_back_has_spent_nothing_and_a_replay_spoils_no_transaction() -> None:
    okta, soon = provider(), timezone.now() + SOON
    with transaction.atomic():
        assert spend(okta.pk, "_1", soon)
        transaction.set_rollback(True)
    with transaction.atomic():
        assert spend(okta.pk, "_1", soon)
        assert not spend(okta.pk, "_1", soon)
        assert SpentMessage.objects.count() == 1  # the transaction goes on


@pytest.mark.django_db
def test_what_would_be_valid_for_longer_than_is_remembered_is_refused() -> None:
    okta, now = provider(), timezone.now()
    assert not spend(okta.pk, "_1", now + LONGEST + SOON)
    assert not SpentMessage.objects.exists()
    assert spend(okta.pk, "_1", now + LONGEST - SOON)


@pytest.mark.django_db
def test_only_what_is_refused_for_its_age_is_forgotten() -> None:
    okta, now = provider(), timezone.now()
    for number, ended in enumerate((timedelta(days=2), timedelta(minutes=61), timedelta(minutes=59), -SOON)):
        SpentMessage.objects.create(provider=okta, digest=str(number), expires_at=now - ended)
    sweep_sign_ins()
    assert forget_old() == 0
    assert set(SpentMessage.objects.values_list("digest", flat=True)) == {"2", "3"}


@pytest.mark.django_db
def test_what_is_kept_of_a_message_is_its_digest() -> None:
    spend(provider().pk, "_assertion-of-ann", timezone.now() + SOON)
    assert "ann" not in repr(list(SpentMessage.objects.values()))


@pytest.mark.django_db(transaction=True)
def test_of_a_thousand_replays_at_once_by_threads_of_three_processes_one_is_accepted(tmp_path: Path) -> None:
    okta = provider()
    environment = {
        **os.environ,
        "MUNDAP_HOME": str(tmp_path),
        "DATABASE_URL": database_url(),
        "DJANGO_SETTINGS_MODULE": "assistant.config.settings",
        "PYTHONPATH": str(REPOSITORY),
    }
    others = [
        subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("spending_process.py")), str(okta.pk), "328"],
            env=environment,
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    try:
        for process in others:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in others:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        accepted = spend_at_once(okta.pk, 344)
        accepted += sum(int(process.communicate(timeout=120)[0]) for process in others)
    finally:
        for process in others:
            process.kill()
            process.wait()
    assert accepted == 1
    assert SpentMessage.objects.count() == 1
