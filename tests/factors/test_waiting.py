"""What was typed into a sensitive form waits on the server for one session and page, and is used once."""

from __future__ import annotations

import pytest
from django.conf import LazySettings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, RequestFactory
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as given_settings
from hypothesis import strategies as st

from assistant.accounts.door_models import SignedInSession
from assistant.accounts.models import Role, User
from assistant.factors import waiting
from assistant.factors.models import WaitingForm
from assistant.factors.tasks import sweep_proofs
from assistant.privacy.rotating import rotate
from tests.conftest import PASSWORD
from tests.factors.asked_again import Page, proved_long_ago, waiting_in

pytestmark = pytest.mark.django_db
GONE = "no longer kept"
PROOF = {"proving_password": PASSWORD}


@pytest.fixture
def ada(people: dict[str, User]) -> Client:
    """The administrator, who signed in an hour ago."""
    return signed_in_long_ago(people["ada"])


def signed_in_long_ago(user: User) -> Client:
    """A browser of theirs."""
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(user)
    proved_long_ago(client)
    return client


def role_of(people: dict[str, User], name: str = "ann") -> str:
    """As the database has it now."""
    return User.objects.get(pk=people[name].pk).role


def path_of(people: dict[str, User], name: str = "ann") -> str:
    """Where this person's role is set."""
    return f"/console/people/{people[name].pk}/role/"


def is_gone(answer: Page) -> bool:
    """Whether the page says that nothing waits."""
    return (answer.status_code, GONE in answer.content.decode()) == (422, True)


def test_it_is_used_once(ada: Client, people: dict[str, User]) -> None:
    path = path_of(people)
    word = waiting_in(ada.post(path, {"role": "auditor"}))
    assert ada.post(path, {"proving_form": word, **PROOF}).status_code == 302
    assert role_of(people) == Role.AUDITOR
    assert not WaitingForm.objects.exists()
    assert ada.post(path, {"role": "employee"}).status_code == 302
    for again in ({}, PROOF):
        assert is_gone(ada.post(path, {"proving_form": word, "role": "auditor", **again}))
    assert role_of(people) == Role.EMPLOYEE


def test_what_was_typed_first_counts_whatever_comes_beside_the_word(
    ada: Client, people: dict[str, User]
) -> None:
    path = path_of(people)
    word = waiting_in(ada.post(path, {"role": "auditor"}))
    ada.post(path, {"proving_form": word, "role": "administrator", **PROOF})
    assert role_of(people) == Role.AUDITOR


def test_it_opens_on_no_other_page(ada: Client, people: dict[str, User]) -> None:
    word = waiting_in(ada.post(path_of(people, "ann"), {"role": "auditor"}))
    assert is_gone(ada.post(path_of(people, "bob"), {"proving_form": word, **PROOF}))
    assert (role_of(people, "ann"), role_of(people, "bob")) == (Role.EMPLOYEE, Role.EMPLOYEE)


def test_it_opens_in_no_other_session_of_anybody(ada: Client, people: dict[str, User]) -> None:
    path = path_of(people)
    word = waiting_in(ada.post(path, {"role": "auditor"}))
    another = User.objects.create_user("sec@example.com", PASSWORD, role=Role.SECURITY_ADMINISTRATOR)
    for user in (people["ada"], another):
        assert is_gone(signed_in_long_ago(user).post(path, {"proving_form": word, **PROOF}))
    assert role_of(people) == Role.EMPLOYEE
    assert ada.post(path, {"proving_form": word, **PROOF}).status_code == 302  # nobody spent it


def test_a_row_that_was_moved_to_another_session_or_person_opens_nothing(
    ada: Client, people: dict[str, User]
) -> None:
    path = path_of(people)
    word = waiting_in(ada.post(path, {"role": "auditor"}))
    another = User.objects.create_user("sec@example.com", PASSWORD, role=Role.SECURITY_ADMINISTRATOR)
    theirs = signed_in_long_ago(another)
    WaitingForm.objects.update(session_id=theirs.session.session_key)
    assert is_gone(theirs.post(path, {"proving_form": word, **PROOF}))
    assert is_gone(ada.post(path, {"proving_form": word, **PROOF}))


def test_it_goes_with_the_session(ada: Client, people: dict[str, User]) -> None:
    for end in (
        lambda: ada.post("/sign-out/"),
        lambda: SignedInSession.objects.all().delete(),
    ):
        ada.force_login(people["ada"])
        proved_long_ago(ada)
        waiting_in(ada.post(path_of(people), {"role": "auditor"}))
        assert WaitingForm.objects.exists()
        end()
        assert not WaitingForm.objects.exists()


def test_it_stays_where_the_session_gets_another_key_by_a_proof_elsewhere(
    ada: Client, people: dict[str, User]
) -> None:
    path = path_of(people)
    word = waiting_in(ada.post(path, {"role": "auditor"}))
    before = ada.session.session_key
    assert ada.post("/security/prove/", PROOF).status_code == 302
    assert ada.session.session_key != before
    assert ada.post(path, {"proving_form": word, "proving_by_provider": "1"}).status_code == 302
    assert role_of(people) == Role.AUDITOR


def test_it_waits_for_minutes_and_is_swept(
    ada: Client, people: dict[str, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, now = path_of(people), timezone.now
    word = waiting_in(ada.post(path, {"role": "auditor"}))
    sweep_proofs()
    assert WaitingForm.objects.exists()
    monkeypatch.setattr(timezone, "now", lambda: now() + waiting.LIFE)
    assert is_gone(ada.post(path, {"proving_form": word, "proving_password": "wrong"}))
    assert is_gone(ada.post(path, {"proving_form": word, **PROOF}))
    assert role_of(people) == Role.EMPLOYEE
    sweep_proofs()
    assert not WaitingForm.objects.exists()


def test_a_session_keeps_the_newest_few(ada: Client, people: dict[str, User]) -> None:
    path = path_of(people)
    words = [waiting_in(ada.post(path, {"role": "auditor"})) for _ in range(waiting.MOST + 1)]
    assert set(WaitingForm.objects.values_list("word", flat=True)) == set(words[1:])
    ada.post(path, {"proving_form": words[-1], "proving_password": "wrong"})
    assert WaitingForm.objects.count() == waiting.MOST  # a wrong password keeps nothing anew


@pytest.mark.parametrize("how", ["too large", "a file", "no session"])
def test_what_cannot_be_kept_is_said_and_never_done_without_its_fields(
    ada: Client, people: dict[str, User], monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    path, form = path_of(people), {"role": "auditor"}
    if how == "too large":
        monkeypatch.setattr(waiting, "LARGEST", 20)
    elif how == "no session":
        monkeypatch.setattr(waiting, "_key", lambda _: "x" * 32)
    file = {"file": SimpleUploadedFile("a.txt", b"x")} if how == "a file" else {}
    asked = ada.post(path, {**form, **file})
    assert "enter it once more" in asked.content.decode()
    assert waiting_in(asked) == ""
    assert is_gone(ada.post(path, {"proving_form": "", **PROOF}))
    assert role_of(people) == Role.EMPLOYEE
    assert ada.post(path, form).status_code == 302  # proven by now


@pytest.mark.parametrize("word", ["x", "x" * 22, "x" * 5_000, "\x00", "ㄱ", " "])
def test_a_word_that_nobody_gave_opens_nothing(ada: Client, people: dict[str, User], word: str) -> None:
    assert is_gone(ada.post(path_of(people), {"proving_form": word, "role": "auditor", **PROOF}))
    assert role_of(people) == Role.EMPLOYEE


def test_a_form_without_fields_needs_no_word(ada: Client, people: dict[str, User]) -> None:
    path = f"/console/people/{people['ann'].pk}/end-sessions/"
    assert b'name="proving_form"' not in ada.post(path).content
    assert not WaitingForm.objects.exists()
    assert ada.post(path, PROOF).status_code == 302


@pytest.mark.parametrize("replaced", [True, False])
def test_it_outlives_a_replaced_key_of_the_installation_and_no_lost_one(
    ada: Client, people: dict[str, User], settings: LazySettings, *, replaced: bool
) -> None:
    path, former = path_of(people), settings.SECRET_KEY
    word = waiting_in(ada.post(path, {"role": "auditor"}))
    settings.SECRET_KEY_FALLBACKS = [former]
    settings.SECRET_KEY = "k" * 50
    assert ada.get("/console/people/").status_code == 200  # the session's data is under the former one still
    if replaced:
        assert not any(rotate(actor="test").remaining.sealed.values())
        settings.SECRET_KEY_FALLBACKS = []
        assert ada.post(path, {"proving_form": word, **PROOF}).status_code == 302
    else:
        sealed = bytes(WaitingForm.objects.get().sealed_fields)
        WaitingForm.objects.update(sealed_fields=sealed[:-1] + bytes([sealed[-1] ^ 1]))
        assert is_gone(ada.post(path, {"proving_form": word, **PROOF}))


_NAMES = st.text(min_size=1, max_size=8).filter(lambda name: not name.startswith("proving_"))
_FORMS = st.dictionaries(_NAMES, st.lists(st.text(max_size=20), min_size=1, max_size=3), max_size=5)


@given(form=_FORMS)
@given_settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_field_comes_back_as_it_was_typed(
    ada: Client, people: dict[str, User], form: dict[str, list[str]]
) -> None:
    request = RequestFactory().post("/console/")
    request.user, request.session = people["ada"], ada.session
    word = waiting.keep(request, list(form.items()))
    assert waiting.is_kept(request, word)
    back = waiting.take(request, word)
    assert back is not None
    assert dict(back.lists()) == form
    assert waiting.take(request, word) is None
