"""Mistakes where several people read together: somebody beside is forgotten, or not held to the rule."""

from __future__ import annotations

from assistant.access import door, mask, standing, together, visibility
from assistant.access.mask_tables import Tables
from assistant.accounts import holding_together
from assistant.chat import answering, files, files_asked, past, runner, selectors, services, sharing, styles
from assistant.guardrails import policy
from tests.security import noticing_together as noticing
from tests.security.mistake import swap

_ALONE = "type(viewer)(viewer.user_id, viewer.email)"
_TOLD_ALONE = ("may_still_read(viewer, ", f"may_still_read({_ALONE}, ")
_NOBODY_GONE = ("not all_are_there(viewer)", "False")
_ASKER_ALONE = ("viewer.everybody", "(viewer.user_id,)")
_SEEN = (" or not found.was_seen_by(viewer.beside)", "")
_FORGOTTEN = ("if viewer.beside:", "if False:")

TOGETHER = tuple(
    swap(f"together: {name}", check, function, *changes)
    for check, mistakes in (
        (
            noticing.the_queryset_gives_what_each_may_read,
            (
                ("the queryset forgets who is beside", visibility.visible_documents, _FORGOTTEN),
                (
                    "one of them is enough",
                    together._clause_opens,
                    ("if not undecided:", "if len(undecided) < len(meant.people):"),
                ),
                ("one clause is enough", together._opens, (" and all(", " and any(")),
                ("denies are forgotten", together._clause_opens, ("elif undecided & ", "elif False and ")),
                (
                    "a deny in doubt does not count",
                    together._Meant.denied,
                    ("if principal in", "if False and"),
                ),
                (
                    "a deny of an unconfirmed address does not count",
                    together._Meant.denied,
                    (" | self.maybe.get(principal, set())", ""),
                ),
                (
                    "expired entries count",
                    together._open_lists,
                    ("Q(expires_at=None) | Q(expires_at__gt=now)", "Q()"),
                ),
                (
                    "the order is ignored",
                    together._open_lists,
                    ('"clause", "position"', '"clause", "-position"'),
                ),
                (
                    "an unconfirmed address lets in",
                    holding_together._add_by_address,
                    ("(surely if confirmed else maybe)", "surely"),
                ),
                (
                    "an outdated link lets in",
                    holding_together.held_by_each,
                    (", principal__connection__in=fresh", ""),
                ),
                (
                    "links are forgotten",
                    holding_together.held_by_each,
                    ("surely[user].add(principal)", "pass"),
                ),
                (
                    "edges of an old generation count",
                    holding_together._Around.__init__,
                    (', generation=F("connection__generation")', ""),
                ),
                (
                    "nobody is everyone",
                    holding_together.held_by_each,
                    ("set(everyone) for user", "set() for user"),
                ),
            ),
        ),
        (
            noticing.the_object_test_gives_what_each_may_read,
            (("the object test forgets who is beside", visibility.may_read, _FORGOTTEN),),
        ),
        (
            noticing.the_mask_gives_what_each_may_read,
            (
                (
                    "the mask forgets who is beside",
                    mask._make,
                    (
                        "holdings.get(person) for person in viewer.everybody",
                        "holdings.get(viewer.user_id) for person in viewer.everybody[:1]",
                    ),
                    (
                        "missing = [person for person in viewer.everybody",
                        "missing = [person for person in viewer.everybody[:1]",
                    ),
                ),
                (
                    "the mask is the last one's",
                    Tables.common_mask,
                    ("lists = lists.only(open_lists)", "pass"),
                ),
                (
                    "the mask of one serves all",
                    Tables.common_mask,
                    ("self.masks.get(frozenset(distinct))", "self.masks.get(next(iter(distinct)))"),
                ),
                (
                    "the mask counts a closed account",
                    standing.standing_of,
                    _ASKER_ALONE,
                ),
            ),
        ),
        (
            noticing.a_private_document_is_read_alone,
            (
                ("a private document is shown", visibility.own_documents, _FORGOTTEN),
                (
                    "a private document is shown by the object test",
                    visibility.may_read,
                    ("shared and all(", "all("),
                ),
            ),
        ),
        (
            noticing.a_statement_holds_for_one_state_of_the_database,
            (("a change in between is not seen", together.open_to_each, (" & _still(permissions)", "")),),
        ),
        (
            noticing.a_statement_asks_whether_all_accounts_are_open,
            (
                ("a closed account reads on", together.open_to_each, (" & _all_open(people)", "")),
                (
                    "nothing may be read by a closed account",
                    door.may_still_read,
                    _NOBODY_GONE,
                ),
            ),
        ),
        (
            noticing.a_stream_is_cut_for_all_when_one_may_read_no_more,
            (
                (
                    "the stream asks for the reader alone",
                    services._next,
                    _TOLD_ALONE,
                ),
                (
                    "the stream goes on beside a closed account",
                    door.may_still_read,
                    _NOBODY_GONE,
                ),
            ),
        ),
        (
            noticing.a_sentence_is_released_for_all_who_read_along,
            (
                (
                    "a sentence is released for the asker",
                    answering._released,
                    _TOLD_ALONE,
                ),
            ),
        ),
        (
            noticing.a_count_is_of_what_all_may_read,
            (("a count of files", selectors.count_searched, (" and not viewer.beside", "")),),
        ),
        (
            noticing.a_private_turn_stays_private,
            (
                ("a private turn is told to a model", past.past, _FORGOTTEN),
                (
                    "a private turn is streamed",
                    services.owned_turn,
                    _SEEN,
                ),
                (
                    "a private turn is shown",
                    selectors._owned,
                    _SEEN,
                ),
                (
                    "a private turn is shown with others",
                    selectors.conversation,
                    ("row.was_seen_by(viewer.beside)", "True"),
                ),
                ("titles are listed", selectors.conversations, _FORGOTTEN),
            ),
        ),
        (
            noticing.a_question_is_answered_for_those_it_was_asked_before,
            (
                ("a turn is answered for its owner", runner.run_turn, (", beside=turn.seen_by", "")),
                (
                    "who reads along is not kept",
                    services.start_turn,
                    ("seen_by=list(viewer.beside)", "seen_by=[]"),
                ),
            ),
        ),
        (
            noticing.no_file_of_a_conversation_is_asked,
            (
                ("files are asked", services.start_turn, ("FilesAsked.NONE if viewer.beside else ", "")),
                ("files of an old turn are asked", files_asked._may_be_asked, (" and not turn.seen_by", "")),
                ("files are named", files.files_of, ("[] if viewer.beside else ", "")),
            ),
        ),
        (
            noticing.a_rule_concerns_whoever_reads_along,
            (
                (
                    "rules are the asker's",
                    policy.concerning,
                    ("pk__in=viewer.everybody", "pk=viewer.user_id"),
                    ("len(users) < len(viewer.everybody)", "not users"),
                ),
                ("doubt is forgotten", holding_together.held_by_any, (" | unsettled(fresh)", "")),
            ),
        ),
        (
            noticing.wishes_are_obeyed_alone,
            (("wishes are told to others", styles.wishes_of, _FORGOTTEN),),
        ),
        (
            noticing.a_link_opens_for_nobody_beside_a_closed_account,
            (
                (
                    "a link opens beside a closed account",
                    sharing.opened_share,
                    _ASKER_ALONE,
                ),
            ),
        ),
    )
    for name, function, *changes in mistakes
)
