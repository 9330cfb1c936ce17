"""Classic mistakes in permission code, each with the check that must notice it."""

from __future__ import annotations

from assistant.access import door
from assistant.accounts import api_keys, people
from assistant.accounts.models import User
from assistant.chat import answering, events, noted, past, scope, selectors, services, sharing
from assistant.retrieval import retrieve as retrieving
from tests.security import noticing, noticing_in_conversations, noticing_in_follow_ups
from tests.security.mistake import Mistake, swap, unguarded
from tests.security.mistakes_in_mask import IN_THE_MASK
from tests.security.mistakes_in_rule import IN_THE_OBJECT_TEST, IN_THE_QUERYSET, IN_WHAT_A_PERSON_HOLDS
from tests.security.mistakes_together import TOGETHER
from tests.security.mistakes_with_private_documents import WITH_PRIVATE_DOCUMENTS

AT_THE_DOOR = (
    *(
        unguarded(f"door: {function.__name__} asks nobody", check, door, function.__name__)
        for function, check in (
            (door.passages, noticing.passages_pass_the_door),
            (door.surroundings, noticing.surroundings_pass_the_door),
            (door.readable, noticing.cards_pass_the_door),
            (door.openings, noticing.openings_pass_the_door),
            (door.may_still_read, noticing.all_documents_must_be_readable),
            (door.still_readable, noticing.all_documents_must_be_readable),
            (door.count_readable, noticing.counts_pass_the_door),
            (door.open_document, noticing.documents_open_through_the_door),
            (door.passage_texts, noticing.texts_pass_the_door),
        )
    ),
    swap(
        "door: one readable document is enough",
        noticing.all_documents_must_be_readable,
        door.may_still_read,
        (" == set(document_ids)", " != set()"),
    ),
    swap(
        "door: a passage of any version passes",
        noticing.passages_are_of_the_current_version,
        door.passages,
        ('version=F("document__version"),', ""),
    ),
    swap(
        "door: surroundings of any version pass",
        noticing.passages_are_of_the_current_version,
        door.surroundings,
        ('version=F("document__version"),', ""),
    ),
    swap(
        "door: a text of any version is given out",
        noticing.texts_pass_the_door,
        door.passage_texts,
        (" and body.version == version", ""),
    ),
    unguarded(
        "search: hits skip the door", noticing_in_conversations.hits_pass_the_door, retrieving, "passages"
    ),
)

IN_CONVERSATIONS = (
    unguarded(
        "an old answer is not checked again",
        noticing_in_conversations.an_old_answer_is_withheld,
        selectors,
        "may_still_read",
    ),
    unguarded(
        "an old citation keeps its title",
        noticing_in_conversations.an_old_citation_names_no_revoked_document,
        selectors,
        "readable",
    ),
    unguarded(
        "a citation names every copy",
        noticing_in_conversations.what_a_citation_stands_for_is_named_through_the_door,
        selectors,
        "readable",
    ),
    unguarded(
        "a note names what is out of reach",
        noticing_in_conversations.a_note_is_left_out_with_its_documents,
        noted,
        "readable",
    ),
    swap(
        "a stream tells every note",
        noticing_in_conversations.a_streamed_note_is_left_out_with_its_documents,
        services._may_be_told,
        ('stored.kind != "note"', "True"),
    ),
    swap(
        "an old citation keeps its text",
        noticing_in_conversations.an_old_citation_shows_no_text_of_another_version,
        door.passage_texts,
        (" and body.version == version", ""),
    ),
    unguarded(
        "a citation opens without the door",
        noticing_in_conversations.a_citation_opens_nothing_revoked,
        selectors,
        "open_document",
    ),
    swap(
        "an uncited sentence stands on nothing",
        noticing_in_conversations.an_uncited_sentence_stands_on_all_that_was_read,
        selectors.stands_on,
        ("set() if all(", "set() if True or all("),
    ),
    swap(
        "a worded sentence stands on what it cites",
        noticing_in_conversations.a_worded_sentence_stands_on_all_that_was_read,
        events.rests_on_citations,
        ("(sentence.quoted or bool(sentence.calculated)) and ", ""),
    ),
    swap(
        "a worded sentence is released by what it cites",
        noticing_in_conversations.a_worded_sentence_is_released_through_the_door_of_all_that_was_read,
        answering.Answer.stands_on,
        ("self.read if self.worded else ", ""),
    ),
    unguarded(
        "the past of a conversation asks nobody",
        noticing_in_follow_ups.a_withheld_turn_is_no_past,
        past,
        "still_readable",
    ),
    *(
        swap(f"what a model was told counts for nothing ({where})", check, function, (told, ""))
        for where, check, function, told in (
            (
                "page",
                noticing_in_follow_ups.an_answer_stands_on_what_its_model_was_told,
                selectors._turn,
                " | set(row.carried_documents)",
            ),
            (
                "stream",
                noticing_in_follow_ups.a_stream_stands_on_what_its_model_was_told,
                services._next,
                " | set(turn.carried_documents)",
            ),
            (
                "link",
                noticing_in_follow_ups.a_reader_is_shown_nothing_that_a_model_was_told,
                selectors.turn_for_reader,
                " | set(row.carried_documents)",
            ),
        )
    ),
    unguarded(
        "a running stream is not checked",
        noticing_in_conversations.a_running_stream_is_cut,
        services,
        "may_still_read",
    ),
    unguarded(
        "a sentence is released unchecked",
        noticing_in_conversations.a_sentence_is_released_through_the_door,
        answering,
        "may_still_read",
    ),
    *(
        unguarded(f"a count of everything ({where})", check, module, counts)
        for where, module, counts, check in (
            (
                "page",
                selectors,
                "count_fitting",
                noticing_in_conversations.nothing_found_counts_what_is_readable_now,
            ),
            (
                "stream",
                services,
                "count_searched",
                noticing_in_conversations.nothing_found_counts_what_is_readable_now,
            ),
            (
                "answer",
                answering,
                "count_fitting",
                noticing_in_conversations.an_empty_answer_counts_what_is_readable,
            ),
        )
    ),
    swap(
        "a count of everything (scope)",
        noticing_in_conversations.a_scope_tells_only_what_is_readable,
        door.count_readable,
        ("permitted[:common] * among[:common]", "among[:common]"),
    ),
    swap(
        "every source is offered",
        noticing_in_conversations.a_scope_tells_only_what_is_readable,
        door.readable_sources,
        ("pk__in=readable_connections(viewer)", "pk__gt=0"),
    ),
    swap(
        "a scope names what was typed",
        noticing_in_conversations.a_scope_tells_only_what_is_readable,
        scope.scope_of,
        ("named = tuple(name for name in offered if normalise(name) in chosen)", "named = filters.sources"),
    ),
    swap(
        "anybody's conversations are listed",
        noticing_in_conversations.a_conversation_is_its_owners,
        selectors._conversations,
        ("user_id=viewer.user_id, ", ""),
    ),
    swap(
        "anybody's turn is followed",
        noticing_in_conversations.a_conversation_is_its_owners,
        services.owned_turn,
        ("conversation__user_id=viewer.user_id, ", ""),
    ),
    swap(
        "anybody's conversation is continued",
        noticing_in_conversations.a_conversation_is_its_owners,
        services.owned_conversation,
        ("user_id=viewer.user_id, ", ""),
    ),
    swap(
        "a stream outlives its reader's account",
        noticing_in_conversations.a_closed_account_finds_no_conversation,
        services.owned_turn,
        (", conversation__user__is_active=True", ""),
    ),
    swap(
        "conversations outlive their reader's account",
        noticing_in_conversations.a_closed_account_finds_no_conversation,
        selectors._conversations,
        (", user__is_active=True", ""),
    ),
)

IN_KEYS_AND_ROLES = (
    *(
        swap(
            f"a key works {when}",
            noticing.a_key_works_only_while_it_may,
            api_keys.asking_with,
            (old, new),
        )
        for when, old, new in (
            ("after it was revoked", "revoked_at=None, ", ""),
            ("after its time", ", expires_at__gt=timezone.now()", ""),
            ("for a closed account", "filter(user__is_active=True)", "all()"),
        )
    ),
    swap(
        "a closed account keeps its rights",
        noticing.each_role_may_do_its_own,
        User.has_right,
        ("self.is_active and ", ""),
    ),
)

IN_SHARED_CONVERSATIONS = (
    unguarded(
        "a shared answer is not checked for its reader",
        noticing_in_conversations.a_shared_answer_is_checked_for_its_reader,
        selectors,
        "may_still_read",
    ),
    *(
        swap(
            name,
            noticing_in_conversations.a_link_opens_only_while_and_what_its_owner_shares,
            function,
            (old, new),
        )
        for name, function, old, new in (
            ("a link shows later turns", sharing._shared_turns, ".filter(pk__lte=share.until_id)", ""),
            (
                "a link outlives its owner's account",
                sharing.opened_share,
                ", conversation__user__is_active=True",
                "",
            ),
            (
                "a link opens for closed accounts",
                sharing.opened_share,
                "pk__in=people, is_active=True",
                "pk__in=people",
            ),
            ("an ended link opens", sharing.stop_sharing, "share.delete()", "pass"),
            (
                "anybody shares a conversation",
                sharing._locked,
                "owned_conversation(viewer, conversation_id)",
                "pass",
            ),
        )
    ),
)

IN_WHAT_PEOPLE_DO_TO_THEMSELVES = (
    swap(
        "somebody gives themselves an address",
        noticing.nobody_widens_what_they_may_read,
        people._require_another,
        ("actor == user.email", "False"),
    ),
    swap(
        "the last who manages people goes",
        noticing.somebody_can_always_manage_people,
        people._require_another_manager,
        ("== {user.pk}", "== set()"),
    ),
)

MISTAKES: tuple[Mistake, ...] = (
    *IN_THE_QUERYSET,
    *IN_THE_OBJECT_TEST,
    *WITH_PRIVATE_DOCUMENTS,
    *IN_WHAT_A_PERSON_HOLDS,
    *AT_THE_DOOR,
    *IN_CONVERSATIONS,
    *IN_KEYS_AND_ROLES,
    *IN_THE_MASK,
    *IN_SHARED_CONVERSATIONS,
    *IN_WHAT_PEOPLE_DO_TO_THEMSELVES,
    *TOGETHER,
)
