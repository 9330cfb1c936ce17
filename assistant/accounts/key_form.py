"""What somebody enters to make a key of the API, and what its parts are called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext, pgettext_lazy

from assistant.accounts.api_keys import LONGEST_NAME, MOST_KEYS
from assistant.accounts.scopes import Scope
from assistant.common.one_line import one_line

LIVES = (7, 30, 90, 365)  # days
_USUAL_LIFE = 90
_USUAL_SCOPES = frozenset({Scope.SEARCH, Scope.DOCUMENTS, Scope.ASK})
_WORDS: Mapping[Scope, str | Promise] = {
    Scope.SEARCH: pgettext_lazy("what a key may do", "Search"),
    Scope.DOCUMENTS: pgettext_lazy("what a key may do", "Read documents"),
    Scope.ASK: pgettext_lazy("what a key may do", "Ask questions"),
    Scope.PERMISSIONS: pgettext_lazy("what a key may do", "Inspect permissions"),
}


@dataclass(slots=True)
class KeyForm:
    """What was typed for a new key. `offered`: what it can be for. `wrong`: by field, what is wrong."""

    offered: Sequence[Scope]
    name: str = ""
    days: int = _USUAL_LIFE
    scopes: frozenset[Scope] = _USUAL_SCOPES
    wrong: dict[str, str] = field(default_factory=dict)
    longest_name: int = LONGEST_NAME

    def scope_choices(self) -> list[tuple[Scope, str, bool]]:
        """The value, its words and whether it is chosen, of each."""
        return [(scope, scope_words(scope), scope in self.scopes) for scope in self.offered]

    def life_choices(self) -> list[tuple[int, str, bool]]:
        """How long it can work, likewise."""
        return [
            (days, ngettext("%(n)s day", "%(n)s days", days) % {"n": days}, days == self.days)
            for days in LIVES
        ]


def scope_words(scope: Scope) -> str:
    """What a key of this scope may do."""
    return str(_WORDS[scope])


def read_key_form(sent: QueryDict, *, offered: Sequence[Scope], working: int) -> KeyForm:
    """The form as it was sent. `working`: how many keys of the account work already."""
    chosen, days = sent.getlist("scope"), sent.get("days", "")
    form = KeyForm(
        offered=offered,
        name=one_line(sent.get("name", "")),
        days=int(days) if days in map(str, LIVES) else _USUAL_LIFE,
        scopes=frozenset(scope for scope in offered if scope in chosen),
    )
    if not form.name or len(form.name) > LONGEST_NAME:
        form.wrong["name"] = gettext("Write what the key is for, in at most %(n)s characters.") % {
            "n": LONGEST_NAME
        }
    if not form.scopes:
        form.wrong["scope"] = gettext("Choose what the key may do.")
    if days not in map(str, LIVES):
        form.wrong["days"] = gettext("Choose one of the times in the list.")
    if working >= MOST_KEYS:
        form.wrong[""] = gettext("There are %(n)s keys that work. Revoke one first.") % {"n": MOST_KEYS}
    return form
