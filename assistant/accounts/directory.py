"""The people who have an account, and how sources know each of them. For who may manage people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, Q

from assistant.accounts.models import AccountLink, Address, SourceAccount, User
from assistant.common.errors import NotFound

PAGE = 50
_LONGEST_SEARCH = 254


@dataclass(frozen=True, slots=True)
class PersonRow:
    """An account in a list. `waiting`: addresses of theirs that nobody has confirmed yet.

    `contact`: who answers for a service account.
    """

    id: int
    email: str
    name: str
    role: str
    is_active: bool
    waiting: int = 0
    is_service: bool = False
    contact: str = ""
    is_emergency: bool = False


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """One page of people, and how many there are in all."""

    people: tuple[PersonRow, ...]
    total: int
    page: int


@dataclass(frozen=True, slots=True)
class AddressView:
    """An address of a person. Not confirmed: somebody had it before them, so it gives nothing yet."""

    address: str
    is_alias: bool
    confirmed: bool
    since: datetime


@dataclass(frozen=True, slots=True)
class AccountView:
    """An account in a source. `origin`: "reported" by its address, or "linked" by a decision."""

    source_id: int
    source: str
    account: str
    address: str
    origin: str


@dataclass(frozen=True, slots=True)
class PersonDetail:
    """A person with all that names them. `unclear` accounts carry an address of theirs, but are nobody's."""

    label: PersonRow
    addresses: tuple[AddressView, ...]
    accounts: tuple[AccountView, ...]
    unclear: tuple[AccountView, ...]


def people_page(*, text: str = "", page: int = 1) -> PeoplePage:
    """People by name or any of their addresses, 50 a page; all without `text`."""
    text, page = text.strip()[:_LONGEST_SEARCH].replace("\x00", ""), max(page, 1)
    rows = User.objects.order_by("email")
    if text:
        named = Q(name__icontains=text) | Q(addresses__address__icontains=text.lower())
        rows = rows.filter(pk__in=User.objects.filter(named).values("pk"))
    shown = rows[(page - 1) * PAGE : page * PAGE]
    return PeoplePage(tuple(_row(user) for user in shown), rows.count(), page)


def person(user_id: int) -> PersonDetail:
    """One person.

    Raises:
        NotFound: there is none.
    """
    user = User.objects.filter(pk=user_id).first()
    if user is None:
        raise NotFound("There is no such person.")
    rows = list(Address.objects.filter(user=user).order_by("is_alias", "address"))
    accounts, unclear = _accounts(user, [row.address for row in rows])
    return PersonDetail(
        label=_row(user),
        addresses=tuple(AddressView(row.address, row.is_alias, row.confirmed, row.since) for row in rows),
        accounts=accounts,
        unclear=unclear,
    )


def _row(user: User) -> PersonRow:
    waiting = Address.objects.filter(user=user, confirmed=False).count()
    return PersonRow(
        user.pk,
        user.email,
        user.name,
        user.role,
        user.is_active,
        waiting,
        is_service=user.is_service,
        contact=user.contact,
        is_emergency=user.is_emergency,
    )


def _accounts(user: User, addresses: list[str]) -> tuple[tuple[AccountView, ...], tuple[AccountView, ...]]:
    """The person's accounts, and those that may be theirs. How old the membership is does not matter here."""
    current = SourceAccount.objects.filter(generation=F("connection__generation"))
    links = AccountLink.objects.filter(user=user).select_related("principal__connection")
    linked = [
        AccountView(
            link.principal.connection_id or 0,
            str(link.principal.connection),
            link.principal.external_id,
            current.filter(principal=link.principal).values_list("address", flat=True).first() or "",
            "linked",
        )
        for link in links.order_by("principal_id")
    ]
    carrying = current.filter(address__in=addresses, principal__account_link=None)
    carrying = carrying.select_related("principal", "connection").order_by("connection_id", "principal_id")
    settled = Q(principal__settled_in=F("connection__generation"))
    return (
        (*linked, *map(_reported, carrying.filter(settled))),
        tuple(map(_reported, carrying.exclude(settled))),
    )


def _reported(row: SourceAccount) -> AccountView:
    return AccountView(
        row.connection_id, row.connection.name, row.principal.external_id, row.address, "reported"
    )
