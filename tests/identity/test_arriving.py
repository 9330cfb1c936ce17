"""Whoever comes from a provider gets their own account or none: never anybody else's."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from django.db import connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.accounts import people
from assistant.accounts.models import Address, Role, User
from assistant.accounts.services import add_user
from assistant.audit.models import AuditEvent
from assistant.audit.trail import Event
from assistant.identity.arriving import Way, admit, connect, judge
from assistant.identity.claims import Claims, claims_of, shown_name
from assistant.identity.models import ExternalIdentity, IdentityProvider
from assistant.identity.refusals import SENTENCES, Refusal, Refused

ANN = Claims(subject="s-ann", email="Ann@Example.com", name="Ann Lee")


@pytest.fixture
def okta(db: None) -> IdentityProvider:
    """A provider that may speak for example.com."""
    return IdentityProvider.objects.create(
        slug="okta", name="Okta", kind="saml", is_open=True, domains=["example.com"]
    )


def refusal(provider: IdentityProvider, claims: Claims) -> Refusal | None:
    """Why somebody is not let in; judging and admitting agree."""
    judged = judge(provider, claims).refusal
    if judged is not None:
        before = User.objects.count(), ExternalIdentity.objects.count()
        with pytest.raises(Refused) as refused:
            admit(provider, claims)
        assert refused.value.refusal is judged
        assert (User.objects.count(), ExternalIdentity.objects.count()) == before
    return judged


def test_a_newcomer_gets_an_account_and_is_known_by_the_subject_from_then_on(okta: IdentityProvider) -> None:
    user, identity = admit(okta, ANN)
    assert (user.email, user.name, user.role) == ("ann@example.com", "Ann Lee", Role.EMPLOYEE)
    assert not user.has_usable_password()
    again, same = admit(okta, replace(ANN, email="married@example.com"))
    assert (again.pk, same.pk) == (user.pk, identity.pk)
    assert again.email == "ann@example.com"  # sources know her by it: nobody changes it by signing in
    assert judge(okta, replace(ANN, email="married@example.com")).told_email == "married@example.com"
    assert AuditEvent.objects.filter(event=Event.IDENTITY_JOINED).count() == 1


def test_an_account_that_is_there_is_joined_once_and_by_one_subject(okta: IdentityProvider) -> None:
    ann = add_user(email="ann@example.com")
    assert judge(okta, ANN).way is Way.JOINS
    assert admit(okta, ANN)[0].pk == ann.pk
    assert refusal(okta, replace(ANN, subject="s-newcomer")) is Refusal.ANOTHER_SUBJECT


def test_a_recycled_address_inherits_nothing(okta: IdentityProvider) -> None:
    former = admit(okta, ANN)[0]
    people.close_account(user_id=former.pk, actor="command line")
    newcomer = replace(ANN, subject="s-newcomer")
    assert refusal(okta, newcomer) is Refusal.CLOSED_ACCOUNT
    people.release_closed_account(user_id=former.pk, actor="command line")
    made = admit(okta, newcomer)[0]
    assert made.pk != former.pk
    assert not Address.objects.get(user=made).confirmed  # what the former holder was granted waits for a word


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        (replace(ANN, subject=""), Refusal.NO_SUBJECT),
        (replace(ANN, subject="s" * 513), Refusal.NO_SUBJECT),
        (replace(ANN, email=""), Refusal.NO_ADDRESS),
        (replace(ANN, email="ann@example.com\nX: y"), Refusal.NO_ADDRESS),
        (replace(ANN, email="a@example.com@evil.example"), Refusal.NO_ADDRESS),
        (replace(ANN, verified=False), Refusal.UNVERIFIED_ADDRESS),
        (replace(ANN, email="ann@evil.example"), Refusal.OTHER_DOMAIN),
        (replace(ANN, email="ann@sub.example.com"), Refusal.OTHER_DOMAIN),
        (replace(ANN, email="ann@example.com.evil.example"), Refusal.OTHER_DOMAIN),
        (replace(ANN, email="ann@example.com."), Refusal.OTHER_DOMAIN),
    ],
)
def test_a_stranger_is_not_let_in(okta: IdentityProvider, claims: Claims, expected: Refusal) -> None:
    assert refusal(okta, claims) is expected


def test_a_provider_speaks_for_its_own_domains_alone(okta: IdentityProvider) -> None:
    okta.domains = []
    assert refusal(okta, ANN) is Refusal.OTHER_DOMAIN


def test_nobody_who_has_rights_is_taken_over_by_an_address(okta: IdentityProvider) -> None:
    for role in set(Role.values) - {Role.EMPLOYEE}:
        add_user(email=f"{role}@example.com", role=role)
        claims = replace(ANN, subject=f"s-{role}", email=f"{role}@example.com")
        expected = Refusal.MANAGES if User.objects.get(email=claims.email).rights else None
        assert refusal(okta, claims) is expected


def test_who_is_signed_in_can_connect_a_provider_and_nobody_else_gets_it(okta: IdentityProvider) -> None:
    ada = add_user(email="ada@example.com", role=Role.ADMINISTRATOR)
    bob = add_user(email="bob@example.com")
    claims = Claims(subject="s-ada", email="ada@private.example")
    connect(okta, claims, user=ada)
    assert admit(okta, claims)[0].pk == ada.pk
    with pytest.raises(Refused):
        connect(okta, claims, user=bob)
    with pytest.raises(Refused):
        connect(okta, replace(claims, subject="s-other"), user=ada)
    assert ExternalIdentity.objects.get().user_id == ada.pk


def test_an_alias_of_somebody_else_gives_no_account(okta: IdentityProvider) -> None:
    bob = add_user(email="bob@example.com")
    people.add_alias(user_id=bob.pk, address="ann@example.com", actor="command line")
    assert refusal(okta, ANN) is Refusal.ALIAS


def test_a_provider_does_no_more_than_it_is_allowed(okta: IdentityProvider) -> None:
    okta.makes_accounts = False
    assert refusal(okta, ANN) is Refusal.NO_MAKING
    add_user(email="ann@example.com")
    okta.joins_accounts = False
    assert refusal(okta, ANN) is Refusal.NO_JOINING
    okta.is_open = False
    assert refusal(okta, ANN) is Refusal.PROVIDER_CLOSED


def test_groups_give_roles_and_take_them_but_never_from_the_last_who_manages_people(
    okta: IdentityProvider,
) -> None:
    okta.group_roles = [["보안팀", Role.SECURITY_ADMINISTRATOR], ["editors", Role.CONTENT_ADMINISTRATOR]]
    okta.save()
    user = admit(okta, replace(ANN, groups=("editors", "보안팀")))[0]
    assert user.role == Role.SECURITY_ADMINISTRATOR  # the first row that fits
    assert judge(okta, replace(ANN, groups=())).role == Role.EMPLOYEE
    assert admit(okta, replace(ANN, groups=()))[0].role == Role.SECURITY_ADMINISTRATOR  # nobody else could
    assert AuditEvent.objects.filter(event=Event.ROLE_KEPT).count() == 1
    add_user(email="ada@example.com", role=Role.ADMINISTRATOR)
    assert admit(okta, replace(ANN, groups=None))[0].role == Role.SECURITY_ADMINISTRATOR  # it told nothing
    assert admit(okta, replace(ANN, groups=("editors",)))[0].role == Role.CONTENT_ADMINISTRATOR
    assert admit(okta, replace(ANN, groups=("Editors", "x" * 600)))[0].role == Role.EMPLOYEE


@pytest.mark.django_db(transaction=True)
def test_the_same_newcomer_twice_at_the_same_moment_gets_one_account(okta: IdentityProvider) -> None:
    came: list[int] = []
    start = threading.Barrier(6)

    def come() -> None:
        try:
            start.wait()
            came.append(admit(okta, ANN)[0].pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=come) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(came) == 6
    assert set(came) == {User.objects.get().pk}


NAMES = st.sampled_from(["ann", "bob", "ada"])
DOMAINS = st.sampled_from(["example.com", "evil.example"])
ARRIVALS = st.lists(
    st.tuples(st.sampled_from(["s1", "s2", "s3"]), NAMES, DOMAINS, st.booleans()), min_size=1, max_size=8
)


@pytest.mark.django_db
@settings(max_examples=60, deadline=None)
@given(ARRIVALS)
def test_whatever_comes_in_whatever_order_no_account_is_ever_two_peoples(
    arrivals: list[tuple[str, str, str, bool]],
) -> None:
    """Oracle: a subject always meets the same account, an account only one subject, an administrator none."""
    with transaction.atomic():
        sid = transaction.savepoint()
        okta = IdentityProvider.objects.create(
            slug="okta", name="Okta", kind="saml", is_open=True, domains=["example.com"]
        )
        ada = add_user(email="ada@example.com", role=Role.ADMINISTRATOR)
        met: dict[str, int] = {}
        for subject, name, domain, verified in arrivals:
            claims = Claims(subject=subject, email=f"{name}@{domain}", verified=verified)
            try:
                user, _ = admit(okta, claims)
            except Refused:
                assert subject not in met
                continue
            assert user.pk != ada.pk
            assert met.setdefault(subject, user.pk) == user.pk
            assert subject in met or (domain == "example.com" and verified)
        assert len(set(met.values())) == len(met)
        transaction.savepoint_rollback(sid)


@given(st.text())
def test_a_name_is_one_plain_line(text: str) -> None:
    name = shown_name(text)
    assert len(name) <= 120
    assert name == " ".join(name.split())
    assert shown_name(name) == name
    assert not set(name) & set("\x00\n\r\u202e\u200b\u2066")


def test_claims_come_back_as_they_were_stored() -> None:
    for groups in (None, (), ("a", "나")):
        claims = replace(ANN, groups=groups, session="x", kept={"format": "persistent"})
        assert claims_of(claims.as_json()) == claims


def test_every_refusal_has_a_sentence() -> None:
    assert set(SENTENCES) == set(Refusal)
