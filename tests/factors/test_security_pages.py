"""The page "Sign-in and security": one's own factors and password, and nobody else's."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from assistant.accounts.models import User
from assistant.audit.models import AuditEvent
from assistant.factors import recovery
from assistant.factors.models import AuthenticatorApp, Passkey, RecoveryCode
from assistant.factors.passkeys import MOST
from assistant.identity.models import ExternalIdentity, IdentityProvider
from tests.conftest import PASSWORD
from tests.factors.authenticator import Device
from tests.factors.test_signing_in import SECOND, begin, code_of, give_app, give_passkey, is_in, with_password

SECURITY, NEW = "/security/", "a chain of new words"


@pytest.fixture
def client() -> Client:
    """An English browser that reaches Mundap under a name."""
    return Client(headers={"Accept-Language": "en"}, SERVER_NAME="localhost")


@pytest.fixture
def ann(client: Client, people: dict[str, User]) -> User:
    """Ann, signed in there with her password just now."""
    assert with_password(client) == "/"
    return people["ann"]


def long_ago(client: Client) -> None:
    """As if the session had proven itself an hour ago."""
    session = client.session
    session["proven"] = (timezone.now() - timedelta(hours=1)).isoformat()
    session.save()


def test_setting_an_app_up_ends_other_sessions_and_shows_recovery_codes_once(
    client: Client, ann: User
) -> None:
    elsewhere = Client()
    with_password(elsewhere)
    page = client.get("/security/app/").content.decode()
    assert 'viewBox="0 0' in page
    secret = page.split("<code>")[1].split("</code>")[0].replace(" ", "")
    assert client.get("/security/app/").content.decode().count(secret[:4])  # a reload keeps it
    assert client.post("/security/app/", {"code": "000000"}).status_code == 422
    shown = client.post("/security/app/", {"code": code_of(secret)}).content.decode()
    assert shown.count("<code>") == recovery.COUNT
    assert client.get(SECURITY).status_code == 200
    assert elsewhere.get("/").status_code == 302
    assert "<code>" not in client.get(SECURITY).content.decode()
    client.post("/sign-out/")
    assert with_password(client) == SECOND


def test_passkeys_have_names_and_are_removed_one_by_one(client: Client, ann: User) -> None:
    for name in ("My laptop", "<b>phone</b>"):
        made = json.dumps(Device().make(begin(client, "enrol")))
        client.post("/security/passkeys/", {"passkey": made, "name": name})
    page = client.get(SECURITY).content.decode()
    assert "My laptop" in page
    assert "&lt;b&gt;phone" in page
    own = Passkey.objects.get(name="My laptop")
    rename = f"/security/passkeys/{own.handle}/rename/"
    assert client.post(rename, {"name": "  "}).status_code == 422
    assert client.post(rename, {"name": " 회사 노트북 "}).status_code == 302
    own.refresh_from_db()
    assert own.name == "회사 노트북"
    assert f'value="{own.name}"' in client.get(SECURITY).content.decode()
    assert client.post(f"/security/passkeys/{own.handle}/remove/").status_code == 302
    assert [one.name for one in Passkey.objects.all()] == ["<b>phone</b>"]
    assert AuditEvent.objects.filter(event="passkey_removed").count() == 1


def test_what_is_somebody_elses_is_not_there(client: Client, people: dict[str, User]) -> None:
    theirs = give_passkey(client, people["sam"], Device())
    give_app(people["sam"])
    client.force_login(people["ann"])
    path = f"/security/passkeys/{theirs.handle}/remove/"
    nothing = "/security/passkeys/nothing/remove/"
    renamed = path.replace("remove", "rename")
    assert [client.post(one, {"name": "x"}).status_code for one in (path, nothing, renamed)] == [404] * 3
    theirs.refresh_from_db()
    assert theirs.name != "x"
    assert client.post("/security/recovery-codes/").status_code == 404
    client.post("/security/app/remove/")
    assert theirs.handle not in client.get(SECURITY).content.decode().split('id="main"')[1]
    assert Passkey.objects.filter(pk=theirs.pk).exists()
    assert AuthenticatorApp.objects.filter(user=people["sam"]).exists()
    assert RecoveryCode.objects.filter(user=people["sam"]).count() == recovery.COUNT


CHANGES = ("app/", "app/remove/", "recovery-codes/", "passkeys/", "passkeys/x/remove/", "passkeys/x/rename/")


@pytest.mark.parametrize("path", CHANGES)
def test_nothing_is_changed_by_who_signed_in_long_ago(client: Client, ann: User, path: str) -> None:
    long_ago(client)
    answer = client.post(f"/security/{path}", {"code": "000000", "passkey": "{}"})
    assert answer.headers["Location"] == "/security/prove/?next=%2Fsecurity%2F"
    assert begin(client, "enrol") == {"status": 403}


def test_proving_again_takes_what_signing_in_took(client: Client, people: dict[str, User]) -> None:
    ann = people["ann"]
    secret = give_app(ann)
    with_password(client)
    client.post(SECOND, {"code": code_of(secret)})
    long_ago(client)
    prove = "/security/prove/"
    page = client.get(prove).content.decode()
    assert "Before you change how you sign in" in page
    assert 'name="proving_code"' in page
    refused = client.post(prove, {"proving_password": PASSWORD})
    assert (refused.status_code, "is kept" in refused.content.decode()) == (422, False)
    assert client.post(prove, {"proving_password": PASSWORD, "proving_code": "000000"}).status_code == 422
    wrong = {"proving_password": "wrong", "proving_code": code_of(secret, 1)}
    assert client.post(prove, wrong).status_code == 422
    assert client.get("/security/app/").status_code == 302
    right = {"proving_password": PASSWORD, "proving_code": code_of(secret, 1)}
    back = client.post(f"{prove}?next=%2Fsecurity%2Fapp%2F", right)
    assert back.headers["Location"] == "/security/app/"
    assert client.get(f"{prove}?next=https://evil.example/").headers["Location"] == SECURITY
    assert client.get("/security/app/").status_code == 200


def test_a_passkey_proves_alone_and_another_persons_does_not(client: Client, people: dict[str, User]) -> None:
    device, another = Device(), Device()
    give_passkey(client, people["ann"], device)
    give_passkey(client, people["sam"], another)
    client.force_login(people["ann"])
    long_ago(client)
    wrong = json.dumps(another.show(begin(client, "prove")))
    assert client.post("/security/prove/", {"proving_passkey": wrong}).status_code == 422
    right = json.dumps(device.show(begin(client, "prove")))
    assert client.post("/security/prove/", {"proving_passkey": right}).headers["Location"] == SECURITY


def test_the_companys_provider_is_a_way_to_prove_it(client: Client, ann: User) -> None:
    provider = IdentityProvider.objects.create(slug="okta", name="Okta", kind="saml", is_open=True)
    ExternalIdentity.objects.create(provider=provider, subject="ann", user=ann)
    ann.set_unusable_password()
    ann.save()
    client.force_login(ann)
    long_ago(client)
    prove = "/security/prove/?next=%2Fsecurity%2F"
    page = client.get(prove).content.decode()
    assert "/sign-in/saml/okta/begin/?purpose=prove" in page
    assert 'type="password"' not in page
    assert client.post(prove, {"proving_by_provider": "1"}).status_code == 422
    session = client.session
    session["proven"] = timezone.now().isoformat()  # as the window of the provider leaves it
    session.save()
    assert client.post(prove, {"proving_by_provider": "1"}).headers["Location"] == SECURITY


def test_the_console_asks_for_as_much(client: Client, people: dict[str, User]) -> None:
    ada, device = people["ada"], Device()
    give_passkey(client, ada, device)
    client.force_login(ada)
    path = reverse("console:person-role", args=[people["ann"].pk])
    long_ago(client)
    page = client.post(path, {"role": "auditor"}).content.decode()
    assert 'name="proving_code"' in page
    assert 'data-passkey="prove"' in page
    assert client.post(path, {"role": "auditor", "proving_password": PASSWORD}).status_code == 422
    bad = client.post(path, {"role": "auditor", "proving_passkey": "{}"})
    assert bad.status_code == 422
    assert User.objects.get(pk=people["ann"].pk).role == "employee"
    right = json.dumps(device.show(begin(client, "prove")))
    assert client.post(path, {"role": "auditor", "proving_passkey": right}).status_code == 302
    assert User.objects.get(pk=people["ann"].pk).role == "auditor"


def change(client: Client, *, old: str = PASSWORD, new: str = NEW, again: str = "") -> tuple[int, str]:
    """Status and page."""
    answer = client.post("/security/password/", {"old": old, "new": new, "again": again or new})
    return answer.status_code, answer.content.decode()


def test_a_person_changes_their_password_and_is_signed_out_everywhere_else(client: Client, ann: User) -> None:
    elsewhere = Client()
    with_password(elsewhere)
    status, page = change(client)
    assert status == 200
    assert "Your password is changed" in page
    assert client.get("/").status_code == 200
    assert elsewhere.get("/").status_code == 302
    assert with_password(elsewhere) == "422"
    assert with_password(elsewhere, password=NEW) == "/"
    event = AuditEvent.objects.get(event="password_changed")
    assert NEW not in str(event.data)


UNFIT = {
    "short": ("abcdefgh", "at least 10 characters"),
    "of the list": ("password1234", "too common"),
    "korean on an english keyboard": ("dkssudgktpdy1!", "others try"),
    "korean": ("안녕하세요12345", "others try"),
    "a word again and again": ("qwer1234qwer1234", "others try"),
    "the address": ("ann@example.com", "similar"),
    "the old one": (PASSWORD, "your password now"),
    "too long": ("x1y" * 400, "1,024"),
}


@pytest.mark.parametrize("unfit", UNFIT)
def test_an_unfit_password_is_refused_with_the_reason(client: Client, ann: User, unfit: str) -> None:
    new, words = UNFIT[unfit]
    status, page = change(client, new=new)
    assert status == 422
    assert words in page
    assert f'value="{new}"' not in page.replace('value="ann@example.com"', "")
    assert User.objects.get(pk=ann.pk).check_password(PASSWORD)


def test_the_old_password_must_be_right_and_guesses_at_it_are_counted(client: Client, ann: User) -> None:
    statuses = [change(client, old="wrong")[0] for _ in range(6)]
    assert statuses == [422] * 5 + [429]
    assert change(client)[0] == 429
    assert change(client, again="something else")[0] == 422
    assert User.objects.get(pk=ann.pk).check_password(PASSWORD)


def test_who_comes_from_a_provider_sets_nothing_up_here(client: Client, people: dict[str, User]) -> None:
    people["ann"].set_unusable_password()
    people["ann"].save()
    client.force_login(people["ann"])
    session = client.session
    session["ways"] = ["provider"]
    session.save()
    assert "company’s sign-in" in client.get(SECURITY).content.decode()
    for path in ("app/", "password/"):
        assert client.get(f"/security/{path}").status_code == 404
    made = json.dumps(Device().make(begin(client, "enrol")))
    assert client.post("/security/passkeys/", {"passkey": made}).status_code == 404
    assert not Passkey.objects.exists()


def test_who_manages_people_resets_factors_but_never_their_own(
    client: Client, people: dict[str, User]
) -> None:
    device = Device()
    give_passkey(client, people["ann"], device)
    give_app(people["ann"])
    give_app(people["ada"])
    theirs = Client()
    theirs.force_login(people["ann"])
    client.force_login(people["ada"])
    assert "Passkeys: 1" in client.get(reverse("console:person", args=[people["ann"].pk])).content.decode()
    own = client.post(reverse("console:person-reset-factors", args=[people["ada"].pk]))
    assert own.status_code == 422
    assert AuthenticatorApp.objects.filter(user=people["ada"]).exists()
    path = reverse("console:person-reset-factors", args=[people["ann"].pk])
    assert theirs.post(path).status_code == 404
    long_ago(client)
    assert client.post(path).status_code == 403
    client.force_login(people["ada"])
    assert client.post(path).status_code == 302
    assert not Passkey.objects.filter(user=people["ann"]).exists()
    assert theirs.get("/").status_code == 302
    assert with_password(theirs) == "/"
    assert AuditEvent.objects.get(event="factors_reset").data["user"] == "ann@example.com"


def test_a_person_has_at_most_so_many_passkeys(client: Client, ann: User) -> None:
    rows = [
        Passkey(user=ann, owner="00" * 32, name=str(n), site="x", credential_digest=str(n), credential=b"")
        for n in range(MOST)
    ]
    Passkey.objects.bulk_create(rows)
    assert begin(client, "enrol") == {"status": 403}
    assert is_in(client)
