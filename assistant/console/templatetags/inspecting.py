"""Template filters of the inspector: people, principals, reasons and findings in words.

Names and ids come from sources and are data: characters that would hide or reorder
the text around them are shown by their number.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime, timedelta

from django import template
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext, pgettext
from django.utils.translation import gettext_lazy as _

from assistant.access.inspection import Bearing, ClauseView, Fact, IdentityOrigin, PersonLabel, PrincipalLabel
from assistant.accounts.key_form import scope_words
from assistant.accounts.models import Role
from assistant.accounts.scopes import Scope
from assistant.console.steps import Line, lines_of

register = template.Library()

_INVISIBLE = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"})  # Unicode categories
_JOINTS = re.compile(r"(?<=[@/._-])(?=[^@/._-])")
_SHORT = 48
_TAIL = 12
_REASONS = {
    "allowed": ("good", "check"),
    "denied": ("neutral", "block"),
    "not_named": ("neutral", "block"),
    "account_closed": ("neutral", "lock"),
    "deleted": ("neutral", "trash"),
    "permissions_too_old": ("warning", "clock"),
    "groups_too_old": ("warning", "clock"),
}
_ORIGINS = {
    IdentityOrigin.SIGN_IN_ADDRESS: _("Signs in with this address"),
    IdentityOrigin.ALIAS: _("Another address of theirs"),
    IdentityOrigin.REPORTED: _("The source gives this account their address"),
    IdentityOrigin.LINKED: _("Linked by an administrator"),
    IdentityOrigin.EVERYONE: _("Whoever can sign in"),
}
_BEARINGS = {
    Bearing.HELD: (_("Theirs"), "check"),
    Bearing.IN_DOUBT: (_("Might be theirs"), "alert"),
    Bearing.NOT_HELD: (_("Not theirs"), "minus"),
    Bearing.EXPIRED: (_("Expired"), "clock"),
}
_ICONS = {"user": "at", "account": "badge", "group": "people", "everyone": "globe"}


@register.filter
def plain(text: str) -> str:
    """The text with invisible and reordering characters shown as `‹U+202E›`."""
    return "".join(
        f"‹U+{ord(sign):04X}›" if unicodedata.category(sign) in _INVISIBLE else sign for sign in text
    )


@register.filter
def spelled(text: str) -> str:
    """The text with the number of each letter beyond ASCII after it: look-alikes can be told apart."""
    return "".join(sign if sign.isascii() or sign in "≈‹›" else f"{sign}‹U+{ord(sign):04X}›" for sign in text)


@register.filter
def short(text: str) -> str:
    """As `plain`; of a long text the beginning and the end, for use inside a sentence."""
    shown = plain(text)
    return shown if len(shown) <= _SHORT else f"{shown[: _SHORT - _TAIL - 1]}…{shown[-_TAIL:]}"


@register.filter
def breakable(text: str) -> SafeString:
    """As `short`, escaped, with places where a narrow column may break it."""
    pieces = ((piece,) for piece in _JOINTS.split(short(text)))
    return format_html_join(SafeString("<wbr>"), "{}", pieces)


@register.filter
def called(person: PersonLabel) -> str:
    """What a person is called in a sentence: their name, or else their address."""
    return short(person.name.strip() or person.email)


@register.filter
def role_words(role: str) -> str:
    """A role in words."""
    return str(Role(role).label) if role in Role.values else role


@register.filter
def scopes_in_words(scopes: Iterable[Scope]) -> str:
    """What a key may do, as its owner reads it on their own page."""
    return ", ".join(map(scope_words, scopes))


@register.filter
def principal_words(principal: PrincipalLabel) -> str:
    """A principal inside a sentence: `the group Staff`."""
    if principal.kind == "everyone":
        return pgettext("whom a rule names, inside a sentence", "everyone")
    phrases = {
        "user": gettext("the address %(id)s"),
        "account": gettext("the account %(id)s"),
        "group": gettext("the group %(id)s"),
    }
    return phrases.get(principal.kind, "%(id)s") % {"id": short(principal.external_id)}


@register.filter
def principal_id(principal: PrincipalLabel) -> str:
    """A principal standing alone: its id in full."""
    if principal.kind == "everyone":
        return pgettext("whom a rule names, alone", "Everyone")
    return plain(principal.external_id)


@register.filter
def principal_kind(principal: PrincipalLabel) -> str:
    """What it is: group, address, account; empty for everyone, who needs no kind."""
    kinds = {"user": gettext("Address"), "account": gettext("Account"), "group": gettext("Group")}
    return kinds.get(principal.kind, "")


@register.filter
def principal_icon(principal: PrincipalLabel) -> str:
    """Its icon."""
    return _ICONS.get(principal.kind, "people")


@register.filter
def origin_words(origin: IdentityOrigin | str | None) -> str:
    """How a person comes to an identity."""
    return str(_ORIGINS[IdentityOrigin(origin)]) if origin else ""


@register.filter
def bearing_words(bearing: Bearing) -> str:
    """What an entry is to the person."""
    return str(_BEARINGS[bearing][0])


@register.filter
def bearing_icon(bearing: Bearing) -> str:
    """Its icon."""
    return _BEARINGS[bearing][1]


@register.filter
def reason_tone(reason: str) -> str:
    """The tone of a verdict: good, neutral or warning."""
    return _REASONS.get(reason, ("warning", ""))[0]


@register.filter
def reason_icon(reason: str) -> str:
    """Its icon."""
    return _REASONS.get(reason, ("", "alert"))[1]


@register.filter
def written_principal(subject: str) -> str:
    """The bare id in what a finding names, which has the written form: `group:staff` gives `staff`."""
    kind, colon, external_id = subject.partition(":")
    return plain(external_id if colon and kind in _ICONS else subject)


@register.filter
def counts_until(fact: Fact) -> datetime | None:
    """The moment after which a fact lets nobody in."""
    return fact.at + timedelta(seconds=fact.limit_s) if fact.at is not None else None


@register.filter
def lines(clause: ClauseView) -> tuple[Line, ...]:
    """The entries of a clause, with what is left out between them."""
    return lines_of(clause)
