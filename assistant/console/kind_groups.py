"""Where does a kind's card stand, and with which icon? The one table that knows kinds by name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from assistant.sync.kinds import KindOffer

_GROUPS: tuple[tuple[str, str | Promise], ...] = (
    ("files", _("Files")),
    ("wikis", _("Wikis and web")),
    ("mail", _("Mail")),
    ("data", _("Databases and records")),
    ("people", _("Directories of people")),
    ("other", _("Other sources")),
)
_PLACES = {
    "filesystem": ("files", "folder"),
    "s3": ("files", "bucket"),
    "smb": ("files", "share-drive"),
    "sftp": ("files", "terminal"),
    "webdav": ("files", "cloud"),
    "git": ("files", "branch"),
    "mediawiki": ("wikis", "book"),
    "dokuwiki": ("wikis", "book"),
    "web": ("wikis", "globe"),
    "feed": ("wikis", "feed"),
    "imap": ("mail", "mail"),
    "database": ("data", "source"),
    "jsonl": ("data", "lines"),
    "push": ("data", "upload"),
    "ldap": ("people", "people"),
}
_PLACE_OF_OTHERS = ("other", "source")
_PLACE_OF_OTHER_DIRECTORIES = ("people", "people")


@dataclass(frozen=True, slots=True)
class KindCard:
    """A kind as it is offered."""

    offer: KindOffer
    icon: str


@dataclass(frozen=True, slots=True)
class KindGroup:
    """Cards under one heading."""

    id: str
    label: str
    cards: tuple[KindCard, ...]


def grouped(offers: Iterable[KindOffer]) -> tuple[KindGroup, ...]:
    """The kinds under their headings; a heading without kinds is left out."""
    placed = [(*_place(offer), offer) for offer in offers]
    groups = (
        KindGroup(
            name, str(label), tuple(KindCard(offer, icon) for where, icon, offer in placed if where == name)
        )
        for name, label in _GROUPS
    )
    return tuple(group for group in groups if group.cards)


def kind_icon(kind: str) -> str:
    """The icon of a kind."""
    return _PLACES.get(kind, _PLACE_OF_OTHERS)[1]


def _place(offer: KindOffer) -> tuple[str, str]:
    otherwise = _PLACE_OF_OTHERS if offer.gives_documents else _PLACE_OF_OTHER_DIRECTORIES
    return _PLACES.get(offer.name, otherwise)
