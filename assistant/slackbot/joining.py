"""Who a Slack user is here. Never by name: by a link that they follow, or by an address that may be trusted.

`accounts_of` is the one decision, for one Slack user who asks and for all who can read along. It is made of
what Slack says at that moment and of what the database holds at that moment; nothing of it is kept.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone
from slack_sdk import WebClient

from assistant.accounts.models import Address, User
from assistant.audit.trail import Event, record
from assistant.common.errors import NotFound, UsageError
from assistant.slackbot import jobs
from assistant.slackbot.directory import profile_now
from assistant.slackbot.models import LONG_AGO, JoinedPerson, JoinLink, Post, Workspace
from assistant.slackbot.profiles import Profile, Standing

LIFE = timedelta(hours=1)
MOST_LINKS = 5  # that count for one Slack user: App Home and messages each show one
_LONGEST_WORD = 100


class Reason(StrEnum):
    """Why a Slack user is nobody here."""

    UNKNOWN = "unknown"  # a link would help
    GUEST = "guest"
    STRANGER = "stranger"
    BOT = "bot"
    DELETED = "deleted"
    CLOSED_ACCOUNT = "closed_account"


_BY_STANDING: Mapping[Standing, Reason] = {
    Standing.GUEST: Reason.GUEST,
    Standing.STRANGER: Reason.STRANGER,
    Standing.BOT: Reason.BOT,
    Standing.DELETED: Reason.DELETED,
}


@dataclass(frozen=True, slots=True)
class Asker:
    """Somebody who asks in Slack, as the account that they are at this moment."""

    user: User
    slack_user: str
    language: str  # "ko" or "en", by their settings at Slack


@dataclass(frozen=True, slots=True)
class NotJoined:
    """A Slack user who gets no answer. `language` is theirs, for the sentence that says so."""

    reason: Reason
    language: str = "en"


class Refusal(StrEnum):
    """Why a link that counts does not join this Slack user to this account."""

    NOT_A_MEMBER = "not_a_member"  # by now a guest, a stranger, a bot or deactivated
    NO_PERSON = "no_person"  # a closed, service or emergency account
    ANOTHER_ACCOUNT = "another_account"  # they are joined to one, which has to be left first
    ANOTHERS_ADDRESS = "anothers_address"  # Slack knows them by an address of somebody else here


class Refused(UsageError):
    """Nothing was joined."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(str(refusal))
        self.refusal = refusal


class Over(UsageError):
    """The link was used, is too old, or never was one. Which, is not said."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What following a link would do: whom of Slack it would make the person who is signed in."""

    workspace: Workspace
    profile: Profile
    refusal: Refusal | None
    is_own_address: bool  # Slack knows them by an address of this very account
    is_joined: bool  # they are this account already, by a link


def asker_of(workspace: Workspace, slack_user: str, *, client: WebClient | None = None) -> Asker | NotJoined:
    """Who asks. Whom an address joins for the first time, stays the one Slack user whom it joins.

    Raises:
        SlackBusy, SlackRefused, SlackClosed: Slack did not say who it is.
    """
    profile = profile_now(workspace, slack_user, client=client)
    found = accounts_of(workspace, [profile])[profile.slack_user]
    if isinstance(found, User) and not _is_known(workspace, profile):
        found = _joined_by_address(workspace, profile, found)
    if isinstance(found, Reason):
        return NotJoined(found, profile.language)
    return Asker(found, profile.slack_user, profile.language)


def accounts_of(workspace: Workspace, profiles: Collection[Profile]) -> dict[str, User | Reason]:
    """The open account of each Slack user, or why there is none. Writes nothing; a few statements for all."""
    full = [one for one in profiles if one.standing is Standing.FULL]
    rows = {
        row.slack_user: row
        for row in JoinedPerson.objects.filter(
            workspace=workspace, slack_user__in=[one.slack_user for one in full]
        ).select_related("user")
    }
    trusts = Workspace.objects.filter(pk=workspace.pk, is_open=True).values_list("trusts_addresses").first()
    holders = _holders(one.address for one in full) if trusts == (True,) else {}
    joined = _joined_to(workspace, holders.values())
    times = Counter(one.address for one in full)
    found: dict[str, User | Reason] = {}
    for one in profiles:
        row = rows.get(one.slack_user)
        if one.standing is not Standing.FULL:
            found[one.slack_user] = _BY_STANDING[one.standing]
        elif trusts is None:
            found[one.slack_user] = Reason.UNKNOWN  # the workspace is closed
        elif row is not None and row.by_link and row.left_at is None:
            found[one.slack_user] = row.user if is_open_person(row.user) else Reason.CLOSED_ACCOUNT
        else:
            # Of two newcomers with one address neither is believed; whom it joined before stays.
            sure = times[one.address] == 1 or row is not None
            holder = holders.get(one.address) if sure else None
            found[one.slack_user] = _by_address(one, row, holder, joined)
    return found


def is_open_person(user: User) -> bool:
    """Whether somebody can ask as this account: an open one of a person, and none for emergencies."""
    return user.is_active and not user.is_service and not user.is_emergency


def link_for(workspace: Workspace, slack_user: str) -> str:
    """An address that joins the Slack user to whoever follows it and is signed in. Show it to them alone."""
    word, now = secrets.token_urlsafe(32), timezone.now()
    with transaction.atomic():
        JoinLink.objects.filter(expires_at__lte=now).delete()
        own = JoinLink.objects.filter(workspace=workspace, slack_user=slack_user).order_by("-pk")
        JoinLink.objects.filter(pk__in=list(own.values_list("pk", flat=True)[MOST_LINKS - 1 :])).delete()
        JoinLink.objects.create(
            workspace=workspace, slack_user=slack_user, digest=digest_of(word), expires_at=now + LIFE
        )
    return workspace.address.rstrip("/") + reverse("web:join-slack", args=[word])


def offer_of(word: str, user: User, *, client: WebClient | None = None) -> Offer:
    """What the link of this word would do for this account. Looking changes nothing.

    Raises:
        Over: it does not count.
        SlackBusy, SlackRefused, SlackClosed: Slack did not say whom it is about.
    """
    link = (
        JoinLink.objects.filter(
            digest=digest_of(word), expires_at__gt=timezone.now(), workspace__is_open=True
        )
        .select_related("workspace")
        .first()
    )
    if link is None:
        raise Over("This link does not count.")
    profile = profile_now(link.workspace, link.slack_user, client=client)
    row = JoinedPerson.objects.filter(workspace=link.workspace, slack_user=profile.slack_user).first()
    own = Address.objects.filter(address=profile.address, user=user).exists()
    return Offer(
        workspace=link.workspace,
        profile=profile,
        refusal=_refusal(link.workspace, profile, user),
        is_own_address=own,
        is_joined=row is not None and row.by_link and row.left_at is None and row.user_id == user.pk,
    )


def joined_by(word: str, user: User, *, client: WebClient | None = None) -> JoinedPerson:
    """Join the Slack user of the link to this account. The link, and others of theirs, are used up.

    Raises:
        Over: the link does not count.
        Refused: it counts, and stays.
        SlackBusy, SlackRefused, SlackClosed: Slack did not say whom it is about; the link stays.
    """
    offer = offer_of(word, user, client=client)
    workspace, slack_user = offer.workspace, offer.profile.slack_user
    with transaction.atomic():
        # Both are locked, so that neither becomes somebody else's meanwhile.
        user = User.objects.select_for_update().get(pk=user.pk)
        Workspace.objects.select_for_update().get(pk=workspace.pk)
        refusal = _refusal(workspace, offer.profile, user)
        if refusal is not None:
            raise Refused(refusal)
        used = JoinLink.objects.filter(digest=digest_of(word), expires_at__gt=timezone.now()).delete()
        if not used[0]:
            raise Over("This link does not count.")
        JoinLink.objects.filter(workspace=workspace, slack_user=slack_user).delete()
        row, _ = JoinedPerson.objects.update_or_create(
            workspace=workspace,
            slack_user=slack_user,
            defaults={"user": user, "by_link": True, "joined_at": timezone.now(), "left_at": None},
        )
        _record(Event.SLACK_PERSON_JOINED, row, actor=user, by="link")
    return row


def leave(*, joined_id: int, actor: User, user_id: int | None = None) -> None:
    """Part a Slack user from an account for good: only a link joins them again.

    `user_id`: whose it must be, where people leave for themselves.

    Raises:
        NotFound: there is none.
    """
    with transaction.atomic():
        rows = JoinedPerson.objects.select_for_update(of=("self",)).select_related("user", "workspace")
        rows = rows.filter(pk=joined_id, left_at=None)
        row = (rows if user_id is None else rows.filter(user_id=user_id)).first()
        if row is None:
            raise NotFound("There is no such Slack user.")
        JoinedPerson.objects.filter(pk=row.pk).update(left_at=timezone.now())
        JoinLink.objects.filter(workspace=row.workspace, slack_user=row.slack_user).delete()
        # What stands at Slack was made for people who were all joined: it is judged again.
        Post.objects.filter(workspace=row.workspace, slack_user=row.slack_user).update(
            judged_at=LONG_AGO, judged_for=-1
        )
        once = f"left:{row.pk}:{row.joined_at.timestamp():.0f}"
        jobs.take_in(row.workspace, kind="recheck", key=f"r:{once}", payload={"channel": ""})
        # Their home at Slack shows titles of the account's conversations until it is published anew.
        jobs.take_in(row.workspace, kind="home", key=f"h:{once}", payload={"user": row.slack_user})
        _record(Event.SLACK_PERSON_LEFT, row, actor=actor)


def digest_of(word: str) -> str:
    """What is kept of the word in a link."""
    return hashlib.sha256(f"slack join\0{word[:_LONGEST_WORD]}".encode()).hexdigest()


def _by_address(
    profile: Profile, row: JoinedPerson | None, holder: User | None, joined: Mapping[int, set[str]]
) -> User | Reason:
    """What the address says of a Slack user whom no link joined."""
    if holder is None or holder.is_service or holder.is_emergency:
        return Reason.UNKNOWN
    if row is not None and (row.left_at is not None or row.user_id != holder.pk):
        return Reason.UNKNOWN  # they parted, or the address was another's when it joined them
    if row is None and joined.get(holder.pk, set()) - {profile.slack_user}:
        return Reason.UNKNOWN
    return holder if holder.is_active else Reason.CLOSED_ACCOUNT


def _holders(addresses: Iterable[str]) -> dict[str, User]:
    """Whose each address is for certain. An alias says by what sources know somebody, and no more."""
    rows = Address.objects.filter(
        address__in={one for one in addresses if one}, confirmed=True, is_alias=False
    )
    held = rows.exclude(user=None).select_related("user")
    return {row.address: row.user for row in held if row.user is not None}


def _joined_to(workspace: Workspace, users: Iterable[User]) -> dict[int, set[str]]:
    """Account -> the Slack users who are joined to it."""
    found: dict[int, set[str]] = defaultdict(set)
    ids = [user.pk for user in users]
    if ids:
        rows = JoinedPerson.objects.filter(workspace=workspace, user__in=ids, left_at=None)
        for user_id, slack_user in rows.values_list("user_id", "slack_user"):
            found[user_id].add(slack_user)
    return found


def _is_known(workspace: Workspace, profile: Profile) -> bool:
    return JoinedPerson.objects.filter(workspace=workspace, slack_user=profile.slack_user).exists()


def _joined_by_address(workspace: Workspace, profile: Profile, user: User) -> User | Reason:
    """Write down that the address joins them. Of two Slack users at the same moment one gets the account."""
    try:
        with transaction.atomic():
            User.objects.select_for_update().get(pk=user.pk)
            found = accounts_of(workspace, [profile])[profile.slack_user]
            if isinstance(found, User) and not _is_known(workspace, profile):
                row = JoinedPerson.objects.create(
                    workspace=workspace, slack_user=profile.slack_user, user=found
                )
                _record(Event.SLACK_PERSON_JOINED, row, actor=None, by="address")
            return found
    except (IntegrityError, User.DoesNotExist):  # joined or erased at this very moment
        return accounts_of(workspace, [profile])[profile.slack_user]


def _refusal(workspace: Workspace, profile: Profile, user: User) -> Refusal | None:
    if profile.standing is not Standing.FULL:
        return Refusal.NOT_A_MEMBER
    if not is_open_person(user):
        return Refusal.NO_PERSON
    if profile.address and Address.objects.filter(address=profile.address).exclude(user=None).exclude(
        user=user
    ):
        return Refusal.ANOTHERS_ADDRESS
    row = JoinedPerson.objects.filter(
        workspace=workspace, slack_user=profile.slack_user, left_at=None
    ).first()
    if row is None or row.user_id == user.pk:
        return None
    # What an address said once holds nobody any more when it says so no longer.
    counts = row.by_link or isinstance(accounts_of(workspace, [profile])[profile.slack_user], User)
    return Refusal.ANOTHER_ACCOUNT if counts else None


def _record(event: Event, row: JoinedPerson, *, actor: User | None, **data: str) -> None:
    record(
        event,
        actor_id=actor.pk if actor else None,
        actor=actor.email if actor else "slack",
        user=row.user.email,
        workspace=row.workspace.name,
        joined=row.pk,  # the row says which Slack user, until the person is erased
        **data,
    )
