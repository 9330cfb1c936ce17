"""The demo accounts: one private passphrase for each installation, shown only while it works."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from assistant.accounts.models import Role, User
from assistant.accounts.revisions import Counter, current
from assistant.demo.accounts import PEOPLE, SIGN_INS_FILE, add_demo_accounts, usable_sign_ins

pytestmark = pytest.mark.django_db


def test_four_accounts_can_sign_in_with_the_passphrase_of_the_file(tmp_path: Path) -> None:
    before = current(Counter.PERMISSIONS)
    add_demo_accounts(tmp_path)
    sign_ins = usable_sign_ins(tmp_path)
    assert [sign_in.email for sign_in in sign_ins] == [person.email for person in PEOPLE]
    assert len({sign_in.passphrase for sign_in in sign_ins}) == 1
    assert User.objects.get(email="admin@ondam.example").role == Role.ADMINISTRATOR
    assert User.objects.filter(role=Role.ADMINISTRATOR).count() == 1
    assert current(Counter.PERMISSIONS) > before


def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    add_demo_accounts(tmp_path)
    assert stat.S_IMODE((tmp_path / SIGN_INS_FILE).stat().st_mode) == 0o600


def test_two_installations_have_two_passphrases(tmp_path: Path) -> None:
    first, second = tmp_path / "1", tmp_path / "2"
    first.mkdir()
    second.mkdir()
    add_demo_accounts(first)
    User.objects.all().delete()
    add_demo_accounts(second)
    assert (first / SIGN_INS_FILE).read_text() != (second / SIGN_INS_FILE).read_text()


def test_an_account_whose_password_was_changed_or_that_was_closed_is_not_shown(tmp_path: Path) -> None:
    add_demo_accounts(tmp_path)
    changed = User.objects.get(email="jiwoo@ondam.example")
    changed.set_password("another long passphrase")
    changed.save()
    User.objects.filter(email="minseo@ondam.example").update(is_active=False)
    shown = {sign_in.email for sign_in in usable_sign_ins(tmp_path)}
    assert shown == {"hyunjin@ondam.example", "admin@ondam.example"}


def test_adding_again_changes_no_account(tmp_path: Path) -> None:
    add_demo_accounts(tmp_path)
    before = list(User.objects.order_by("pk").values("pk", "password", "role"))
    add_demo_accounts(tmp_path)
    assert list(User.objects.order_by("pk").values("pk", "password", "role")) == before


def test_without_the_file_nothing_is_shown(tmp_path: Path) -> None:
    assert usable_sign_ins(tmp_path) == ()
