"""A person is erased: what they said and had goes, and what others did keeps standing without their name.

First the account is closed, which ends sessions and running answers. Then one transaction deletes its rows.
Then the audit log, the other tables, the logs and the freed pages are gone through. Killed in between: asked
again with the same address it goes on, also when the account is gone already.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from django.db import transaction
from django.db.models import Q

from assistant.accounts import people, throttle
from assistant.accounts.digests import was_erased
from assistant.accounts.door_models import SignedInSession
from assistant.accounts.models import AccountLink, Address, ApiKey, SourceAccount, User
from assistant.accounts.revisions import Counter, bump
from assistant.accounts.veiling import veil
from assistant.audit.amending import amend
from assistant.audit.chain import Entry
from assistant.audit.chaining import chain_new
from assistant.audit.trail import Event, record
from assistant.chat.models import ChatFile, Conversation, Share, Turn, TurnState
from assistant.common.errors import NotFound
from assistant.common.identity import canonical_email
from assistant.common.types import Json
from assistant.identity.models import StartedSignIn
from assistant.privacy.sweeping import Names, blot_logs, scrub_pages, sweep_tables


@dataclass(frozen=True, slots=True)
class Holdings:
    """What there is of a person, in numbers."""

    addresses: int
    sessions: int
    keys: int
    conversations: int
    turns: int
    files: int
    shares: int
    accounts: int  # source accounts that are joined to them


@dataclass(frozen=True, slots=True)
class Erasure:
    """What was done. `word` stands in the audit log where the person was named."""

    word: str
    deleted: Holdings
    audit_entries: int
    other_rows: int
    logs: int
    scrubbed: bool

    def as_json(self) -> dict[str, Json]:
        """For a command's output."""
        return {**asdict(self), "deleted": asdict(self.deleted)}


def holdings(user_id: int) -> Holdings:
    """What erasing this person deletes.

    Raises:
        NotFound: no such person.
    """
    user = _person(user_id)
    return Holdings(
        addresses=Address.objects.filter(user=user).count(),
        sessions=SignedInSession.objects.filter(user=user).count(),
        keys=ApiKey.objects.filter(user=user).count(),
        conversations=Conversation.objects.filter(user=user).count(),
        turns=Turn.objects.filter(conversation__user=user).count(),
        files=ChatFile.objects.filter(conversation__user=user).count(),
        shares=Share.objects.filter(conversation__user=user).count(),
        accounts=len(_accounts(user, _addresses(user))),
    )


def erase(*, user_id: int, actor: str, further: Sequence[str] = ()) -> Erasure:
    """Erase a person. `further`: addresses that were theirs once and are nobody's now.

    Raises:
        OwnAccount: the actor is the person.
        LastManager: nobody else can manage people.
        NotFound: no such person.
        UsageError: one of `further` is no address.
    """
    user = _person(user_id)
    if actor == user.email:
        raise people.OwnAccount("Nobody erases their own account. Ask another person who manages people.")
    former = Address.objects.filter(user=None, address__in=[canonical_email(one) for one in further])
    addresses = sorted({*_addresses(user), *former.values_list("address", flat=True)})
    people.close_account(user_id=user_id, actor=actor)
    Turn.objects.filter(conversation__user=user).update(stop_requested=True)
    word = f"erased-{secrets.token_hex(4)}"
    with transaction.atomic():
        found = holdings(user_id)
        accounts = _accounts(user, addresses)
        # Before the rows that say whose they are: a claim of one of the addresses waits for this transaction.
        veil(addresses, accounts=accounts)
        for conversation in Conversation.objects.filter(user=user):
            conversation.delete()
        user.delete()
        _forget_reading_along(user_id)
        _forget_arrivals(Names(addresses, word))
        throttle.forget_names(addresses)
        bump(Counter.PERMISSIONS)
        record(
            Event.PERSON_ERASED,
            actor=actor,
            word=word,
            person=user_id,
            conversations=found.conversations,
            files=found.files,
        )
    return _finish(Names(addresses, word), user_id, found)


def erase_remains(*, address: str, actor: str) -> Erasure:
    """Go through everything once more for an address whose person was erased before.

    Raises:
        NotFound: nobody of this address was erased, or somebody has it now.
        UsageError: no address.
    """
    address = canonical_email(address)
    if not was_erased(address) or Address.objects.filter(address=address).exclude(user=None).exists():
        raise NotFound(f"There is no account {address}, and nobody of this address was erased.")
    word = f"erased-{secrets.token_hex(4)}"
    with transaction.atomic():
        veil(
            [address],
            accounts=SourceAccount.objects.filter(address=address).values_list("principal", flat=True),
        )
        bump(Counter.PERMISSIONS)
        record(Event.PERSON_ERASED, actor=actor, word=word)
    return _finish(Names([address], word), None, Holdings(0, 0, 0, 0, 0, 0, 0, 0))


def _finish(names: Names, user_id: int | None, found: Holdings) -> Erasure:
    chain_new()
    entries = amend(lambda entry: _nameless(entry, names, user_id))
    rows = sweep_tables(names)
    logs = blot_logs(names)
    return Erasure(names.word, found, entries, rows, logs, scrub_pages())


def _forget_reading_along(user_id: int) -> None:
    """Take the person out of what others asked before them. What is being answered for them too, ends."""
    for turn in Turn.objects.exclude(seen_by=[]).only("seen_by", "state"):
        if user_id in turn.seen_by:
            left = [other for other in turn.seen_by if other != user_id]
            ends = turn.state in (TurnState.PENDING, TurnState.RUNNING)
            Turn.objects.filter(pk=turn.pk).update(seen_by=left, **({"stop_requested": True} if ends else {}))


def _forget_arrivals(names: Names) -> None:
    """What a company's sign-in told of somebody on the way in, minutes ago; there are never many."""
    for row in StartedSignIn.objects.exclude(claims=None):
        if names.are_in(json.dumps([row.claims, row.kept], ensure_ascii=False)):
            row.delete()


def _nameless(entry: Entry, names: Names, user_id: int | None) -> Entry | None:
    """The entry without the person; None where it does not name them."""
    own = names.are_in(entry.actor) or (user_id is not None and entry.actor_id == user_id)
    data = names.without(dict(entry.data))
    if not own and data == entry.data:
        return None
    cleaned = data if isinstance(data, dict) else {}
    if not own:
        return replace(entry, data=cleaned)
    return replace(entry, actor=names.word, address="", data=cleaned)


def _addresses(user: User) -> list[str]:
    return sorted({user.email, *Address.objects.filter(user=user).values_list("address", flat=True)})


def _accounts(user: User, addresses: Sequence[str]) -> list[int]:
    """Row ids of the source accounts that are theirs, by a decision or by their address."""
    linked = AccountLink.objects.filter(user=user).values_list("principal", flat=True)
    reported = SourceAccount.objects.filter(
        Q(address__in=addresses) & (Q(principal__account_link=None) | Q(principal__account_link__user=user))
    ).values_list("principal", flat=True)
    return sorted({*linked, *reported})


def _person(user_id: int) -> User:
    user = User.objects.filter(pk=user_id).first()
    if user is None:
        raise NotFound("There is no such person.")
    return user
