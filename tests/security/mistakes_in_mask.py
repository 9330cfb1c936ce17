"""Mistakes in the mask: in its arrays, and in what it keeps for too long or for the wrong person."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from assistant.access import document_columns, standing
from assistant.access.document_columns import DocumentColumns
from assistant.access.list_columns import ListColumns
from assistant.access.mask_tables import Holding, KeptMask, Tables
from assistant.access.standing import Standing
from tests.security import noticing
from tests.security.mistake import swap

_STATEMENT_SHOWING_ALL = '_STATEMENT.replace("hidden = %s", "(hidden = %s OR 1 = 1)").format'
_STATEMENT_FOR_ALL = 'execute(_STATEMENT.replace("AND person.is_active", "")'
_key_of_a_holding = cast(Callable[..., object], cast(property, Holding.key).fget)

IN_THE_MASK = tuple(
    swap(f"mask: {name}", check, function, (old, new))
    for check, mistakes in (
        (
            noticing.the_mask_decides_each_case,
            (
                (
                    "denies dropped",
                    ListColumns.open_to,
                    "[expires > now]",
                    "[(expires > now) & self.allow[matching]]",
                ),
                ("a deny in doubt does not count", ListColumns.open_to, "if doubtful.size:", "if False:"),
                ("an allow in doubt counts", ListColumns.open_to, "(~self.allow)", "(self.allow | True)"),
                (
                    "one open clause is enough",
                    ListColumns.open_to,
                    "opened == self.clause_counts",
                    "opened >= 1",
                ),
                ("the last match decides", ListColumns.open_to, "first[1:] =", "first[:-1] ="),
                ("clauses run into each other", ListColumns._append, " | (clauses[1:] != clauses[:-1])", ""),
                ("order is ignored", ListColumns._append, "rows[:, 2], ", "-rows[:, 2], "),
                ("an expired entry counts", ListColumns.open_to, "expires > now", "expires > 0"),
                (
                    "an entry counts at its last moment",
                    ListColumns.open_to,
                    "expires > now",
                    "expires >= now",
                ),
                ("no age limit", DocumentColumns.recent, "= ends > now", "= True"),
                ("the age limit ends too early", DocumentColumns.recent, "[others]] + 1", "[others]]"),
                (
                    "the age of a run ends too early",
                    DocumentColumns.recent,
                    "lists_until >= now",
                    "lists_until > now",
                ),
                ("a stale list counts as fresh", DocumentColumns.recent, " & ~self.stale", ""),
                (
                    "hidden is ignored",
                    document_columns._changed_since,
                    "_STATEMENT.format",
                    _STATEMENT_SHOWING_ALL,
                ),
            ),
        ),
        (
            noticing.a_warm_mask_follows_each_change,
            (
                (
                    "kept through changes of documents",
                    KeptMask.fits,
                    "self.documents == standing.documents and ",
                    "",
                ),
                ("what is held is kept through changes", Tables.basis, "standing.permissions", "0"),
                ("a principal new to the lists is not held", Tables.basis, "self.lists.epoch", "0"),
                ("shared by everybody", _key_of_a_holding, "self.held.tobytes()", 'b""'),
                (
                    "changed documents are not read",
                    Tables.follow,
                    "self.documents.revision >=",
                    "self.documents.revision and 0 <=",
                ),
                ("a closed account reads on", standing.standing_of, "execute(_STATEMENT", _STATEMENT_FOR_ALL),
            ),
        ),
        (
            noticing.a_warm_mask_obeys_the_clock,
            (
                ("kept past its time", KeptMask.fits, "self.span.holds(now)", "True"),
                ("the ages of sources are kept", KeptMask.fits, "self.sources == standing.sources", "True"),
                (
                    "a holding outlives the membership it came from",
                    Standing.fresh,
                    "if source.membership_until >= now",
                    "",
                ),
                ("what is held is kept past its time", Tables.basis, "standing.fresh(now)", "()"),
                ("an expiry ends nothing", ListColumns.open_to, "span_around(now, expires)", "Span()"),
            ),
        ),
        (
            noticing.a_warm_mask_knows_who_holds_what,
            (("shared in spite of doubt", _key_of_a_holding, "self.doubtful.tobytes()", 'b""'),),
        ),
    )
    for name, function, old, new in mistakes
)
