"""Mistakes in the rule itself: in the queryset, in the object test, and in who holds what."""

from __future__ import annotations

from assistant.access import visibility
from assistant.accounts import freshness, holding, nesting, principals
from assistant.accounts.models import AddressManager
from assistant.common import acl as acl_values
from assistant.documents import acls
from tests.security import noticing
from tests.security.mistake import swap

IN_THE_QUERYSET = tuple(
    swap(f"queryset: {name}", noticing.the_queryset_decides_each_case, function, change)  # type: ignore[arg-type]  # a join of functions
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
            "a closed account reads",
            visibility._open_lists,
            (", is_active=True", ""),
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
    swap(f"object: {name}", noticing.the_object_test_decides_each_case, function, change)
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
        swap(name, noticing.the_queryset_decides_each_case, function, *changes)
        for name, function, changes in (
            (
                "unknown groups are forgotten",
                holding.unsettled,
                [
                    (
                        'outdated | (Q(connection__in=fresh) & ~Q(settled_in=F("connection__generation")))',
                        "outdated",
                    )
                ],
            ),
            (
                "outdated groups are forgotten",
                holding.unsettled,
                [("return outdated | ", "return ")],
            ),
            (
                "an unconfirmed address is ignored in denies",
                holding.in_doubt_while,
                [("unsettled(fresh) | by_address(unconfirmed, fresh)", "unsettled(fresh)")],
            ),
            (
                "groups around what is in doubt are forgotten",
                holding.in_doubt_while,
                [("return with_containing_groups(start, connections=fresh)", "return start")],
            ),
            (
                "an unconfirmed address lets in",
                holding.own_principals,
                [("user=user_id, confirmed=True", "user=user_id")],
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
                [("AccountLink.objects.filter(user=user_id, ", "AccountLink.objects.filter(")],
            ),
            (
                "an outdated link counts",
                holding.own_principals,
                [("user=user_id, principal__connection__in=fresh", "user=user_id")],
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
                        '_checked_id(external_id, told("A group id"))',
                        '_checked_id(external_id.lower(), told("A group id"))',
                    )
                ],
            ),
            (
                "lists that differ in order share a row",
                acls._digest,
                [("json.dumps(stated)", "json.dumps([sorted(map(str, clause)) for clause in stated])")],
            ),
            (
                "lists that differ in clauses share a row",
                acls._digest,
                [("json.dumps(stated)", "json.dumps(sum(stated, []))")],
            ),
            (
                "lists that differ in expiry share a row",
                acls._digest,
                [("expires.timestamp() if expires else None", "None")],
            ),
            (
                "lists that differ in effect share a row",
                acls._digest,
                [("[[allow, principal", "[[principal")],
            ),
        )
    ),
    swap(
        "a membership is swapped by halves",
        noticing.a_broken_swap_leaves_the_last_membership,
        principals.replace_membership,
        ("with transaction.atomic():", "if True:"),
    ),
    swap(
        "a closed account reads on",
        noticing.the_object_test_decides_each_case,
        visibility._active,
        (
            "return User.objects.filter(pk=viewer.user_id, is_active=True).first()",
            "user = User.objects.get(pk=viewer.user_id)\n    user.is_active = True\n    return user",
        ),
    ),
)
