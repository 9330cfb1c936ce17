"""Codes of an app: right ones are accepted once, near now, whatever process they arrive in."""

from __future__ import annotations

import time

import pyotp
import pytest
from django.conf import LazySettings
from hypothesis import given
from hypothesis import strategies as st

from assistant.accounts.models import User
from assistant.common.errors import MundapError
from assistant.factors import app_codes, recovery
from assistant.factors.models import AuthenticatorApp, RecoveryCode
from tests.factors.racing import race

NOW = 1_800_000_015.0  # in the middle of a step


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: NOW)


def code_at(secret: str, seconds: float = NOW) -> str:
    """What the app shows then."""
    return pyotp.TOTP(secret).at(int(seconds))


def with_app(user: User) -> str:
    """The person has an app, set up a minute ago; its secret."""
    secret = app_codes.new_secret()
    assert app_codes.set_up(user=user, secret=secret, code=code_at(secret))
    AuthenticatorApp.objects.update(last_step=0)
    return secret


def test_the_codes_are_those_of_the_standard() -> None:
    # RFC 6238, appendix B, with six digits.
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    expected = {59: "287082", 1111111109: "081804", 1234567890: "005924", 20000000000: "353130"}
    assert {at: pyotp.TOTP(secret).at(at) for at in expected} == expected


@pytest.mark.parametrize(("off", "accepted"), [(-61, False), (-30, True), (0, True), (30, True), (61, False)])
def test_a_clock_may_be_wrong_by_one_step(people: dict[str, User], off: int, *, accepted: bool) -> None:
    secret = with_app(people["ann"])
    assert app_codes.accept(user=people["ann"], code=code_at(secret, NOW + off)) is accepted


def test_a_code_is_good_once_and_none_of_before_it_is_good_after_it(people: dict[str, User]) -> None:
    ann = people["ann"]
    secret = with_app(ann)
    assert app_codes.accept(user=ann, code=code_at(secret))
    assert not app_codes.accept(user=ann, code=code_at(secret))
    assert not app_codes.accept(user=ann, code=code_at(secret, NOW - 30))
    assert app_codes.accept(user=ann, code=code_at(secret, NOW + 30))


def test_the_code_that_set_an_app_up_signs_nobody_in(people: dict[str, User]) -> None:
    ann, secret = people["ann"], app_codes.new_secret()
    assert app_codes.set_up(user=ann, secret=secret, code=code_at(secret))
    assert not app_codes.accept(user=ann, code=code_at(secret))


def test_a_wrong_code_sets_nothing_up_and_keeps_the_app_of_before(people: dict[str, User]) -> None:
    ann = people["ann"]
    secret = with_app(ann)
    assert not app_codes.set_up(user=ann, secret=app_codes.new_secret(), code="000000")
    assert app_codes.accept(user=ann, code=code_at(secret))


def test_the_code_of_somebody_else_is_wrong(people: dict[str, User]) -> None:
    secret = with_app(people["sam"])
    with_app(people["ann"])
    assert not app_codes.accept(user=people["ann"], code=code_at(secret))
    assert not app_codes.accept(user=people["bob"], code=code_at(secret))


def test_the_secret_is_sealed_for_its_person(people: dict[str, User], settings: LazySettings) -> None:
    secret = with_app(people["ann"])
    app = AuthenticatorApp.objects.get()
    assert secret.encode() not in bytes(app.sealed_secret)
    AuthenticatorApp.objects.create(user=people["sam"], sealed_secret=app.sealed_secret, last_step=0)
    with pytest.raises(MundapError):  # moved to another row
        app_codes.accept(user=people["sam"], code=code_at(secret))


@given(st.text(max_size=40))
def test_what_is_no_code_of_six_digits_is_never_taken_for_one(text: str) -> None:
    plain = "".join(sign for sign in text if not sign.isspace() and sign != "-")
    assert app_codes.looks_like_one(text) == (len(plain) == 6 and plain.isascii() and plain.isdigit())


def test_recovery_codes_are_good_once_in_any_spelling_and_kept_as_digests(people: dict[str, User]) -> None:
    ann = people["ann"]
    codes = recovery.renew(user=ann)
    assert len(set(codes)) == recovery.COUNT
    assert all(31 ** len(code.replace("-", "")) >= 2**112 for code in codes)  # a plain digest is enough
    stored = str(list(RecoveryCode.objects.values_list("digest", flat=True)))
    assert not any(code.replace("-", "") in stored for code in codes)
    assert recovery.accept(user=ann, code=f"  {codes[0].upper().replace('-', ' ')} ")
    assert not recovery.accept(user=ann, code=codes[0])
    assert not recovery.accept(user=people["sam"], code=codes[1])
    assert not recovery.accept(user=ann, code="")
    assert recovery.left(user=ann) == recovery.COUNT - 1


def test_new_recovery_codes_end_those_of_before(people: dict[str, User]) -> None:
    first = recovery.renew(user=people["ann"])
    recovery.renew(user=people["ann"])
    assert not recovery.accept(user=people["ann"], code=first[0])


@pytest.mark.django_db(transaction=True)
def test_of_many_requests_with_one_code_a_single_one_is_let_in() -> None:
    ann = User.objects.create_user("ann@example.com", "a long password")
    secret = with_app(ann)
    by_recovery = recovery.renew(user=ann)[0]
    assert sum(race(6, lambda: app_codes.accept(user=ann, code=code_at(secret)))) == 1
    assert sum(race(6, lambda: recovery.accept(user=ann, code=by_recovery))) == 1
