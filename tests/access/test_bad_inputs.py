"""Whatever a source says of permissions, the result is exact or nobody: never public, never an error page.

The first half goes through a real file and a real run; the second is laid down as a run would.
"""

from __future__ import annotations

import pytest
from django.utils import timezone

from assistant.access.viewer import viewer_for
from assistant.accounts.models import Address, Connection, User
from assistant.common import acl
from assistant.common.types import Json
from assistant.sync.models import RunFailure, Source
from tests.access.laid_down import expected, readable_by, write_paper
from tests.access.large_group import decide_in_a_large_group
from tests.access.oracle import Clauses, Line, Name, Paper, group, person
from tests.access.test_three_forms_agree import assert_all_forms_equal_the_oracle
from tests.access.test_who_is_meant import ANN, BOB, allow, deny, source, world
from tests.conftest import SmallWorld

pytestmark = pytest.mark.django_db
EVERYBODY = frozenset({"ann", "bob", "cho", "sam", "ada"})

MALFORMED: dict[str, Json] = {
    "no-object": "everyone",
    "null": None,
    "number": 7,
    "list": ["everyone"],
    "principal-is-a-number": {"allow": [7]},
    "principal-is-null": {"allow": [None]},
    "principal-is-a-list": {"allow": [["everyone"]]},
    "allow-is-a-text": {"allow": "everyone"},
    "allow-is-an-object": {"allow": {"everyone": True}},
    "another-word-for-everyone": {"allow": ["*"]},
    "everyone-in-capitals": {"allow": ["EVERYONE"]},
    "everyone-with-a-space": {"allow": ["everyone "]},
    "everyone-with-an-id": {"allow": ["everyone:"]},
    "kind-unknown": {"allow": ["everyone", "role:staff"]},
    "kind-missing": {"allow": ["everyone", "staff"]},
    "no-address": {"allow": ["everyone", "user:ann"]},
    "two-addresses": {"allow": ["everyone", "user:ann@example.com bob@example.com"]},
    "address-with-a-null": {"allow": ["everyone", "user:ann\x00@example.com"]},
    "address-too-long": {"allow": ["everyone", f"user:{'a' * 300}@example.com"]},
    "group-without-id": {"allow": ["everyone", "group:"]},
    "group-with-a-blank-id": {"allow": ["everyone", "group:  "]},
    "group-id-too-long": {"allow": ["everyone", f"group:{'x' * 5000}"]},
    "account-without-id": {"allow": ["everyone", "account:"]},
    "key-unknown": {"allow": ["everyone"], "denied": ["group:staff"]},
    "effect-unknown": {"entries": [["permit", "everyone"]]},
    "effect-in-capitals": {"entries": [["DENY", "group:staff"], ["allow", "everyone"]]},
    "entry-too-short": {"entries": [["allow"]]},
    "entry-too-long": {"entries": [["allow", "everyone", None, 1]]},
    "time-unreadable": {"entries": [["allow", "everyone", "tomorrow"]]},
    "time-without-zone": {"entries": [["deny", "everyone", "2030-01-01T00:00:00"], ["allow", "everyone"]]},
    "one-clause-broken": {"all": [{"allow": ["everyone"]}, {"allow": 1}]},
    "clauses-are-no-list": {"all": {"allow": ["everyone"]}},
    "both-shapes": {"entries": [], "allow": ["everyone"]},
}

EXACT: dict[str, tuple[Json, frozenset[str]]] = {
    "empty-allow": ({"allow": []}, frozenset()),
    "no-entries": ({"entries": []}, frozenset()),
    "no-clauses": ({"all": []}, frozenset()),
    "one-empty-clause": ({"all": [{"allow": ["everyone"]}, {"allow": []}]}, frozenset()),
    "only-denies": ({"deny": ["user:ann@example.com"], "allow": []}, frozenset()),
    "unknown-person": ({"allow": ["user:nobody@example.com"]}, frozenset()),
    "unknown-group": ({"allow": ["group:ghosts"]}, frozenset()),
    "unknown-account": ({"allow": ["account:ghost"]}, frozenset()),
    "unknown-group-beside-a-person": (
        {"allow": ["group:ghosts", "user:sam@example.com"]},
        frozenset({"sam"}),
    ),
    "unknown-person-denied": ({"deny": ["user:nobody@example.com"], "allow": ["everyone"]}, EVERYBODY),
    "unknown-group-denied": ({"deny": ["group:ghosts"], "allow": ["everyone"]}, frozenset()),
    "unknown-account-denied": ({"deny": ["account:ghost"], "allow": ["everyone"]}, frozenset()),
    "group-in-another-case": ({"allow": ["group:HR"]}, frozenset()),
    "wide-letters": ({"allow": ["user:ＡＮＮ@example.com"]}, frozenset({"ann"})),
    "cyrillic-a": ({"allow": ["user:аnn@example.com"]}, frozenset()),
    "greek-o": ({"allow": ["user:bοb@example.com"]}, frozenset()),
    "tagged": ({"allow": ["user:ann+hr@example.com"]}, frozenset()),
    "ten-thousand-entries": (
        {
            "entries": [
                *(["deny", f"user:p{number}@example.com"] for number in range(9_998)),
                ["deny", "user:sam@example.com"],
                ["allow", "everyone"],
            ]
        },
        EVERYBODY - {"sam"},
    ),
    "ten-thousand-unknown-groups": (
        {"allow": [f"group:ghost{number}" for number in range(9_999)] + ["group:hr"]},
        frozenset({"bob"}),
    ),
}


def _readers(small_world: SmallWorld) -> dict[str, frozenset[str]]:
    """Document -> who reads it."""
    seen = {name: readable_by(small_world.viewer(name)) for name in EVERYBODY}
    return {paper: frozenset(n for n in EVERYBODY if paper in seen[n]) for paper in small_world.documents}


def _document(name: str, access: Json) -> dict[str, Json]:
    return {"id": name, "title": name, "text": f"The note about {name}.", "acl": access}


def test_malformed_lists_hide_their_documents_and_the_run_names_them(small_world: SmallWorld) -> None:
    before = _readers(small_world)
    Source.objects.update(error_budget_percent=100)  # most of this source's documents fail
    small_world.documents |= {name: _document(name, access) for name, access in MALFORMED.items()}
    run = small_world.sync()
    assert run.state == "succeeded_with_errors"
    readers = _readers(small_world)
    assert {name: readers[name] for name in MALFORMED if readers[name]} == {}
    assert {name: readers[name] for name in before} == before
    reported = RunFailure.objects.filter(run_id=run.id, hides=True).values_list("external_id", "detail")
    assert {name for name, detail in reported if detail.startswith("Line ")} == set(MALFORMED)


def test_a_list_that_becomes_malformed_hides_its_document_at_once(small_world: SmallWorld) -> None:
    assert _readers(small_world)["open"] == EVERYBODY
    small_world.documents["open"]["acl"] = {"allow": ["everyone", "role:staff"]}
    small_world.sync("permissions")
    assert _readers(small_world)["open"] == frozenset()


def test_odd_but_readable_lists_let_in_exactly_whom_they_name(small_world: SmallWorld) -> None:
    small_world.documents |= {name: _document(name, access) for name, (access, _) in EXACT.items()}
    run = small_world.sync()
    assert (run.state, run.failed) == ("succeeded", 0)
    readers = _readers(small_world)
    assert {name: readers[name] for name in EXACT} == {name: allowed for name, (_, allowed) in EXACT.items()}


def test_a_group_that_is_named_before_it_exists_opens_once_it_does(small_world: SmallWorld) -> None:
    small_world.documents["early"] = _document("early", {"allow": ["group:later"]})
    small_world.documents["unless"] = _document("unless", {"deny": ["group:later"], "allow": ["everyone"]})
    small_world.sync()
    assert _readers(small_world)["early"] == _readers(small_world)["unless"] == frozenset()
    small_world.groups["later"] = {"group": "later", "members": ["user:sam@example.com"]}
    small_world.sync("permissions")
    assert _readers(small_world)["early"] == {"sam"}
    assert _readers(small_world)["unless"] == EVERYBODY - {"sam"}
    del small_world.groups["later"]
    small_world.sync("permissions")
    assert _readers(small_world)["early"] == _readers(small_world)["unless"] == frozenset()


@pytest.mark.parametrize(
    "line",
    [
        {"group": "hr", "members": ["user:sam"]},
        {"group": "hr", "members": "everyone"},
        {"group": "hr", "members": ["role:x", "everyone"]},
        {"group": "", "members": ["everyone"]},
        {"group": 7, "members": ["everyone"]},
        {"account": "a1", "email": "no address"},
        {"account": 7, "email": "sam@example.com"},
    ],
    ids=lambda line: "-".join(str(value) for value in line.values()),
)
def test_a_malformed_group_or_account_keeps_the_last_membership_and_is_reported(
    small_world: SmallWorld, line: dict[str, Json]
) -> None:
    before = _readers(small_world)
    small_world.groups["broken"] = line
    small_world.groups["hr"] = {"group": "hr", "members": ["everyone"]}
    run = small_world.sync("permissions")
    assert run.state == "succeeded_with_errors"
    assert _readers(small_world) == before


def _ring(size: int, *members: Name) -> dict[str, tuple[Name, ...]]:
    ring = {f"g{n}": (group("north", f"g{(n + 1) % size}"),) for n in range(size)}
    return {**ring, "g0": (*ring["g0"], *members)}


@pytest.mark.parametrize("size", [1, 2, 1_000])
@pytest.mark.parametrize("inside", [(), (person(ANN),)], ids=["nobody", "ann"])
def test_groups_in_a_circle_are_exact(size: int, inside: tuple[Name, ...]) -> None:
    last = group("north", f"g{size - 1}")
    for clause, readers in ((allow(last), {ANN}), (deny(last), {BOB})):
        made = world(clause, source({}))
        made.sources["north"].groups.update(_ring(size, *inside))
        without = set() if clause == allow(last) else {ANN, BOB}
        assert {key for key, _ in expected(made)} == (readers if inside else without)
        assert_all_forms_equal_the_oracle(made)


LOOK_ALIKES = (
    "kim.ann@example.com",
    "kim.аnn@example.com",  # Cyrillic a
    "kım.ann@example.com",  # dotless i
    "kim.ann+home@example.com",
    "kim.αnn@example.com",  # Greek alpha
    "kim.ann@exampIe.com",  # a capital I for an l
    "kimann@example.com",
)


def test_people_whose_addresses_look_alike_read_only_their_own() -> None:
    now = timezone.now()
    north = Connection.objects.create(name="north", kind="jsonl", permissions_confirmed_at=now)
    addresses = [acl.user(address).id for address in LOOK_ALIKES]
    assert len(set(addresses)) == len(LOOK_ALIKES)
    for address, written in zip(addresses, LOOK_ALIKES, strict=True):
        user = User.objects.create(email=address, password="!")
        Address.objects.claim(address, user)
        only: Clauses = ((Line(True, person(written)),),)
        write_paper(f"of {address}", Paper("north", only, now), {"north": north})
        unless: Clauses = (deny(person(written)),)
        write_paper(f"not {address}", Paper("north", unless, now), {"north": north})
    for address in addresses:
        others = {f"not {other}" for other in addresses if other != address}
        assert readable_by(viewer_for(User.objects.get(email=address))) == {f"of {address}", *others}


def test_the_same_address_in_other_spellings_is_one_person() -> None:
    spellings = (
        "kim.ann@example.com",
        "KIM.Ann@Example.COM",
        " kim.ann@example.com ",
        "ｋｉｍ.ann@example．com",
    )
    assert {acl.user(spelling).id for spelling in spellings} == {"kim.ann@example.com"}


def test_a_group_of_twenty_thousand_is_exact() -> None:
    """`python tests/access/large_group.py` is the same with two hundred thousand."""
    seconds = decide_in_a_large_group(20_000)
    assert seconds["decide"] < 2
    assert sum(seconds.values()) < 30
