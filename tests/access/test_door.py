"""The door shows each person of the small world theirs, and of the rest not even that it exists."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from assistant.access.door import (
    count_readable,
    may_still_read,
    open_document,
    passage_texts,
    passages,
    readable,
    surroundings,
)
from assistant.access.viewer import Viewer
from assistant.accounts.models import Connection, User
from assistant.common.errors import NotFound
from assistant.documents.models import Acl, Body, Chunk, Document, Hidden
from tests.conftest import SmallWorld

READS = {
    "ann": {"handbook", "policy-ko", "open"},
    "bob": {"handbook", "policy-ko", "salaries", "open"},
    "cho": {"handbook", "policy-ko", "merger", "open"},
    "sam": {"open"},
    "ada": {"open"},
}
NOWHERE = 10**9


def _seen(viewer: Viewer) -> dict[str, set[str]]:
    """What each function of the door lets through, as external ids."""
    names = dict(Document.objects.values_list("pk", "external_id"))
    bodies = list(Body.objects.values_list("document_id", "version"))
    spans = [(pk, version, 0, 5) for pk, version in bodies]
    texts = passage_texts(viewer, spans)
    chunks = list(Chunk.objects.values_list("pk", flat=True))
    near = surroundings(viewer, chunks, neighbours=1, whole_up_to=dict.fromkeys(names, 10_000))
    return {
        "surroundings": {one.passage.external_id for one in near},
        "passages": {
            p.external_id for p in passages(viewer, list(Chunk.objects.values_list("pk", flat=True)))
        },
        "readable": {card.external_id for card in readable(viewer, list(names)).values()},
        "may_still_read": {name for pk, name in names.items() if may_still_read(viewer, [pk])},
        "passage_texts": {
            names[span[0]] for span, text in zip(spans, texts, strict=True) if text is not None
        },
        "open_document": {name for pk, name in names.items() if _refusal(viewer, pk) is None},
    }


def _refusal(viewer: Viewer, document_id: int) -> str | None:
    try:
        open_document(viewer=viewer, document_id=document_id)
    except NotFound as error:
        return repr(error)
    return None


def _assert_sees(viewer: Viewer, names: set[str]) -> None:
    for function, seen in _seen(viewer).items():
        assert seen == names, function
    assert count_readable(viewer) == len(names)


def _pk(name: str) -> int:
    return Document.objects.get(external_id=name).pk


@pytest.mark.parametrize("name", READS)
def test_every_function_of_the_door_shows_a_person_theirs_and_nothing_else(
    small_world: SmallWorld, name: str
) -> None:
    _assert_sees(small_world.viewer(name), READS[name])


def test_not_yours_and_not_there_answer_in_the_same_words(small_world: SmallWorld) -> None:
    sam = small_world.viewer("sam")
    refusals = {_refusal(sam, pk) for pk in (_pk("merger"), _pk("nobody"), NOWHERE, -1)}
    assert len(refusals) == 1
    assert None not in refusals


def test_not_yours_and_not_there_cost_the_same_number_of_queries(
    small_world: SmallWorld, django_assert_num_queries: object
) -> None:
    from django.db import connection  # noqa: PLC0415
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415

    sam = small_world.viewer("sam")
    counts = []
    for pk in (_pk("merger"), NOWHERE):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            _refusal(sam, pk)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_a_list_with_one_foreign_document_may_not_be_read_as_a_whole(small_world: SmallWorld) -> None:
    sam = small_world.viewer("sam")
    assert may_still_read(sam, [_pk("open")])
    assert may_still_read(sam, [])
    assert not may_still_read(sam, [_pk("open"), _pk("merger")])
    assert not may_still_read(sam, [_pk("open"), NOWHERE])


def test_passages_keep_the_order_in_which_they_were_asked_for(small_world: SmallWorld) -> None:
    bob = small_world.viewer("bob")
    asked = [*Chunk.objects.order_by("-pk").values_list("pk", flat=True)]
    found = [passage.chunk_id for passage in passages(bob, asked)]
    assert found == sorted(found, reverse=True)
    assert len(found) >= 4


def test_a_chunk_of_an_old_version_never_passes(small_world: SmallWorld) -> None:
    ann = small_world.viewer("ann")
    chunk = Chunk.objects.filter(document__external_id="handbook").first()
    assert chunk is not None
    old = Chunk.objects.create(
        document_id=chunk.document_id,
        version=chunk.version + 1,
        ordinal=0,
        start=0,
        end=5,
        text="other",
        digest="x",
    )
    assert [passage.chunk_id for passage in passages(ann, [old.pk, chunk.pk])] == [chunk.pk]


def test_a_text_of_an_old_version_is_not_given_out(small_world: SmallWorld) -> None:
    ann, pk = small_world.viewer("ann"), _pk("handbook")
    version = Document.objects.get(pk=pk).version
    assert passage_texts(ann, [(pk, version, 0, 6), (pk, version + 1, 0, 6), (pk, 0, 0, 6)]) == [
        "Remote",
        None,
        None,
    ]


@pytest.mark.parametrize("mark", [mark for mark in Hidden if mark != Hidden.NO])
def test_a_hidden_document_is_shown_to_nobody(small_world: SmallWorld, mark: Hidden) -> None:
    Document.objects.filter(external_id="open").update(hidden=mark)
    for name, names in READS.items():
        _assert_sees(small_world.viewer(name), names - {"open"})


def test_a_deleted_document_is_shown_to_nobody(small_world: SmallWorld) -> None:
    del small_world.documents["open"]
    small_world.sync()
    for name, names in READS.items():
        _assert_sees(small_world.viewer(name), names - {"open"})


def test_permissions_older_than_the_limit_hide_everything(small_world: SmallWorld) -> None:
    old = timezone.now() - timedelta(days=8)
    Connection.objects.update(permissions_confirmed_at=old)
    Document.objects.update(acl_confirmed_at=old)
    for name in READS:
        _assert_sees(small_world.viewer(name), set())


def test_membership_older_than_the_limit_hides_what_groups_opened(small_world: SmallWorld) -> None:
    Connection.objects.update(principals_confirmed_at=timezone.now() - timedelta(days=8))
    for name in READS:
        _assert_sees(small_world.viewer(name), {"open"})


def test_a_list_that_could_not_be_read_again_counts_until_its_own_age_limit(small_world: SmallWorld) -> None:
    now = timezone.now()
    Document.objects.filter(external_id="open").update(
        acl_stale=True, acl_confirmed_at=now - timedelta(days=6)
    )
    assert count_readable(small_world.viewer("sam")) == 1
    Document.objects.filter(external_id="open").update(acl_confirmed_at=now - timedelta(days=8))
    assert count_readable(small_world.viewer("sam")) == 0


def test_an_account_that_was_closed_reads_nothing(small_world: SmallWorld) -> None:
    bob = small_world.viewer("bob")
    User.objects.filter(pk=bob.user_id).update(is_active=False)
    _assert_sees(bob, set())


def test_an_account_that_never_was_reads_nothing(small_world: SmallWorld) -> None:
    _assert_sees(Viewer(user_id=NOWHERE, email="ann@example.com"), set())


def test_the_address_in_a_viewer_opens_nothing(small_world: SmallWorld) -> None:
    sam = small_world.viewer("sam")
    _assert_sees(Viewer(user_id=sam.user_id, email="cho@example.com"), {"open"})


def test_a_document_whose_list_has_no_clause_is_shown_to_nobody(small_world: SmallWorld) -> None:
    Document.objects.filter(external_id="open").update(acl=Acl.objects.create(digest="none", clause_count=0))
    _assert_sees(small_world.viewer("sam"), set())
