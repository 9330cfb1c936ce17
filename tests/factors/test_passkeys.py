"""Passkeys: only for our origin, our number, once, from the device that has the key and saw its person."""

from __future__ import annotations

import copy

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assistant.accounts.models import User
from assistant.audit.models import AuditEvent
from assistant.common.errors import NotFound, UsageError
from assistant.common.types import Json, JsonObject
from assistant.factors import challenges, passkeys
from assistant.factors.challenges import Purpose
from assistant.factors.models import Challenge, Passkey
from assistant.factors.passkeys import Asked, Site, Unusable
from tests.factors.authenticator import PRESENT, Device

SITE = Site("localhost", "http://localhost")
SIGN_IN = Asked(Purpose.SIGN_IN, "browser")


def enrolled(user: User, device: Device) -> Passkey:
    """The person has this device's passkey."""
    asked = Asked(Purpose.ENROL, "browser", user)
    return passkeys.make(SITE, asked, device.make(passkeys.options_to_make(SITE, asked)), name="Laptop")


def shown(device: Device, asked: Asked = SIGN_IN) -> User:
    """Whose it is, asked and answered."""
    return passkeys.show(SITE, asked, device.show(passkeys.options_to_show(SITE, asked)))


def test_a_passkey_says_whose_it_is(people: dict[str, User]) -> None:
    device, another = Device(), Device()
    enrolled(people["ann"], device)
    enrolled(people["sam"], another)
    assert (shown(device), shown(another)) == (people["ann"], people["sam"])
    assert Passkey.objects.get(user=people["ann"]).used_at is not None


def test_what_a_device_learns_of_its_person_is_no_name(people: dict[str, User]) -> None:
    asked = Asked(Purpose.ENROL, "browser", people["ann"])
    first, second = (passkeys.options_to_make(SITE, asked)["publicKey"] for _ in range(2))
    assert isinstance(first, dict)
    assert isinstance(second, dict)
    assert first["user"] == second["user"]
    assert isinstance(first["user"], dict)
    assert "ann" not in bytes.fromhex("").join([str(first["user"]["id"]).encode()]).decode()
    assert first["authenticatorSelection"] == {
        "residentKey": "preferred",
        "userVerification": "required",
        "requireResidentKey": False,
    }


LIES: dict[str, dict[str, str | int]] = {
    "another origin": {"origin": "https://localhost.example.com"},
    "another port": {"origin": "http://localhost:81"},
    "another scheme": {"origin": "https://localhost"},
    "another host": {"site": "example.com"},
    "a person whom the device did not see": {"flags": PRESENT},
    "nobody there": {"flags": 0},
}


@pytest.mark.parametrize("lie", LIES)
def test_what_was_signed_for_something_else_is_refused(people: dict[str, User], lie: str) -> None:
    device = Device()
    enrolled(people["ann"], device)
    for name, value in LIES[lie].items():
        setattr(device, name, value)
    with pytest.raises(Unusable):
        shown(device)
    liar = Device(**LIES[lie])  # type: ignore[arg-type]
    with pytest.raises(Unusable):
        enrolled(people["ann"], liar)


def test_a_number_is_good_once_for_one_browser_purpose_and_person(people: dict[str, User]) -> None:
    ann, device = people["ann"], Device()
    enrolled(ann, device)
    answer = device.show(passkeys.options_to_show(SITE, SIGN_IN))
    for other in (
        Asked(Purpose.SIGN_IN, "another browser"),
        Asked(Purpose.SIGN_IN, ""),
        Asked(Purpose.SECOND, "browser", ann),
        Asked(Purpose.PROVE, "browser", ann),
    ):
        with pytest.raises(Unusable):
            passkeys.show(SITE, other, answer)
    assert passkeys.show(SITE, SIGN_IN, answer) == ann
    with pytest.raises(Unusable):
        passkeys.show(SITE, SIGN_IN, answer)


def test_a_number_ends_after_ten_minutes(people: dict[str, User]) -> None:
    device = Device()
    enrolled(people["ann"], device)
    answer = device.show(passkeys.options_to_show(SITE, SIGN_IN))
    row = Challenge.objects.get()
    Challenge.objects.update(made_at=row.made_at - challenges.LIFE)
    with pytest.raises(Unusable):
        passkeys.show(SITE, SIGN_IN, answer)
    challenges.forget_old()
    assert not Challenge.objects.exists()


def test_the_passkey_of_somebody_else_is_no_second_factor(people: dict[str, User]) -> None:
    device = Device()
    enrolled(people["sam"], device)
    with pytest.raises(Unusable):
        shown(device, Asked(Purpose.SECOND, "browser", people["ann"]))


def test_a_device_that_names_another_person_is_refused(people: dict[str, User]) -> None:
    device = Device()
    enrolled(people["ann"], device)
    for owner in (b"", b"x" * 32):
        device.owner = owner
        with pytest.raises(Unusable):
            shown(device)


def test_a_key_with_the_id_of_another_is_refused(people: dict[str, User]) -> None:
    device = Device()
    enrolled(people["ann"], device)
    forged = Device(id=device.id, owner=device.owner)
    with pytest.raises(Unusable):
        shown(forged)
    with pytest.raises(Unusable):
        enrolled(people["sam"], forged)


def test_a_copy_is_found_by_its_counter_and_told(people: dict[str, User]) -> None:
    device = Device()
    enrolled(people["ann"], device)
    device.counter = 7
    assert shown(device) == people["ann"]
    for counter in (7, 6, 0):
        device.counter = counter
        with pytest.raises(Unusable):
            shown(device)
    assert AuditEvent.objects.filter(event="passkey_refused").count() == 3
    device.counter = 8
    assert shown(device) == people["ann"]


def test_a_device_that_never_counts_is_accepted_again_and_again(people: dict[str, User]) -> None:
    device = Device()
    enrolled(people["ann"], device)
    assert [shown(device), shown(device)] == [people["ann"]] * 2


def test_a_removed_passkey_and_that_of_a_closed_account_sign_nobody_in(people: dict[str, User]) -> None:
    device, another = Device(), Device()
    own = enrolled(people["ann"], device)
    enrolled(people["bob"], another)
    with pytest.raises(NotFound):
        passkeys.remove(user=people["sam"], handle=own.handle)
    passkeys.remove(user=people["ann"], handle=own.handle)
    User.objects.filter(pk=people["bob"].pk).update(is_active=False)
    for one in (device, another):
        with pytest.raises(Unusable):
            shown(one)


def test_a_passkey_of_another_site_is_not_asked_for(people: dict[str, User]) -> None:
    enrolled(people["ann"], Device())
    elsewhere = Site("ask.example.com", "https://ask.example.com")
    options = passkeys.options_to_show(elsewhere, Asked(Purpose.SECOND, "browser", people["ann"]))
    asked = options["publicKey"]
    assert isinstance(asked, dict)
    assert asked["rpId"] == "ask.example.com"
    assert not asked.get("allowCredentials")


def test_nobody_has_more_passkeys_than_a_page_can_show(
    people: dict[str, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passkeys, "MOST", 2)
    for _ in range(2):
        enrolled(people["ann"], Device())
    with pytest.raises(UsageError):
        enrolled(people["ann"], Device())


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_PLACES = ("id", "rawId", "type", "response", "clientDataJSON", "authenticatorData", "signature")


@pytest.mark.django_db
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(place=st.sampled_from(_PLACES), value=_JSON)
def test_whatever_a_browser_sends_is_refused_and_never_fails_otherwise(
    people: dict[str, User], place: str, value: Json
) -> None:
    device = Device()
    device.owner = b"o" * 32
    answer: JsonObject = copy.deepcopy(device.show(passkeys.options_to_show(SITE, SIGN_IN)))
    response = answer["response"]
    assert isinstance(response, dict)
    holder = response if place in response else answer
    assert isinstance(holder, dict)
    holder[place] = value
    with pytest.raises(Unusable):
        passkeys.show(SITE, SIGN_IN, answer)
