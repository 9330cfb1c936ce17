"""Which person does an address, a source's account or a group mean? Case by case, in all forms.

Each case is a world of one list over one source, and says who must be let in. Random
worlds find what nobody thought of; these say what was thought of.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.access.laid_down import expected
from tests.access.made_worlds import NOW
from tests.access.oracle import (
    EVERYONE,
    Deed,
    Line,
    Move,
    Name,
    Paper,
    Read,
    Source,
    World,
    account,
    group,
    person,
)
from tests.access.test_three_forms_agree import assert_all_forms_equal_the_oracle

pytestmark = pytest.mark.django_db

ANN, BOB, OLD = "ann@example.com", "bob@example.com", "old@example.com"
WORK = "a.kim@example.com"
LIMIT = timedelta(hours=1)
A1, A2, STAFF = account("north", "a1"), account("north", "a2"), group("north", "staff")
BOTH, NOBODY = {"ann", "bob"}, set[str]()


def allow(*names: Name) -> tuple[Line, ...]:
    """A clause that lets these in."""
    return tuple(Line(True, name) for name in names)


def deny(name: Name) -> tuple[Line, ...]:
    """A clause that lets in everyone except these."""
    return (Line(False, name), Line(True, EVERYONE))


def source(
    *reads: dict[str, str],
    links: dict[str, str] | None = None,
    staff: tuple[Name, ...] | None = None,
    read_at: timedelta = timedelta(0),
) -> Source:
    """A source that reported these accounts, read by read; the last one so long ago."""
    return Source(
        limit=LIMIT,
        groups={} if staff is None else {"staff": staff},
        members_confirmed=NOW - read_at if reads else None,
        lists_confirmed=NOW,
        accounts=reads[-1] if reads else {},
        earlier=tuple(Read({}, accounts) for accounts in reads[:-1]),
        links=links or {},
    )


def world(clause: tuple[Line, ...], north: Source, *moves: Move) -> World:
    """Ann and Bob, and a colleague of before where addresses move."""
    people = {ANN: True, BOB: True}
    if any(move.person == OLD for move in moves):
        people[OLD] = False
    return World(
        now=NOW,
        people=people,
        sources={"north": north},
        papers={"paper": Paper("north", (clause,), NOW)},
        moves=moves,
    )


def gets(who: str, address: str) -> Move:
    """The person has an alias from now on."""
    return Move(Deed.GETS, who, address)


OLD_LEFT = (gets(OLD, WORK), Move(Deed.LEAVES, OLD))
SECOND = (*OLD_LEFT, gets(ANN, WORK))  # Ann is the second to have that address
CONFIRMED = (*SECOND, Move(Deed.CONFIRMED, ANN, WORK))
OURS, NONE = source({"a1": ANN}), source({"a1": ""})
LATE = LIMIT + timedelta(microseconds=1)

CASES: dict[str, tuple[World, set[str]]] = {
    # Addresses
    "another_spelling_is_the_same_address": (world(allow(person("ANN@Ｅxample.com")), OURS), {"ann"}),
    "a_tag_is_another_address": (world(allow(person("ann+x@example.com")), OURS), NOBODY),
    "a_cyrillic_look_alike_is_another_address": (world(allow(person("аnn@example.com")), OURS), NOBODY),
    "an_alias_counts": (world(allow(person(WORK)), OURS, gets(ANN, WORK)), {"ann"}),
    "an_alias_counts_in_denies": (world(deny(person(WORK)), OURS, gets(ANN, WORK)), {"bob"}),
    "the_old_address_counts_after_a_change": (
        world(allow(person(ANN)), OURS, Move(Deed.RENAMED, ANN, WORK)),
        {"ann"},
    ),
    "the_new_address_counts_after_a_change": (
        world(allow(person(WORK)), OURS, Move(Deed.RENAMED, ANN, WORK)),
        {"ann"},
    ),
    "an_address_given_up_is_nobodys": (
        world(allow(person(WORK)), OURS, gets(ANN, WORK), Move(Deed.GIVES_UP, ANN, WORK)),
        NOBODY,
    ),
    "who_comes_second_to_an_address_inherits_nothing": (world(allow(person(WORK)), OURS, *SECOND), NOBODY),
    "who_comes_second_is_denied_all_the_same": (world(deny(person(WORK)), OURS, *SECOND), {"bob"}),
    "who_is_confirmed_inherits": (world(allow(person(WORK)), OURS, *CONFIRMED), {"ann"}),
    "who_gets_an_own_address_back_waits_too": (
        world(allow(person(WORK)), OURS, gets(ANN, WORK), Move(Deed.GIVES_UP, ANN, WORK), gets(ANN, WORK)),
        NOBODY,
    ),
    "a_second_holder_gets_no_group_by_the_address": (
        world(allow(STAFF), source({}, staff=(person(WORK),)), *SECOND),
        NOBODY,
    ),
    "a_second_holder_is_denied_with_the_group": (
        world(deny(STAFF), source({}, staff=(person(WORK),)), *SECOND),
        {"bob"},
    ),
    "a_second_holder_gets_no_account": (world(allow(A1), source({"a1": WORK}), *SECOND), NOBODY),
    "a_second_holder_is_denied_with_the_account": (
        world(deny(A1), source({"a1": WORK}), *SECOND),
        {"bob"},
    ),
    # Accounts
    "an_account_is_whose_address_it_carries": (world(allow(A1), OURS), {"ann"}),
    "an_account_carries_an_address_in_any_spelling": (
        world(allow(A1), source({"a1": "Ann@Example.COM"})),
        {"ann"},
    ),
    "an_account_may_carry_an_alias": (world(allow(A1), source({"a1": WORK}), gets(ANN, WORK)), {"ann"}),
    "an_account_in_a_group": (world(allow(STAFF), source({"a1": ANN}, staff=(A1,))), {"ann"}),
    "a_denied_account": (world(deny(A1), OURS), {"bob"}),
    "an_account_without_an_address_is_nobodys": (world(allow(A1), NONE), NOBODY),
    "a_deny_of_an_account_without_an_address_meets_everyone": (world(deny(A1), NONE), NOBODY),
    "a_deny_of_a_group_with_such_an_account_meets_everyone": (
        world(deny(STAFF), source({"a1": ""}, staff=(A1,))),
        NOBODY,
    ),
    "a_deny_of_an_account_never_reported_meets_everyone": (world(deny(A2), OURS), NOBODY),
    "an_account_of_somebody_who_is_not_here_is_no_doubt": (
        world(deny(A1), source({"a1": "gone@example.com"})),
        BOTH,
    ),
    "two_accounts_with_one_address_are_nobodys": (
        world(allow(A1, A2), source({"a1": ANN, "a2": ANN})),
        NOBODY,
    ),
    "a_deny_of_one_of_two_such_accounts_meets_everyone": (
        world(deny(A1), source({"a1": ANN, "a2": ANN})),
        NOBODY,
    ),
    "a_recycled_address_brings_a_new_account_nobody": (
        world(allow(A2), source({"a1": ANN}, {"a2": ANN})),
        NOBODY,
    ),
    "a_deny_of_an_account_with_a_recycled_address_meets_everyone": (
        world(deny(A2), source({"a1": ANN}, {"a2": ANN})),
        NOBODY,
    ),
    "the_first_account_comes_back": (
        world(allow(A1), source({"a1": ANN}, {"a2": ANN}, {"a1": ANN})),
        {"ann"},
    ),
    "who_was_first_but_never_alone_is_not_first": (
        world(allow(A1, A2), source({"a1": ANN, "a2": ANN}, {"a2": ANN})),
        {"ann"},
    ),
    "an_account_that_changed_its_address_follows_it": (
        world(allow(A1), source({"a1": ANN}, {"a1": BOB})),
        {"bob"},
    ),
    "an_account_gone_from_the_source_is_nobodys": (
        world(allow(A1), source({"a1": ANN}, {"a2": BOB})),
        NOBODY,
    ),
    "an_account_counts_exactly_until_the_limit": (
        world(allow(A1), source({"a1": ANN}, read_at=LIMIT)),
        {"ann"},
    ),
    "an_account_read_too_long_ago_is_nobodys": (
        world(allow(A1), source({"a1": ANN}, read_at=LATE)),
        NOBODY,
    ),
    "a_deny_of_an_account_read_too_long_ago_meets_everyone": (
        world(deny(A1), source({"a1": BOB}, read_at=LATE)),
        NOBODY,
    ),
    # Decisions of administrators
    "a_link_gives_an_account_without_address": (
        world(allow(A1), source({"a1": ""}, links={"a1": ANN})),
        {"ann"},
    ),
    "a_link_ends_the_doubt": (world(deny(A1), source({"a1": ""}, links={"a1": ANN})), {"bob"}),
    "a_link_outranks_the_address": (world(allow(A1), source({"a1": BOB}, links={"a1": ANN})), {"ann"}),
    "a_link_gives_an_account_that_no_read_reports": (
        world(allow(A1), source({}, links={"a1": ANN})),
        {"ann"},
    ),
    "a_link_outranks_who_was_first": (
        world(allow(A2), source({"a1": ANN}, {"a2": ANN}, links={"a2": ANN})),
        {"ann"},
    ),
    "a_linked_twin_still_takes_the_address_from_the_other": (
        world(allow(A1), source({"a1": ANN, "a2": ANN}, links={"a2": BOB})),
        NOBODY,
    ),
    "a_link_needs_a_fresh_read": (
        world(allow(A1), source({"a1": ANN}, links={"a1": ANN}, read_at=LATE)),
        NOBODY,
    ),
    "a_deny_of_a_linked_account_read_too_long_ago_meets_everyone": (
        world(deny(A1), source({"a1": ANN}, links={"a1": ANN}, read_at=LATE)),
        NOBODY,
    ),
    "a_link_in_a_source_never_read_counts_for_nothing": (
        world(allow(A1), source(links={"a1": ANN})),
        NOBODY,
    ),
    "an_account_linked_to_somebody_else_is_no_doubt_of_a_second_holder": (
        world(deny(A1), source({"a1": WORK}, links={"a1": BOB}), *SECOND),
        {"ann"},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_name_means_exactly_these_people(case: str) -> None:
    made, readers = CASES[case]
    assert {key.split("@")[0] for key, _ in expected(made)} == readers
    for order in range(5):
        assert_all_forms_equal_the_oracle(made, order=order)


def test_an_account_of_one_connection_means_nothing_in_another() -> None:
    made = world(allow(A1), source({"a1": ANN}))
    made.sources["south"] = source({"a1": BOB})
    made.papers["other"] = Paper("south", (allow(account("south", "a1")),), NOW)
    assert expected(made) == {(ANN, "paper"), (BOB, "other")}
    assert_all_forms_equal_the_oracle(made)
