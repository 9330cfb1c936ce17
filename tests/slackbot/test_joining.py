"""A Slack user is the account that showed it, and never anybody else's."""

from __future__ import annotations

import threading
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.conf import LazySettings
from django.db import connection
from django.utils import timezone

from assistant.accounts import people as accounts
from assistant.accounts.models import Address, User
from assistant.accounts.services import add_user
from assistant.audit.models import AuditEvent
from assistant.audit.trail import Event
from assistant.common.errors import NotFound
from assistant.factors.emergency import make
from assistant.slackbot.failures import SlackBusy, SlackRefused
from assistant.slackbot.joining import (
    MOST_LINKS,
    Asker,
    NotJoined,
    Over,
    Reason,
    Refusal,
    Refused,
    asker_of,
    joined_by,
    leave,
    link_for,
    offer_of,
)
from assistant.slackbot.models import JoinedPerson, JoinLink
from assistant.slackbot.selectors import identities_of, people_of
from tests.slackbot.hall import Hall, connected
from tests.slackbot.simulator.limits import Trouble
from tests.slackbot.simulator.simulator import Simulator

pytestmark = pytest.mark.django_db


@pytest.fixture
def hall(slack: Simulator, settings: LazySettings, people: dict[str, User]) -> Hall:
    """A workspace in which addresses count."""
    settings.MUNDAP_SLACK_API_URL = slack.api_url
    return connected(slack)


def asked(hall: Hall, slack_user: str) -> str:
    """Who asks: the name of the account, or the reason why it is nobody."""
    found = asker_of(hall.row, slack_user)
    return found.user.email.partition("@")[0] if isinstance(found, Asker) else str(found.reason)


def word_in(link: str) -> str:
    """The word of a link."""
    return urlsplit(link).path.split("/")[-2]


def linked(hall: Hall, slack_user: str, user: User) -> JoinedPerson:
    """Follow a new link."""
    return joined_by(word_in(link_for(hall.row, slack_user)), user)


def test_an_address_that_slack_and_mundap_have_confirmed_says_who_asks(hall: Hall) -> None:
    ann = hall.user("ann", email="Ann@Example.COM")
    found = asker_of(hall.row, ann.id)
    assert isinstance(found, Asker)
    assert (found.user.email, found.language) == ("ann@example.com", "ko")
    row = JoinedPerson.objects.get()
    assert (row.slack_user, row.by_link) == (ann.id, False)
    event = AuditEvent.objects.get(event=Event.SLACK_PERSON_JOINED)
    assert event.data == {"user": "ann@example.com", "workspace": "Hall", "joined": row.pk, "by": "address"}
    assert asked(hall, ann.id) == "ann"
    assert AuditEvent.objects.filter(event=Event.SLACK_PERSON_JOINED).count() == 1


def test_where_addresses_are_not_trusted_nobody_is_anybody_without_a_link(hall: Hall) -> None:
    hall.change(trusts_addresses=False)
    ann = hall.user("ann", locale="en-GB")
    assert asker_of(hall.row, ann.id) == NotJoined(Reason.UNKNOWN, "en")
    assert not JoinedPerson.objects.exists()


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"email": "ann+slack@example.com"}, "unknown"),
        ({"email": "ann@example.com.evil.example"}, "unknown"),
        ({"email": "аnn@example.com"}, "unknown"),  # a Cyrillic letter
        ({"email": "ａnn@example.com"}, "ann"),  # the same letter, wide: one address by NFKC
        ({"email": ""}, "unknown"),
        ({"email": "ann"}, "unknown"),
        ({"is_email_confirmed": False}, "unknown"),
        ({"is_restricted": True}, "guest"),
        ({"is_ultra_restricted": True}, "guest"),
        ({"is_bot": True}, "bot"),
        ({"deleted": True}, "deleted"),
    ],
)
def test_nobody_is_taken_for_somebody_by_half(hall: Hall, said: dict[str, object], expected: str) -> None:
    assert asked(hall, hall.user("ann", **said).id) == expected


def test_a_name_says_nothing(hall: Hall) -> None:
    assert asked(hall, hall.user("Ann", email="other@example.com").id) == "unknown"
    assert asked(hall, hall.user("ann@example.com", email="").id) == "unknown"


def test_somebody_of_another_organisation_is_nobody_whatever_their_address(hall: Hall) -> None:
    other = hall.slack.workspace("Other")
    ann = hall.slack.user(other, "ann")
    hall.slack.channel(hall.team, "both", [ann, hall.installed.bot], shared_with=[other])
    assert asked(hall, ann.id) == "stranger"


def test_an_address_that_changed_at_slack_joins_nobody_any_more(hall: Hall) -> None:
    ann = hall.user("ann")
    assert asked(hall, ann.id) == "ann"
    ann.email = "bob@example.com"
    assert asked(hall, ann.id) == "unknown"
    ann.email = "ann@example.com"
    ann.is_email_confirmed = False
    assert asked(hall, ann.id) == "unknown"


def test_a_recycled_address_inherits_nothing(hall: Hall, people: dict[str, User]) -> None:
    former = hall.user("ann")
    assert asked(hall, former.id) == "ann"
    hall.slack.change_user(former, deleted=True)
    successor = hall.user("ann2", email="ann@example.com")
    assert asked(hall, successor.id) == "unknown"  # the account is still that of whoever came before
    accounts.close_account(user_id=people["ann"].pk, actor="ada@example.com")
    accounts.release_closed_account(user_id=people["ann"].pk, actor="ada@example.com")
    newcomer = add_user(email="ann@example.com", actor="ada@example.com")
    assert asked(hall, successor.id) == "unknown"  # until somebody has confirmed the address
    accounts.confirm_address(address="ann@example.com", actor="ada@example.com")
    found = asker_of(hall.row, successor.id)
    assert isinstance(found, Asker)
    assert found.user == newcomer
    hall.slack.change_user(former, deleted=False)
    assert asked(hall, former.id) == "unknown"


def test_an_alias_and_an_address_that_moved_here_join_nobody(hall: Hall, people: dict[str, User]) -> None:
    sales = hall.user("sales")
    accounts.add_alias(user_id=people["ann"].pk, address="sales@example.com", actor="ada@example.com")
    assert asked(hall, sales.id) == "unknown"
    bob = hall.user("bob")
    assert asked(hall, bob.id) == "bob"
    Address.objects.filter(address="bob@example.com").update(user=people["cho"])
    assert asked(hall, bob.id) == "unknown"


def test_closed_service_and_emergency_accounts_ask_nothing(hall: Hall, people: dict[str, User]) -> None:
    ann, bob = hall.user("ann"), hall.user("bob")
    linked(hall, bob.id, people["bob"])
    for name in ("ann", "bob"):
        accounts.close_account(user_id=people[name].pk, actor="ada@example.com")
    assert (asked(hall, ann.id), asked(hall, bob.id)) == ("closed_account", "closed_account")
    emergency = make(actor="test").user
    with pytest.raises(Refused) as refused:
        linked(hall, hall.user("eve", email="").id, emergency)
    assert refused.value.refusal is Refusal.NO_PERSON
    assert asked(hall, hall.user("help", email=emergency.email).id) == "unknown"


def test_a_closed_workspace_knows_nobody(hall: Hall, people: dict[str, User]) -> None:
    ann = hall.user("ann")
    linked(hall, ann.id, people["ann"])
    link = link_for(hall.row, ann.id)
    hall.change(is_open=False)
    assert asked(hall, ann.id) == "unknown"
    with pytest.raises(Over):
        joined_by(word_in(link), people["ann"])


def test_a_link_joins_once_within_its_hour_and_only_by_its_word(hall: Hall, people: dict[str, User]) -> None:
    hall.change(trusts_addresses=False)
    ann = hall.user("ann")
    link = link_for(hall.row, ann.id)
    assert link.startswith("https://ask.example.com/slack/join/")
    word = word_in(link)
    assert word not in repr(list(JoinLink.objects.values()))
    for guess in ("", "x" * 43, word[:-1], word + "x", word.swapcase(), JoinLink.objects.get().digest):
        with pytest.raises(Over):
            joined_by(guess, people["ann"])
    joined_by(word, people["ann"])
    assert asked(hall, ann.id) == "ann"
    with pytest.raises(Over):
        joined_by(word, people["bob"])
    late = word_in(link_for(hall.row, ann.id))
    JoinLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(Over):
        offer_of(late, people["ann"])
    link_for(hall.row, ann.id)
    assert JoinLink.objects.count() == 1  # what is over goes with the next one


def test_a_few_links_count_at_a_time_and_none_once_one_was_used(hall: Hall, people: dict[str, User]) -> None:
    ann = hall.user("ann")
    words = [word_in(link_for(hall.row, ann.id)) for _ in range(MOST_LINKS + 2)]
    assert JoinLink.objects.count() == MOST_LINKS
    joined_by(words[-2], people["ann"])
    for word in words:
        with pytest.raises(Over):
            offer_of(word, people["ann"])


def test_whoever_follows_a_colleague_s_link_is_told_whose_it_is_and_gets_nothing(
    hall: Hall, people: dict[str, User]
) -> None:
    """Bob sends Ann his link, so that his Slack user would read what she may read."""
    bob = hall.user("bob")
    word = word_in(link_for(hall.row, bob.id))
    offer = offer_of(word, people["ann"])
    assert (offer.profile.name, offer.refusal) == ("bob", Refusal.ANOTHERS_ADDRESS)
    with pytest.raises(Refused):
        joined_by(word, people["ann"])
    joined_by(word, people["bob"])  # it was not used up
    assert asked(hall, bob.id) == "bob"


def test_somebody_who_became_a_guest_or_left_is_not_joined_by_a_link(
    hall: Hall, people: dict[str, User]
) -> None:
    hall.change(trusts_addresses=False)
    ann = hall.user("ann")
    word = word_in(link_for(hall.row, ann.id))
    hall.slack.change_user(ann, is_restricted=True)
    with pytest.raises(Refused) as refused:
        joined_by(word, people["ann"])
    assert refused.value.refusal is Refusal.NOT_A_MEMBER
    hall.slack.change_user(ann, is_restricted=False)
    joined_by(word, people["ann"])
    hall.slack.change_user(ann, is_restricted=True)
    assert asked(hall, ann.id) == "guest"


def test_a_slack_user_moves_to_another_account_only_after_it_was_left(
    hall: Hall, people: dict[str, User]
) -> None:
    both = hall.user("both", email="")
    row = linked(hall, both.id, people["ann"])
    with pytest.raises(Refused) as refused:
        linked(hall, both.id, people["bob"])
    assert refused.value.refusal is Refusal.ANOTHER_ACCOUNT
    assert asked(hall, both.id) == "ann"
    with pytest.raises(NotFound):
        leave(joined_id=row.pk, actor=people["bob"], user_id=people["bob"].pk)
    leave(joined_id=row.pk, actor=people["ann"], user_id=people["ann"].pk)
    assert asked(hall, both.id) == "unknown"
    linked(hall, both.id, people["bob"])
    assert asked(hall, both.id) == "bob"
    assert AuditEvent.objects.filter(event=Event.SLACK_PERSON_LEFT, actor="ann@example.com").count() == 1


def test_who_left_is_not_joined_again_by_the_address(hall: Hall, people: dict[str, User]) -> None:
    ann = hall.user("ann")
    hall.asker(ann)
    leave(joined_id=JoinedPerson.objects.get().pk, actor=people["ada"])
    assert asked(hall, ann.id) == "unknown"
    assert identities_of(people["ann"].pk) == people_of(hall.row) == ()
    linked(hall, ann.id, people["ann"])
    hall.change(trusts_addresses=False)
    assert asked(hall, ann.id) == "ann"
    [one] = people_of(hall.row)
    assert (one.email, one.slack_user, one.by_link) == ("ann@example.com", ann.id, True)


def test_what_an_address_joined_once_keeps_nobody_from_a_link(hall: Hall, people: dict[str, User]) -> None:
    ann = hall.user("ann")
    hall.asker(ann)
    ann.email = "nobody@example.com"
    linked(hall, ann.id, people["sam"])
    assert asked(hall, ann.id) == "sam"


def test_a_link_beats_the_address_and_a_second_slack_user_needs_one(
    hall: Hall, people: dict[str, User]
) -> None:
    phone, desk = hall.user("phone", email=""), hall.user("ann")
    linked(hall, phone.id, people["ann"])
    assert asked(hall, desk.id) == "unknown"
    linked(hall, desk.id, people["ann"])
    assert (asked(hall, phone.id), asked(hall, desk.id)) == ("ann", "ann")


def test_workspaces_are_strangers_to_each_other(hall: Hall, people: dict[str, User]) -> None:
    other = connected(hall.slack, name="Yard", trusts_addresses=False)
    ann = hall.user("ann")
    linked(hall, ann.id, people["ann"])
    namesake = other.user("ann")
    assert asked(other, namesake.id) == "unknown"
    assert people_of(other.row) == ()


def test_where_slack_does_not_answer_nobody_is_guessed(hall: Hall, people: dict[str, User]) -> None:
    ann = hall.user("ann")
    word = word_in(link_for(hall.row, ann.id))
    hall.slack.fail("users.info", Trouble.SERVER_ERROR)
    with pytest.raises(SlackBusy):
        asker_of(hall.row, ann.id)
    hall.slack.fail("users.info", Trouble.RESET)
    with pytest.raises(SlackBusy):
        joined_by(word, people["ann"])
    hall.slack.fail("users.info", Trouble.ERROR, error="user_not_found")
    with pytest.raises(SlackRefused):
        asker_of(hall.row, ann.id)
    assert not JoinedPerson.objects.exists()
    joined_by(word, people["ann"])


@pytest.mark.django_db(transaction=True)
def test_of_two_slack_users_of_one_address_at_the_same_moment_one_gets_the_account(hall: Hall) -> None:
    users = [hall.user(f"ann{number}", email="ann@example.com") for number in range(4)]
    start, found = threading.Barrier(len(users)), []

    def ask(slack_user: str) -> None:
        try:
            start.wait()
            found.append(asked(hall, slack_user))
        finally:
            connection.close()

    threads = [threading.Thread(target=ask, args=[one.id]) for one in users]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == ["ann", "unknown", "unknown", "unknown"]
    assert JoinedPerson.objects.count() == 1
