"""Classic mistakes in permission code, each with the check that must notice it.

A mistake is made by swapping a piece of a real function (see `rewriting`) or by putting
a function without its guard in the place of the real one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import wraps
from types import ModuleType
from unittest import mock

from django.db.models import Q, QuerySet

from assistant.access import door, visibility
from assistant.access.viewer import Viewer
from assistant.accounts import api_keys, freshness, holding, nesting, principals
from assistant.accounts.models import AddressManager, User
from assistant.chat import answering, selectors, services
from assistant.common import acl as acl_values
from assistant.documents import acls
from assistant.documents.models import Document
from assistant.retrieval import retrieve as retrieving
from tests.security import noticing
from tests.security.rewriting import rewritten

Check = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Mistake:
    """`made()` makes the mistake for as long as its block lasts; `check` must then fail."""

    name: str
    check: Check
    made: Callable[[], AbstractContextManager[None]]


def _swap(name: str, check: Check, function: Callable[..., object], *changes: tuple[str, str]) -> Mistake:
    return Mistake(name, check, lambda: rewritten(function, changes))


def _unguarded(name: str, check: Check, module: ModuleType, function: str) -> Mistake:
    """The caller in `module` uses the door's function as if everything were readable."""
    return Mistake(name, check, lambda: _without_the_door(module, function))


@contextmanager
def _without_the_door(module: ModuleType, function: str) -> Iterator[None]:
    real: Callable[..., object] = getattr(module, function)

    @wraps(real)
    def open_to_all(*args: object, **kwargs: object) -> object:
        with mock.patch.object(door, "visible_documents", _everything):
            return real(*args, **kwargs)

    with mock.patch.object(module, function, open_to_all):
        yield


def _everything(_viewer: Viewer, *, among: Q | None = None) -> QuerySet[Document]:
    """As `visible_documents`, for somebody who may read all there is."""
    there = Document.objects.filter(version__gt=0)
    return there if among is None else there.filter(among)


IN_THE_QUERYSET = tuple(
    _swap(f"queryset: {name}", noticing.the_queryset_decides_each_case, function, change)  # type: ignore[arg-type]  # a join of functions
    for name, function, change in (
        (
            "denies dropped",
            visibility._counting_entries,
            ("AclEntry.objects.filter(names", "AclEntry.objects.filter(allow=True).filter(names"),
        ),
        (
            "a deny in doubt does not count",
            visibility._counting_entries,
            ("names_viewer | might_name_viewer).", "names_viewer)."),
        ),
        (
            "an allow in doubt counts",
            visibility._counting_entries,
            ("Q(allow=False, principal__in=doubtful)", "Q(principal__in=doubtful)"),
        ),
        (
            "one open clause is enough",
            visibility._open_acls,
            ('opened=F("acl__clause_count")', "opened__gte=1"),
        ),
        (
            "the last match decides",
            visibility._open_acls,
            ("position__lt", "position__gt"),
        ),
        (
            "clauses run into each other",
            visibility._open_acls,
            ('clause=OuterRef("clause"), ', ""),
        ),
        (
            "an expired entry counts",
            visibility._counting_entries,
            ("Q(expires_at=None) | Q(expires_at__gt=now)", "Q()"),
        ),
        (
            "an entry counts at its last moment",
            visibility._counting_entries,
            ("expires_at__gt=now", "expires_at__gte=now"),
        ),
        (
            "no age limit",
            visibility.confirmed_recently,
            ("& (own | by_run)", ""),
        ),
        (
            "the age limit ends too early",
            visibility.confirmed_recently,
            ("acl_confirmed_at__gte", "acl_confirmed_at__gt"),
        ),
        (
            "the age of a run ends too early",
            visibility.confirmed_recently,
            ("confirmed >= oldest", "confirmed > oldest"),
        ),
        (
            "a stale list counts as fresh",
            visibility.confirmed_recently,
            ("Q(acl_stale=False) if", "Q() if"),
        ),
        (
            "a document without text is shown",
            visibility.visible_documents,
            ("version__gt=0", "version__gte=0"),
        ),
        *(
            (
                f"hidden is ignored ({mark})",
                visibility.visible_documents,
                ("hidden=Hidden.NO", f"hidden__in=[Hidden.NO, Hidden.{mark}]"),
            )
            for mark in ("PERMISSIONS", "MISSING", "REMOVED")
        ),
    )
)

IN_THE_OBJECT_TEST = tuple(
    _swap(f"object: {name}", noticing.the_object_test_decides_each_case, function, change)
    for name, function, change in (
        (
            "denies dropped",
            visibility.deciding_entries,
            (
                "held.ids or (not entry.allow and entry.principal_id in held.doubtful)",
                "held.ids and entry.allow",
            ),
        ),
        (
            "a deny in doubt does not count",
            visibility.deciding_entries,
            (" or (not entry.allow and entry.principal_id in held.doubtful)", ""),
        ),
        (
            "one open clause is enough",
            visibility.may_read,
            ("bool(deciding) and all(", "any("),
        ),
        (
            "a list without clauses lets everybody in",
            visibility.may_read,
            ("bool(deciding) and all(", "all("),
        ),
        (
            "the last match decides",
            visibility.deciding_entries,
            ("deciding[entry.clause] is not None or ", ""),
        ),
        (
            "an expired entry counts",
            visibility.deciding_entries,
            (" or (entry.expires_at and entry.expires_at <= now)", ""),
        ),
        (
            "an entry counts at its last moment",
            visibility.deciding_entries,
            ("entry.expires_at <= now", "entry.expires_at < now"),
        ),
        (
            "no age limit",
            visibility.may_read,
            ("max_age_s) < now", "max_age_s * 2) < now"),
        ),
        (
            "the age limit ends too early",
            visibility.may_read,
            ("max_age_s) < now", "max_age_s) <= now"),
        ),
        (
            "a stale list counts as fresh",
            visibility.permissions_confirmed_at,
            ("if not document.acl_stale:", "if True:"),
        ),
        ("hidden is ignored", visibility.may_read, ("document.hidden or ", "")),
        (
            "a document without text is shown",
            visibility.may_read,
            ("document.version == 0 or ", ""),
        ),
    )
)

IN_WHAT_A_PERSON_HOLDS = (
    *(
        _swap(name, noticing.the_queryset_decides_each_case, function, *changes)
        for name, function, changes in (
            (
                "unknown groups are forgotten",
                holding._unsettled,
                [
                    (
                        'outdated | (Q(connection__in=fresh) & ~Q(settled_in=F("connection__generation")))',
                        "outdated",
                    )
                ],
            ),
            (
                "outdated groups are forgotten",
                holding._unsettled,
                [("return outdated | ", "return ")],
            ),
            (
                "an unconfirmed address is ignored in denies",
                holding.principals_in_doubt,
                [("_unsettled(fresh) | _by_address(unconfirmed, fresh)", "_unsettled(fresh)")],
            ),
            (
                "groups around what is in doubt are forgotten",
                holding.principals_in_doubt,
                [("return with_containing_groups(start, connections=fresh)", "return start")],
            ),
            (
                "an unconfirmed address lets in",
                holding.own_principals,
                [("user=user, confirmed=True", "user=user")],
            ),
            (
                "aliases are forgotten",
                holding.own_principals,
                [("confirmed=True", "confirmed=True, is_alias=False")],
            ),
            (
                "accounts of nobody in particular let in",
                holding.accounts_by_address,
                [('principal__settled_in=F("connection__generation"),', "")],
            ),
            (
                "a link to another person is ignored",
                holding.accounts_by_address,
                [("principal__account_link=None,", "")],
            ),
            (
                "anybody's link counts",
                holding.own_principals,
                [("AccountLink.objects.filter(user=user, ", "AccountLink.objects.filter(")],
            ),
            (
                "an outdated link counts",
                holding.own_principals,
                [("user=user, principal__connection__in=fresh", "user=user")],
            ),
            (
                "nobody is everyone",
                holding.own_principals,
                [('Q(kind=PrincipalKind.EVERYONE, connection=None, external_id="")', "Q(pk=None)")],
            ),
            (
                "memberships never grow old",
                freshness.is_expired,
                [
                    (
                        "confirmed is None or confirmed + timedelta(seconds=connection.max_age_s) < now",
                        "confirmed is None",
                    )
                ],
            ),
            (
                "memberships end too early",
                freshness.is_expired,
                [("max_age_s) < now", "max_age_s) <= now")],
            ),
            (
                "edges of an old generation count",
                nesting.with_containing_groups,
                [(" AND source.generation = edge.generation", "")],
            ),
            (
                "outdated edges count",
                nesting.with_containing_groups,
                [("WHERE source.id IN ({counted})", "WHERE 1 = 1 OR source.id IN ({counted})")],
            ),
            (
                "groups do not nest",
                nesting.with_containing_groups,
                [
                    ("FROM reached\n            JOIN", "FROM direct\n            JOIN"),
                    ("edge.member_id = reached.id", "edge.member_id = direct.id"),
                    ("WITH RECURSIVE reached(id) AS (", "WITH direct(id) AS ({first}), reached(id) AS ("),
                    ("(*values, *connections)", "(*values, *values, *connections)"),
                ],
            ),
            (
                "a second account with an address joins",
                principals.settled_accounts,
                [(" and first.get(address) == principals[0]", "")],
            ),
            (
                "two accounts with one address both join",
                principals.settled_accounts,
                [
                    ("principals[0]\n        for", "principal\n        for"),
                    (
                        "if len(principals) == 1 and first.get(address) == principals[0]",
                        "for principal in principals if len(principals) > 1 or principal in first.values()",
                    ),
                ],
            ),
            (
                "a recycled address inherits",
                AddressManager.claim,
                [("alias, False, timezone.now()", "alias, True, timezone.now()")],
            ),
            (
                "groups of two connections mix",
                principals._select,
                [
                    (
                        "Q(connection=connection, external_id__in=scoped)",
                        "Q(connection__isnull=False, external_id__in=scoped)",
                    )
                ],
            ),
            (
                "ids of groups ignore case",
                acl_values.group,
                [
                    (
                        '_checked_id(external_id, "A group id")',
                        '_checked_id(external_id.lower(), "A group id")',
                    )
                ],
            ),
            (
                "lists that differ in order share a row",
                acls.intern_acl,
                [("json.dumps(body)", "json.dumps([sorted(map(str, clause)) for clause in body])")],
            ),
            (
                "lists that differ in clauses share a row",
                acls.intern_acl,
                [("json.dumps(body)", "json.dumps(sum(body, []))")],
            ),
            (
                "lists that differ in expiry share a row",
                acls.intern_acl,
                [("entry.expires.timestamp() if entry.expires else None", "None")],
            ),
            (
                "lists that differ in effect share a row",
                acls.intern_acl,
                [("[entry.allow, principals", "[principals")],
            ),
        )
    ),
    _swap(
        "a membership is swapped by halves",
        noticing.a_broken_swap_leaves_the_last_membership,
        principals.replace_membership,
        ("with transaction.atomic():", "if True:"),
    ),
    _swap(
        "a closed account reads on",
        noticing.the_queryset_decides_each_case,
        visibility._active,
        (
            "return User.objects.filter(pk=viewer.user_id, is_active=True).first()",
            "user = User.objects.get(pk=viewer.user_id)\n    user.is_active = True\n    return user",
        ),
    ),
)

AT_THE_DOOR = (
    *(
        _unguarded(f"door: {function.__name__} asks nobody", check, door, function.__name__)
        for function, check in (
            (door.passages, noticing.passages_pass_the_door),
            (door.readable, noticing.cards_pass_the_door),
            (door.may_still_read, noticing.all_documents_must_be_readable),
            (door.count_readable, noticing.counts_pass_the_door),
            (door.open_document, noticing.documents_open_through_the_door),
            (door.passage_texts, noticing.texts_pass_the_door),
        )
    ),
    _swap(
        "door: one readable document is enough",
        noticing.all_documents_must_be_readable,
        door.may_still_read,
        ("== len(wanted)", "> 0"),
    ),
    _swap(
        "door: a passage of any version passes",
        noticing.passages_are_of_the_current_version,
        door.passages,
        ('version=F("document__version"),', ""),
    ),
    _swap(
        "door: a text of any version is given out",
        noticing.texts_pass_the_door,
        door.passage_texts,
        (" and body.version == version", ""),
    ),
    _unguarded("search: hits skip the door", noticing.hits_pass_the_door, retrieving, "passages"),
)

IN_CONVERSATIONS = (
    _unguarded(
        "an old answer is not checked again", noticing.an_old_answer_is_withheld, selectors, "may_still_read"
    ),
    _unguarded(
        "an old citation keeps its title",
        noticing.an_old_citation_names_no_revoked_document,
        selectors,
        "readable",
    ),
    _swap(
        "an old citation keeps its text",
        noticing.an_old_citation_shows_no_text_of_another_version,
        door.passage_texts,
        (" and body.version == version", ""),
    ),
    _unguarded(
        "a citation opens without the door",
        noticing.a_citation_opens_nothing_revoked,
        selectors,
        "open_document",
    ),
    _swap(
        "an uncited sentence stands on nothing",
        noticing.an_uncited_sentence_stands_on_all_that_was_read,
        selectors.stands_on,
        ("return set(read)", "pass"),
    ),
    _unguarded(
        "a running stream is not checked", noticing.a_running_stream_is_cut, services, "may_still_read"
    ),
    _unguarded(
        "a sentence is released unchecked",
        noticing.a_sentence_is_released_through_the_door,
        answering,
        "may_still_read",
    ),
    *(
        _unguarded(f"a count of everything ({where})", check, module, "count_readable")
        for where, module, check in (
            ("page", selectors, noticing.nothing_found_counts_what_is_readable_now),
            ("stream", services, noticing.nothing_found_counts_what_is_readable_now),
            ("answer", answering, noticing.an_empty_answer_counts_what_is_readable),
        )
    ),
    _swap(
        "anybody's conversations are listed",
        noticing.a_conversation_is_its_owners,
        selectors._conversations,
        ("user_id=viewer.user_id, ", ""),
    ),
    _swap(
        "anybody's turn is followed",
        noticing.a_conversation_is_its_owners,
        services.owned_turn,
        ("conversation__user_id=viewer.user_id, ", ""),
    ),
    _swap(
        "anybody's conversation is continued",
        noticing.a_conversation_is_its_owners,
        services.owned_conversation,
        ("user_id=viewer.user_id, ", ""),
    ),
    _swap(
        "a stream outlives its reader's account",
        noticing.a_closed_account_finds_no_conversation,
        services.owned_turn,
        (", conversation__user__is_active=True", ""),
    ),
    _swap(
        "conversations outlive their reader's account",
        noticing.a_closed_account_finds_no_conversation,
        selectors._conversations,
        (", user__is_active=True", ""),
    ),
)

IN_KEYS_AND_ROLES = (
    *(
        _swap(
            f"a key works {when}",
            noticing.a_key_works_only_while_it_may,
            api_keys.person_with_key,
            (old, new),
        )
        for when, old, new in (
            ("after it was revoked", "revoked_at=None, ", ""),
            ("after its time", ", expires_at__gt=timezone.now()", ""),
            ("for a closed account", "filter(user__is_active=True)", "all()"),
        )
    ),
    _swap(
        "a closed account keeps its rights",
        noticing.each_role_may_do_its_own,
        User.has_right,
        ("self.is_active and ", ""),
    ),
)

MISTAKES: tuple[Mistake, ...] = (
    *IN_THE_QUERYSET,
    *IN_THE_OBJECT_TEST,
    *IN_WHAT_A_PERSON_HOLDS,
    *AT_THE_DOOR,
    *IN_CONVERSATIONS,
    *IN_KEYS_AND_ROLES,
)
