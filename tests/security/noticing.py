"""The checks that must notice the mistakes: each lays a world down, uses it, and asserts what must hold.

Each runs inside a transaction that is rolled back, and passes as long as nothing is broken.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from unittest import mock

from django.utils import timezone

from assistant.access import door
from assistant.access.viewer import Viewer, viewer_for
from assistant.access.visibility import may_read
from assistant.accounts import principals
from assistant.accounts.api_keys import issue_key, revoke_key
from assistant.accounts.holding import held_by
from assistant.accounts.models import ApiKey, Connection, Principal, Role, User
from assistant.accounts.people import (
    LastManager,
    OwnAccount,
    add_alias,
    close_account,
    link_account,
    release_address,
    set_role,
)
from assistant.accounts.principals import replace_membership
from assistant.accounts.revisions import Counter
from assistant.accounts.roles import Right
from assistant.common.acl import user as person_named
from assistant.common.errors import MundapError, NotFound
from assistant.documents.models import Chunk, Document
from tests.accounts.keys import person_with_key
from tests.security.gallery import (
    ALL,
    BOB,
    EXHIBITS,
    LIMIT,
    Exhibit,
    Gallery,
    by_mask,
    by_object,
    by_queryset,
    differences,
    hang,
    laid_out,
)

FEW = tuple(
    e for e in EXHIBITS if e.name in {"everyone", "nested", "deepest", "missing", "no-text", "person"}
)
SEEN_BY_BOB = {"everyone", "nested", "deepest"}
REVOKED = Exhibit("nested", {"allow": []}, frozenset())


def the_queryset_decides_each_case() -> None:
    """Every exhibit, for everybody."""
    wrong = differences(laid_out(), by_queryset)
    assert not wrong, wrong


def the_object_test_decides_each_case() -> None:
    """Every exhibit, for those whom it matters most to."""
    wrong = differences(laid_out(), by_object, people=("ann", "bob", "cho"))
    assert not wrong, wrong


def the_mask_decides_each_case() -> None:
    """Every exhibit, for everybody."""
    wrong = differences(laid_out(), by_mask)
    assert not wrong, wrong


def refused(act: Callable[[], object], error: type[MundapError]) -> None:
    """It must end with the error."""
    try:
        act()
    except error:
        return
    raise AssertionError(f"Nothing was refused where {error.__name__} was due.")


# The door.


def passages_pass_the_door() -> None:
    """Only chunks of readable documents come through."""
    gallery = laid_out(FEW)
    shown = door.passages(gallery.viewers["bob"], list(Chunk.objects.values_list("pk", flat=True)))
    assert {passage.external_id for passage in shown} == SEEN_BY_BOB


def surroundings_pass_the_door() -> None:
    """What stands around a passage is read like the passage."""
    gallery = laid_out(FEW)
    chunks = list(Chunk.objects.values_list("pk", flat=True))
    whole = dict.fromkeys(gallery.names, 10_000)
    near = door.surroundings(gallery.viewers["bob"], chunks, neighbours=1, whole_up_to=whole)
    assert {one.passage.external_id for one in near} == SEEN_BY_BOB


def passages_are_of_the_current_version() -> None:
    """A chunk of another version than the document's stays inside."""
    gallery = laid_out(FEW)
    bob = gallery.viewers["bob"]
    row = Chunk.objects.get(document=gallery.documents["nested"])
    Chunk.objects.filter(pk=row.pk).update(version=row.version + 1)
    assert not door.passages(bob, [row.pk])
    assert not door.surroundings(bob, [row.pk], neighbours=1, whole_up_to={row.document_id: 10_000})


def cards_pass_the_door() -> None:
    """Titles and sources are those of readable documents."""
    gallery = laid_out(FEW)
    cards = door.readable(gallery.viewers["bob"], list(gallery.names))
    assert {card.external_id for card in cards.values()} == SEEN_BY_BOB


def openings_pass_the_door() -> None:
    """How documents begin, by which they are dated, is that of readable ones."""
    gallery = laid_out(FEW)
    opened = door.openings(gallery.viewers["bob"], list(gallery.names))
    assert {gallery.names[pk] for pk in opened} == SEEN_BY_BOB


def all_documents_must_be_readable() -> None:
    """One document that may not be read is enough for a no."""
    gallery = laid_out(FEW)
    bob = gallery.viewers["bob"]
    assert door.may_still_read(bob, [gallery.documents["nested"], gallery.documents["everyone"]])
    assert not door.may_still_read(bob, [gallery.documents["nested"], gallery.documents["person"]])


def counts_pass_the_door() -> None:
    """As many as the object test lets through."""
    gallery = laid_out(FEW)
    rows = Document.objects.select_related("connection", "acl")
    bob = gallery.viewers["bob"]
    assert door.count_readable(bob) == sum(may_read(bob, row) for row in rows) == len(SEEN_BY_BOB)


def documents_open_through_the_door() -> None:
    """Every exhibit but the readable ones answers as if it were not there."""
    gallery = laid_out(FEW)
    assert {
        name for name, pk in gallery.documents.items() if _opens(gallery.viewers["bob"], pk)
    } == SEEN_BY_BOB


def texts_pass_the_door() -> None:
    """Spans of documents that may not be read are None, and so are those of another version."""
    gallery = laid_out(FEW)
    spans = [(pk, 1, 0, 4) for name, pk in gallery.documents.items() if name != "no-text"]
    texts = door.passage_texts(gallery.viewers["bob"], spans)
    shown = {gallery.names[span[0]] for span, text in zip(spans, texts, strict=True) if text is not None}
    assert shown == SEEN_BY_BOB
    assert door.passage_texts(gallery.viewers["bob"], [(gallery.documents["nested"], 2, 0, 4)]) == [None]


def _opens(viewer: Viewer, document_id: int) -> bool:
    try:
        return bool(door.open_document(viewer=viewer, document_id=document_id))
    except NotFound:
        return False


# Accounts.


def a_broken_swap_leaves_the_last_membership() -> None:
    """Half a membership is never seen."""
    gallery = laid_out(())
    north = gallery.connections["north"]
    ann = User.objects.get(email="ann@example.com")
    before = held_by(ann, now=gallery.now).ids

    def broken(counter: Counter) -> int:
        raise MundapError(f"{counter} cannot be raised.")

    with mock.patch.object(principals, "bump", broken), contextlib.suppress(MundapError):
        _swap_to(north, "other")
    assert held_by(ann, now=gallery.now).ids == before
    _swap_to(north, "other")
    groups = Principal.objects.filter(
        pk__in=held_by(ann, now=gallery.now).ids, kind="group", connection=north
    )
    assert set(groups.values_list("external_id", flat=True)) == {"other"}


def _swap_to(connection: Connection, group: str) -> None:
    replace_membership(
        connection=connection, groups={group: (person_named("ann@example.com"),)}, now=timezone.now()
    )


def a_key_works_only_while_it_may() -> None:
    """Not once it is revoked, over, or its owner's account is closed."""
    ann = User.objects.create_user("ann@example.com")
    keys = {name: issue_key(user_id=ann.pk, name=name, days=9, actor="test") for name in ("a", "b", "c")}
    assert all(person_with_key(key.text) == ann for key in keys.values())
    assert person_with_key(keys["a"].text[:-1]) is None
    revoke_key(key_id=keys["a"].id, actor="test")
    ApiKey.objects.filter(pk=keys["b"].id).update(expires_at=timezone.now())
    assert [person_with_key(key.text) for key in keys.values()] == [None, None, ann]
    close_account(user_id=ann.pk, actor="test")
    assert person_with_key(keys["c"].text) is None


def each_role_may_do_its_own() -> None:
    """Administering content is not inspecting permissions, auditing changes nothing, closed is closed."""
    may = {
        role: set(User.objects.create_user(f"{role}@example.com", role=role).rights) for role in Role.values
    }
    assert not may[Role.EMPLOYEE]
    assert not may[Role.CONTENT_ADMINISTRATOR] & {
        Right.INSPECT_PERMISSIONS, Right.MANAGE_PEOPLE, Right.SEE_AUDIT,
    }  # fmt: skip
    assert not may[Role.AUDITOR] & {Right.MANAGE_PEOPLE, Right.MANAGE_SOURCES, Right.MANAGE_GUARDRAILS}
    assert not may[Role.SECURITY_ADMINISTRATOR] & {Right.MANAGE_SOURCES, Right.MANAGE_GUARDRAILS}
    closed = User.objects.create_user("closed@example.com", role=Role.ADMINISTRATOR, is_active=False)
    assert not any(closed.has_right(right) for right in Right)


def no_role_opens_a_document() -> None:
    """An administrator of everything reads what everybody reads."""
    gallery = laid_out(FEW)
    User.objects.filter(email="dee@example.com").update(role=Role.ADMINISTRATOR)
    assert door.count_readable(gallery.viewers["dee"]) == 1
    assert by_mask(gallery, "dee") == by_queryset(gallery, "dee") == {"everyone"}


# The mask against the database, kept warm through changes.


def _warm_and_cold_agree(gallery: Gallery, change: Callable[[], object]) -> None:
    """What was made before the change is not used after it."""
    people = ("ann", "bob", "dee", "eve")
    for person in people:
        assert by_mask(gallery, person) == by_queryset(gallery, person)
    change()
    for person in people:
        assert by_mask(gallery, person) == by_queryset(gallery, person)


def a_warm_mask_follows_each_change() -> None:
    """After each committed change the mask equals the queryset at that moment."""
    gallery = laid_out(FEW)
    ann, bob = (gallery.viewers[name].user_id for name in ("ann", "bob"))
    changes: tuple[Callable[[], object], ...] = (
        lambda: hang(gallery, REVOKED),
        lambda: hang(gallery, replace(REVOKED, acl=ALL)),
        lambda: hang(gallery, replace(REVOKED, name="everyone", acl=ALL, version=2)),
        lambda: hang(gallery, Exhibit("named for the first time", {"allow": [BOB]}, frozenset({"bob"}))),
        lambda: hang(gallery, Exhibit("of an alias", {"allow": ["user:b@example.com"]}, frozenset())),
        lambda: add_alias(user_id=bob, address="b@example.com", actor="test"),
        lambda: release_address(address="b@example.com", actor="test"),
        lambda: _swap_to(gallery.connections["north"], "staff"),
        lambda: close_account(user_id=ann, actor="test"),
    )
    for change in changes:
        _warm_and_cold_agree(gallery, change)


def a_warm_mask_obeys_the_clock() -> None:
    """An entry expires, a list and a membership grow too old, and a run confirms lists anew."""
    gallery = laid_out(FEW)
    hour, tick = timedelta(hours=1), timedelta(microseconds=1)
    hang(
        gallery,
        Exhibit("for an hour", {"entries": [["allow", "everyone", "until"]]}, frozenset(), until=hour),
    )
    # Groups of east were read as long ago as its limit allows, its documents just now.
    hang(gallery, Exhibit("by an old membership", {"allow": ["group:staff"]}, frozenset(), source="east"))
    hang(gallery, Exhibit("confirmed long ago", ALL, frozenset(), age=LIMIT - 2 * hour))
    hang(gallery, Exhibit("never confirmed by itself", ALL, frozenset(), source="dark", age=None))

    def pass_time(by: timedelta) -> Callable[[], None]:
        def later() -> None:
            gallery.now += by

        return later

    def confirm_lists() -> None:
        dark = Connection.objects.filter(pk=gallery.connections["dark"].pk)
        dark.update(permissions_confirmed_at=gallery.now)

    for change in (confirm_lists, *map(pass_time, (tick, hour - 2 * tick, tick, hour, tick, 4 * hour))):
        _warm_and_cold_agree(gallery, change)


def a_warm_mask_knows_who_holds_what() -> None:
    """Two who hold the same, one of them with an address in doubt, do not share what a deny decides."""
    gallery = laid_out(FEW)
    hang(
        gallery,
        Exhibit("denied to old", {"deny": ["user:old@example.com"], "allow": ["everyone"]}, frozenset()),
    )
    for name in ("fay", "gus"):
        gallery.viewers[name] = viewer_for(User.objects.create_user(f"{name}@example.com"))
    release_address(address="old@example.com", actor="test")
    add_alias(user_id=gallery.viewers["gus"].user_id, address="old@example.com", actor="test")
    for _ in range(2):
        for person, sees in (("fay", True), ("gus", False)):
            assert ("denied to old" in by_mask(gallery, person)) is sees
            assert ("denied to old" in by_queryset(gallery, person)) is sees


# People who change themselves.


def nobody_widens_what_they_may_read() -> None:
    """By an address, an account or a role of their own."""
    gallery = laid_out(FEW)
    ann, north = gallery.viewers["ann"], gallery.connections["north"]
    for widen in (
        lambda: add_alias(user_id=ann.user_id, address="chief@example.com", actor=ann.email),
        lambda: set_role(user_id=ann.user_id, role=Role.ADMINISTRATOR, actor=ann.email),
        lambda: link_account(
            connection_id=north.pk, account_id="chief", user_id=ann.user_id, actor=ann.email
        ),
    ):
        refused(widen, OwnAccount)


def somebody_can_always_manage_people() -> None:
    """The last who can is neither closed nor given another role."""
    last = User.objects.create_user("last@example.com", role=Role.SECURITY_ADMINISTRATOR)
    refused(lambda: set_role(user_id=last.pk, role=Role.EMPLOYEE, actor="test"), LastManager)
    refused(lambda: close_account(user_id=last.pk, actor="test"), LastManager)
