"""Who sees a document, and what a person sees: the same as the rule asked person by person."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest
from django.utils import timezone

from assistant.access import inspector
from assistant.access.document_readers import find_readers
from assistant.access.explaining import hides_from_everybody
from assistant.access.inspection import Decision, IdentityOrigin, Reason
from assistant.access.viewer import viewer_for
from assistant.access.visibility import may_read
from assistant.accounts import people
from assistant.accounts.models import Role, User
from assistant.audit.models import AuditEvent
from assistant.common.errors import NotFound
from assistant.documents.models import Document
from tests.access.laid_down import nothing_changes
from tests.access.made_worlds import NOW, made_world
from tests.access.test_three_forms_agree import world_in_database
from tests.conftest import SmallWorld

pytestmark = pytest.mark.django_db


@pytest.fixture
def officer(people: dict[str, User]) -> User:
    """Somebody who may inspect, and is in no group."""
    return User.objects.create_user("officer@example.com", role=Role.SECURITY_ADMINISTRATOR)


def _id(external_id: str) -> int:
    return Document.objects.get(external_id=external_id).pk


@pytest.mark.parametrize("seed", range(25))
def test_the_rule_read_backwards_finds_the_same_people(seed: int) -> None:
    with world_in_database(made_world(Random(seed), people=5, papers=12)) as laid, nothing_changes():
        for row in Document.objects.select_related("connection", "acl"):
            found = find_readers(row.acl, now=NOW).people if not hides_from_everybody(row, now=NOW) else ()
            said = {email for email, viewer in laid.viewers.items() if may_read(viewer, row, now=NOW)}
            backwards = {email for email, viewer in laid.viewers.items() if viewer.user_id in found}
            assert backwards == said, row.external_id


def test_it_lists_the_people_with_the_way_of_each(small_world: SmallWorld, officer: User) -> None:
    found = inspector.readers(viewer=viewer_for(officer), document_id=_id("handbook"))
    ways = {reader.person.email: [str(step) for step in reader.path] for reader in found.people}
    assert ways["ann@example.com"] == ["user:ann@example.com", "group:staff"]
    assert ways["cho@example.com"] == ["user:cho@example.com", "group:executives", "group:staff"]
    assert "sam@example.com" not in ways
    assert found.total == len(ways)
    assert found.document.title == ""


def test_an_allowed_address_that_is_nobodys_here_is_named(small_world: SmallWorld, officer: User) -> None:
    small_world.documents["open"]["acl"] = {"allow": ["user:gone@example.com", "group:hr"]}
    small_world.sync()
    found = inspector.readers(viewer=viewer_for(officer), document_id=_id("open"))
    assert [str(principal) for principal in found.outside] == ["user:gone@example.com"]
    assert found.outside_total == 1


def test_a_hidden_document_has_no_readers_and_says_why(small_world: SmallWorld, officer: User) -> None:
    Document.objects.filter(external_id="open").update(hidden="permissions")
    found = inspector.readers(viewer=viewer_for(officer), document_id=_id("open"))
    assert (found.total, found.people, found.hidden) == (0, (), Reason.PERMISSIONS_IN_DOUBT)


def test_what_a_person_sees_is_what_the_rule_says(small_world: SmallWorld, officer: User) -> None:
    bob = User.objects.get(email="bob@example.com")
    viewer = viewer_for(officer)
    found = inspector.seen_in_source(viewer=viewer, person_id=bob.pk, source_id=small_world.source_id)
    rows = Document.objects.select_related("connection", "acl")
    said = sorted(row.external_id for row in rows if may_read(viewer_for(bob), row))
    assert [document.external_id for document in found.documents] == said
    assert (found.readable, found.total) == (len(said), len(small_world.documents))
    (share,) = inspector.source_shares(viewer=viewer, person_id=bob.pk)
    assert (share.readable, share.total) == (found.readable, found.total)


def test_an_inspection_shows_titles_only_of_what_the_inspecting_person_may_read(
    small_world: SmallWorld, officer: User
) -> None:
    ann = User.objects.get(email="ann@example.com")
    viewer = viewer_for(officer)
    hidden = inspector.inspect(viewer=viewer, person_id=ann.pk, document_id=_id("handbook"))
    public = inspector.inspect(viewer=viewer, person_id=ann.pk, document_id=_id("open"))
    assert hidden.visible
    assert (hidden.document.external_id, hidden.document.title) == ("handbook", "")
    assert public.document.title == "Visitor information"


def test_an_inspection_names_the_identities_and_the_clause(small_world: SmallWorld, officer: User) -> None:
    bob = User.objects.get(email="bob@example.com")
    people.add_alias(user_id=bob.pk, address="bob.old@example.com", actor="test")
    found = inspector.inspect(viewer=viewer_for(officer), person_id=bob.pk, document_id=_id("merger"))
    assert (found.visible, found.reason) == (False, Reason.DENIED)
    assert [(str(identity.principal), identity.origin) for identity in found.identities] == [
        ("user:bob@example.com", IdentityOrigin.SIGN_IN_ADDRESS),
        ("user:bob.old@example.com", IdentityOrigin.ALIAS),
        ("everyone", IdentityOrigin.EVERYONE),
    ]
    (clause,) = found.clauses
    assert clause.decision is Decision.DENY
    assert [entry.decides for entry in clause.entries] == [True, False]


def test_groups_that_are_too_old_are_named_as_the_reason(small_world: SmallWorld, officer: User) -> None:
    source = Document.objects.get(external_id="handbook").connection
    source.principals_confirmed_at = timezone.now() - timedelta(days=30)
    source.save()
    ann = User.objects.get(email="ann@example.com")
    found = inspector.inspect(viewer=viewer_for(officer), person_id=ann.pk, document_id=_id("handbook"))
    assert (found.visible, found.reason) == (False, Reason.GROUPS_TOO_OLD)
    assert [fact.too_old for fact in found.facts] == [False, True]


def test_documents_are_found_by_number_id_or_address_and_never_by_their_title(
    small_world: SmallWorld, officer: User
) -> None:
    viewer = viewer_for(officer)
    pk = _id("salaries")
    for text in ("salaries", "SALAR", str(pk)):
        assert "salaries" in {
            document.external_id for document in inspector.find_documents(viewer=viewer, text=text)
        }
    for text in ("Salary bands", "", "\x00", "9" * 400):
        assert inspector.find_documents(viewer=viewer, text=text) == ()


def test_people_are_found_by_name_and_by_any_address(small_world: SmallWorld, officer: User) -> None:
    ann = User.objects.get(email="ann@example.com")
    people.add_alias(user_id=ann.pk, address="a.hill@example.com", actor="test")
    for text in ("Ann", "ANN@EX", "a.hill"):
        found = inspector.find_people(viewer=viewer_for(officer), text=text)
        assert [person.email for person in found] == ["ann@example.com"]


def test_whoever_may_not_inspect_is_told_nothing(small_world: SmallWorld) -> None:
    ann = User.objects.get(email="ann@example.com")
    User.objects.filter(email="bob@example.com").update(role=Role.CONTENT_ADMINISTRATOR)
    for asking in ("ann", "bob"):
        viewer = small_world.viewer(asking)
        with pytest.raises(NotFound):
            inspector.inspect(viewer=viewer, person_id=ann.pk, document_id=_id("open"))
        with pytest.raises(NotFound):
            inspector.readers(viewer=viewer, document_id=_id("open"))
        with pytest.raises(NotFound):
            inspector.source_shares(viewer=viewer, person_id=ann.pk)
        with pytest.raises(NotFound):
            inspector.find_documents(viewer=viewer, text="open")
        with pytest.raises(NotFound):
            inspector.find_people(viewer=viewer, text="ann")


def test_each_inspection_is_audited(small_world: SmallWorld, officer: User) -> None:
    ann = User.objects.get(email="ann@example.com")
    inspector.inspect(viewer=viewer_for(officer), person_id=ann.pk, document_id=_id("open"))
    event = AuditEvent.objects.latest("pk")
    assert (event.event, event.actor) == ("permissions_inspected", "officer@example.com")
    assert event.data == {"person": ann.pk, "document": _id("open")}
