"""Who may read a page or a namespace, by the wiki's rules (`acl.auth.php`), as DokuWiki decides it.

The rules of the page itself are looked at first, then those of its namespace, then of each
namespace around that one. On the first of these levels that says anything about a person, the
highest right counts: so of one level the allows stand before the denies, and of two levels the
nearer one stands first. Superusers read everything. Nobody else does anything unless a rule says so.

A rule may name the person who asks (`%USER%`) or their groups (`%GROUP%`), in its scope and in
its subject; it then stands for as many rules as there are people and groups.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from urllib.parse import unquote

from assistant.common.acl import (
    EVERYONE,
    NOBODY,
    Acl,
    Clause,
    Entry,
    PrincipalKind,
    PrincipalRef,
    account,
    group,
)
from connectors.sources.dokuwiki.names import cleaned, encoded, namespace_of, same_text
from connectors.sources.dokuwiki.people import ANYBODY_IN_A_GROUP, ANYBODY_SIGNED_IN, Person

_FIELDS = 3  # scope, subject, right
_USER, _GROUP = "%USER%", "%GROUP%"
# A group for a login that rules name and nobody has: empty, until somebody has it. The rules outlive
# the people, and a deny of an account that is nobody's would keep everybody out.
AWAITED = "login:"


@dataclass(frozen=True, slots=True)
class Rule:
    """One line that was understood."""

    scope: str
    subject: str
    reads: bool


@dataclass(frozen=True, slots=True)
class BadRule:
    """A line that was not. `scope`: what it may have been about: a page, or what starts with `...*`."""

    scope: str
    number: int


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of a wiki for its people: for each scope, who is allowed and who is denied there."""

    levels: Mapping[str, Sequence[Entry]]
    superusers: tuple[PrincipalRef, ...] = ()
    bad: tuple[BadRule, ...] = ()
    _known: dict[str, Acl] = field(default_factory=dict)

    @property
    def awaited(self) -> list[str]:
        """The logins that the rules name, and nobody had when they were read."""
        named = {entry.principal.id for level in self.levels.values() for entry in level}
        return sorted(name.removeprefix(AWAITED) for name in named if name.startswith(AWAITED))

    def of_page(self, page: str) -> Acl:
        """Who may read this page."""
        # Without a rule of its own a page has the list of its namespace. No id ends with a colon.
        key = page if page in self.levels else f"{namespace_of(page)}:"
        if key not in self._known:
            self._known[key] = self._acl(_scopes(page))
        return self._known[key]

    def of_namespace(self, namespace: str) -> Acl:
        """Who may read the files of this namespace: files have no rules of their own."""
        return self.of_page(f"{namespace}:*")

    def _acl(self, scopes: Iterable[str]) -> Acl:
        entries = [Entry(allow=True, principal=each) for each in self.superusers]
        for scope in scopes:
            level = self.levels.get(scope, ())
            entries.extend(level)
            if any(entry.principal == EVERYONE for entry in level):
                break
        while entries and not entries[-1].allow:
            entries.pop()  # who is not let in stays out
        return Acl((Clause(tuple(dict.fromkeys(entries))),)) if entries else NOBODY

    def unreadable_to(self, person: Person | None) -> list[str]:
        """The scopes in which this account may not read something; none: it reads the whole wiki."""
        return [scope for scope in ("*", *self.levels) if not self._reads(person, scope)]

    def _reads(self, person: Person | None, scope: str) -> bool:
        entries = (entry for clause in self.of_page(scope).clauses for entry in clause.entries)
        return next((entry.allow for entry in entries if _holds(person, entry.principal)), False)


def _holds(person: Person | None, principal: PrincipalRef) -> bool:
    if principal == EVERYONE:
        return True
    if person is None:
        return False
    if principal.kind is PrincipalKind.ACCOUNT:
        return principal.id == person.login
    return principal.id in person.groups or principal.id == ANYBODY_SIGNED_IN


def _scopes(page: str) -> list[str]:
    """What decides about a page, the nearest first. `ns:*` stands for the files of a namespace."""
    found = [page]
    namespace = namespace_of(page)
    # PHP takes "0" for false, so pages directly in a namespace of this name look past it.
    while namespace and not (namespace == "0" and len(found) == 1):
        found.append(f"{namespace}:*")
        namespace = namespace_of(namespace)
    return list(dict.fromkeys([*found, "*"]))


def rules_of(text: str, *, people: Mapping[str, Person], superusers: Sequence[str] = ()) -> Rules:
    """The rules that the file's text stands for."""
    allows: dict[str, list[PrincipalRef]] = {}
    denies: dict[str, list[PrincipalRef]] = {}
    bad: list[BadRule] = []
    for parsed in _lines(text):
        if isinstance(parsed, BadRule):
            bad.append(parsed)
            continue
        side = allows if parsed.reads else denies
        for scope, principal in _meant(parsed, people):
            side.setdefault(scope, []).append(principal)
    levels = {
        scope: tuple(
            dict.fromkeys(
                [
                    *(Entry(allow=True, principal=each) for each in allows.get(scope, ())),
                    *(Entry(allow=False, principal=each) for each in denies.get(scope, ())),
                ]
            )
        )
        for scope in sorted({*allows, *denies})
    }
    return Rules(levels, tuple(_superusers(superusers)), tuple(bad))


def _lines(text: str) -> Iterator[Rule | BadRule]:
    for number, line in enumerate(text.split("\n"), 1):
        bare = line.strip(" \t\n\r\v\0")
        if not bare or bare.startswith("#"):
            continue
        parts = bare.partition("#")[0].replace("\t", " ").split(" ")
        parts = [part for part in parts if part]
        plain = all(part.isprintable() for part in parts)
        if plain and len(parts) >= _FIELDS and parts[2].isascii() and parts[2].isdigit():
            yield Rule(parts[0], parts[1], reads=int(parts[2]) > 0)
        else:
            yield BadRule(_beginning(parts[0] if parts else ""), number)


def _beginning(scope: str) -> str:
    """The scope, or what is certain of it with a `*` behind."""
    sure = "".join(takewhile(lambda c: c.isprintable() and c != "%", scope))
    return sure if sure == scope else f"{sure}*"


def _meant(rule: Rule, people: Mapping[str, Person]) -> Iterator[tuple[str, PrincipalRef]]:
    """The scopes and principals that one line stands for."""
    if _USER not in rule.scope + rule.subject and _GROUP not in rule.scope + rule.subject:
        for principal in _named(rule.subject, people):
            yield rule.scope, principal
    elif rule.scope.find("%") < 0 and rule.subject in (_USER, _GROUP):
        yield rule.scope, group(ANYBODY_SIGNED_IN if rule.subject == _USER else ANYBODY_IN_A_GROUP)
    else:
        for person in people.values():
            for scope, subject in _filled_in(rule, person):
                if _is(person, subject):
                    yield scope, account(person.login)


def _filled_in(rule: Rule, person: Person) -> Iterator[tuple[str, str]]:
    """The rule as it reads for one person, once for each of their groups if it names those."""
    scope = rule.scope.replace(_USER, person.login)
    subject = rule.subject.replace(_USER, encoded(person.login))
    if _GROUP not in scope + subject:
        yield scope, subject
        return
    for raw in person.raw_groups:
        if cleaned(raw):
            yield scope.replace(_GROUP, cleaned(raw)), subject.replace(_GROUP, "@" + encoded(raw))


def _is(person: Person, subject: str) -> bool:
    return (
        subject == "@ALL"
        or same_text(subject, encoded(person.login))
        or any(subject == "@" + encoded(name) for name in person.groups)
    )


def _named(subject: str, people: Mapping[str, Person]) -> Iterator[PrincipalRef]:
    """Whom a subject names. One that no name is written like matches nobody, as in the wiki."""
    if subject == "@ALL":
        yield EVERYONE
        return
    name = unquote(subject.removeprefix("@"), errors="surrogateescape")
    if subject.startswith("@"):
        if encoded(name) == subject[1:] and name:
            yield group(name)
        return
    for login in people:
        if same_text(subject, encoded(login)):
            yield account(login)
    if name not in people and name and encoded(name) == subject:
        yield group(AWAITED + name)


def _superusers(names: Sequence[str]) -> Iterator[PrincipalRef]:
    """As the setting `superuser` of the wiki names them; a name that is not certain lets nobody in."""
    for written in (part.strip() for name in names for part in name.split(",")):
        name = cleaned(written.removeprefix("@"))
        if written == "@ALL":
            yield EVERYONE
        elif name:
            yield group(name) if written.startswith("@") else account(name)
