"""The small world that is laid down again is the one that was made."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.db import transaction
from django.utils import timezone

from assistant.accounts.models import Address, User
from assistant.audit.verifying import verify as verify_audit
from assistant.ingest.indexing import verify
from assistant.sync.models import Source, SyncRun
from tests import conftest, made_once
from tests.conftest import PEOPLE, SmallWorld
from tests.sync.watching import found

pytestmark = pytest.mark.django_db


@pytest.fixture
def early(db: None, request: pytest.FixtureRequest) -> str:
    """Somebody who is there before the world is made."""
    return User.objects.create_user(f"{request.param}@example.com").email


@pytest.mark.parametrize("time", ["first", "second"])
def test_it_is_whole_each_time(small_world: SmallWorld, time: str) -> None:
    assert verify() == []
    assert verify_audit(actor="test").ok
    assert Source.objects.get().config == {"path": str(small_world.file)}
    run, now = SyncRun.objects.get(), timezone.now()
    assert run.finished_at is not None
    assert now - timedelta(minutes=1) < run.finished_at <= now
    assert "handbook" in found(small_world.viewer("ann"), "laptop")
    assert "handbook" not in found(small_world.viewer("sam"), "laptop")
    again = small_world.sync()
    assert (again.state, again.unchanged) == ("succeeded", 6)


def test_people_who_arrive_again_are_those_that_the_product_makes(people: dict[str, User]) -> None:
    def rows() -> list[tuple[object, ...]]:
        of_users = ("email", "name", "role", "language", "is_active", "kind", "contact", "emergency")
        of_addresses = ("address", "user__email", "is_alias", "confirmed")
        return [
            *User.objects.order_by("pk").values_list(*of_users),
            *Address.objects.order_by("pk").values_list(*of_addresses),
        ]

    seen = rows()
    for arrive in (conftest._made_by_the_product, conftest._arrive, conftest._arrive):
        with transaction.atomic():
            User.objects.all().delete()
            Address.objects.all().delete()
            again = arrive()
            assert list(again) == list(people) == list(PEOPLE)
            assert all(user.check_password(conftest.PASSWORD) for user in again.values())
            assert rows() == seen
            transaction.set_rollback(True)


@pytest.mark.parametrize("early", ["early", "earlier"], indirect=True)
def test_who_was_there_before_stays(early: str, small_world: SmallWorld) -> None:
    expected = {early, *(f"{name}@example.com" for name in PEOPLE)}
    assert set(User.objects.values_list("email", flat=True)) == expected


def test_tests_whose_folders_differ_make_it_once(
    settings: LazySettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it was made for each test anew, nothing failed, and all of them took three minutes longer."""
    monkeypatch.setattr(made_once, "_KEPT", {})
    made: list[str] = []

    def make() -> None:
        made.append(str(settings.MUNDAP_AUDIT_DIR))
        User.objects.create_user("made@example.com")
        Path(settings.MUNDAP_FILES_DIR).write_text("made")

    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        settings.MUNDAP_AUDIT_DIR, settings.MUNDAP_FILES_DIR = str(folder / "audit"), str(folder / "files")
        with transaction.atomic():
            made_once.made_once(make, folder=folder, kept_in=lambda: _new(tmp_path / "kept"))
            assert User.objects.filter(email="made@example.com").exists()
            assert (folder / "files").read_text() == "made"
            transaction.set_rollback(True)
    assert made == [str(tmp_path / "one" / "audit")]


def _new(folder: Path) -> Path:
    folder.mkdir()
    return folder
