"""A first start brings the demo company along; nothing of one's own is ever touched by it."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.accounts.models import Connection, User
from assistant.demo.seed import SOURCE_NAME, is_first_start, seed, unfinished_run
from assistant.sync.selectors import run_progress
from assistant.sync.services import cancel_run

pytestmark = pytest.mark.django_db


def test_a_seeded_installation_has_a_source_and_an_open_run_and_is_no_first_start(tmp_path: Path) -> None:
    assert is_first_start()
    run_id = seed(tmp_path)
    assert run_progress(run_id).is_open
    assert Connection.objects.get().name == SOURCE_NAME
    assert not is_first_start()


def test_a_first_run_that_was_stopped_is_waited_for_at_the_next_start(tmp_path: Path) -> None:
    assert unfinished_run() is None
    run_id = seed(tmp_path)
    assert unfinished_run() == run_id
    cancel_run(run_id=run_id, actor="test")
    assert unfinished_run() is None


def test_an_installation_with_an_account_of_its_own_is_no_first_start() -> None:
    User.objects.create_user("owner@example.com", "correct horse battery")
    assert not is_first_start()


def test_a_demo_source_that_was_removed_does_not_come_back(tmp_path: Path) -> None:
    seed(tmp_path)
    Connection.objects.all().delete()
    assert not is_first_start()


def test_a_seed_that_fails_leaves_no_accounts_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_arguments: object) -> int:
        raise OSError("disk full")

    monkeypatch.setattr("assistant.demo.seed.request_run", fail)
    with pytest.raises(OSError, match="disk full"):
        seed(tmp_path)
    assert is_first_start()
    assert not User.objects.exists()
