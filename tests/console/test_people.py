"""Who may manage people sees how sources know them, and changes it by one service call a form."""

from __future__ import annotations

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from assistant.access.visibility import visible_documents
from assistant.accounts import people as services
from assistant.accounts.models import AccountLink, Address, Role, User
from tests.conftest import PASSWORD, SmallWorld

POSTS = ("role", "address-add", "address-confirm", "address-release", "account-link", "account-unlink")
ENDS = ("close", "reopen", "free")


@pytest.fixture
def sec(client: Client, people: dict[str, User]) -> Client:
    """The browser of a security administrator."""
    user = User.objects.create_user("sec@example.com", PASSWORD, role=Role.SECURITY_ADMINISTRATOR)
    client.force_login(user)
    return client


def post(client: Client, action: str, person: User, **fields: object) -> HttpResponse:
    """Send one of the forms of a person's page."""
    response: HttpResponse = client.post(reverse(f"console:person-{action}", args=[person.pk]), fields)  # type: ignore[assignment]
    return response


def page(client: Client, person: User) -> str:
    """The person's page."""
    response = client.get(reverse("console:person", args=[person.pk]))
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.parametrize("role", [Role.EMPLOYEE, Role.CONTENT_ADMINISTRATOR, Role.AUDITOR])
def test_for_others_there_are_no_people(client: Client, people: dict[str, User], role: Role) -> None:
    client.force_login(User.objects.create_user("other@example.com", PASSWORD, role=role))
    ann = people["ann"]
    assert client.get(reverse("console:people")).status_code == 404
    assert client.get(reverse("console:person", args=[ann.pk])).status_code == 404
    fields = {"role": "auditor", "address": "ann@example.com", "source": "1", "account": "a"}
    for action in (*POSTS, *ENDS):
        assert post(client, action, ann, **fields).status_code == 404, action
    ann.refresh_from_db()
    assert (ann.role, ann.is_active) == (Role.EMPLOYEE, True)


def test_a_get_changes_nothing(sec: Client, people: dict[str, User]) -> None:
    for action in (*POSTS, *ENDS):
        address = reverse(f"console:person-{action}", args=[people["ann"].pk])
        assert sec.get(address).status_code == 405, action


def test_the_list_is_searched_by_name_address_and_alias(sec: Client, people: dict[str, User]) -> None:
    services.add_alias(user_id=people["ann"].pk, address="a.smith@example.com", actor="test")
    for text, found in (("", 6), ("ANN", 1), ("a.smith", 1), ("nobody at all", 0), ("\x00", 6)):
        shown = sec.get(reverse("console:people"), {"text": text}).content.decode()
        assert shown.count('class="row-name"') == found, text
    assert "Nobody found" in sec.get(reverse("console:people"), {"text": "<b>"}).content.decode()
    assert sec.get(reverse("console:people"), {"page": "999999999999"}).status_code == 200


def test_a_role_is_given_and_opens_no_document(
    sec: Client, people: dict[str, User], small_world: SmallWorld
) -> None:
    seen = set(visible_documents(small_world.viewer("ann")).values_list("pk", flat=True))
    assert post(sec, "role", people["ann"], role="auditor").status_code == 302
    people["ann"].refresh_from_db()
    assert people["ann"].role == Role.AUDITOR
    assert set(visible_documents(small_world.viewer("ann")).values_list("pk", flat=True)) == seen
    wrong = post(sec, "role", people["ann"], role="king")
    assert wrong.status_code == 422
    assert "There is no such role." in wrong.content.decode()


def test_an_address_is_added_and_a_bad_one_is_explained_at_the_field(
    sec: Client, people: dict[str, User]
) -> None:
    assert post(sec, "address-add", people["ann"], address=" Ann.Smith@Example.com ").status_code == 302
    assert "ann.smith@example.com" in page(sec, people["ann"])
    wrong = post(sec, "address-add", people["ann"], address='"><script>x')
    assert wrong.status_code == 422
    text = wrong.content.decode()
    assert 'aria-describedby="wrong-address"' in text
    assert 'aria-current="page"' in text
    assert "That isn’t an e-mail address." in text
    assert 'value="&quot;&gt;&lt;script&gt;x"' in text  # what was typed stays, escaped
    taken = post(sec, "address-add", people["ann"], address="bob@example.com")
    assert "already belongs to somebody" in taken.content.decode()
    assert Address.objects.get(address="bob@example.com").user == people["bob"]


def test_a_second_holder_is_confirmed_once_somebody_has_read_what_it_means(
    sec: Client, people: dict[str, User]
) -> None:
    services.add_alias(user_id=people["bob"].pk, address="desk@example.com", actor="test")
    services.release_address(address="desk@example.com", actor="test")
    services.add_alias(user_id=people["ann"].pk, address="desk@example.com", actor="test")
    assert "Somebody else had <bdi>desk@example.com</bdi> before." in page(sec, people["ann"])
    assert "Address to confirm" in sec.get(reverse("console:people")).content.decode()
    elsewhere = post(sec, "address-confirm", people["bob"], address="desk@example.com")
    assert elsewhere.status_code == 404
    assert not Address.objects.get(address="desk@example.com").confirmed
    assert post(sec, "address-confirm", people["ann"], address="desk@example.com").status_code == 302
    assert Address.objects.get(address="desk@example.com").confirmed
    assert post(sec, "address-confirm", people["ann"], address="desk@example.com").status_code == 404


def test_an_alias_is_released_and_the_sign_in_address_is_not(sec: Client, people: dict[str, User]) -> None:
    services.add_alias(user_id=people["ann"].pk, address="desk@example.com", actor="test")
    assert post(sec, "address-release", people["bob"], address="desk@example.com").status_code == 404
    assert post(sec, "address-release", people["ann"], address="desk@example.com").status_code == 302
    assert Address.objects.get(address="desk@example.com").user is None
    assert post(sec, "address-release", people["ann"], address="ann@example.com").status_code == 404


def test_an_unclear_account_is_linked_and_unlinked(
    sec: Client, people: dict[str, User], small_world: SmallWorld
) -> None:
    small_world.groups |= {name: {"account": name, "email": "ann@example.com"} for name in ("acc-1", "acc-2")}
    small_world.sync()
    text = page(sec, people["ann"])
    assert text.count("Yes, this account is theirs") == 2
    fields = {"source": small_world.source_id, "account": "acc-1"}
    assert post(sec, "account-link", people["bob"], **fields).status_code == 404
    assert post(sec, "account-link", people["ann"], source=1, account="acc-9").status_code == 404
    assert post(sec, "account-link", people["ann"], source="x", account="acc-1").status_code == 404
    assert post(sec, "account-link", people["ann"], **fields).status_code == 302
    link = AccountLink.objects.get()
    assert (link.user, link.principal.external_id) == (people["ann"], "acc-1")
    assert "Linked by an administrator" in page(sec, people["ann"])
    assert post(sec, "account-unlink", people["bob"], **fields).status_code == 404
    assert post(sec, "account-unlink", people["ann"], **fields).status_code == 302
    assert not AccountLink.objects.exists()


def test_an_account_is_closed_opened_again_and_its_addresses_set_free(
    sec: Client, people: dict[str, User]
) -> None:
    ann = people["ann"]
    wrong = post(sec, "free", ann)
    assert (wrong.status_code, "Close it before you free" in wrong.content.decode()) == (422, True)
    assert post(sec, "close", ann).status_code == 302
    ann.refresh_from_db()
    assert not ann.is_active
    text = page(sec, ann)
    assert "Open it again" in text
    assert "Close the account" not in text
    post(sec, "reopen", ann)
    assert User.objects.filter(pk=ann.pk, is_active=True).exists()
    post(sec, "close", ann)
    assert post(sec, "free", ann).status_code == 302
    assert Address.objects.get(address="ann@example.com").user is None


def test_what_goes_is_asked_once_before_it_goes(sec: Client, people: dict[str, User]) -> None:
    text = page(sec, people["ann"])
    form = text.index(reverse("console:person-close", args=[people["ann"].pk]))
    assert text.rindex('<details class="ask">', 0, form) < text.rindex("can’t sign in any more", 0, form)


def test_unknown_people_are_not_there(sec: Client, people: dict[str, User]) -> None:
    for number in (99999, 10**30):
        assert sec.get(reverse("console:person", args=[number])).status_code == 404
    assert sec.post(reverse("console:person-close", args=[99999])).status_code == 404
    assert sec.post(reverse("console:person-role", args=[99999]), {"role": "king"}).status_code == 404


def test_the_link_to_what_they_see_is_there(sec: Client, people: dict[str, User]) -> None:
    assert reverse("console:shares", args=[people["ann"].pk]) in page(sec, people["ann"])


def test_ones_own_page_offers_nothing_that_widens_it(sec: Client, people: dict[str, User]) -> None:
    own = User.objects.get(email="sec@example.com")
    shown = page(sec, own)
    assert "This is you." in shown
    assert 'name="role"' not in shown
    assert 'name="address"' not in shown
    for action, field in (
        ("role", {"role": "administrator"}),
        ("address-add", {"address": "boss@example.com"}),
    ):
        wrong = post(sec, action, own, **field)
        assert wrong.status_code == 422
        assert "You can’t change your own account." in wrong.content.decode()
    assert not Address.objects.filter(address="boss@example.com").exists()


def test_the_last_who_manages_people_stays(sec: Client, people: dict[str, User]) -> None:
    own = User.objects.get(email="sec@example.com")
    User.objects.exclude(pk=own.pk).filter(role=Role.ADMINISTRATOR).update(is_active=False)
    wrong = post(sec, "close", own)
    assert wrong.status_code == 422
    assert "Nobody else manages people." in wrong.content.decode()
