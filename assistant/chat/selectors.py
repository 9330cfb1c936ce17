"""Reading conversations. Every answer passes the door again for the person who reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from django.db.models import QuerySet

from assistant.access.door import may_still_read, open_document, passage_texts, readable
from assistant.access.viewer import Viewer
from assistant.catalogue.selectors import names_for
from assistant.chat.events import (
    KINDS,
    Blocked,
    CitedPassage,
    Failed,
    NoAnswer,
    Note,
    Token,
    TurnEvent,
    Withheld,
    rests_on_citations,
    stored_note,
    stored_token,
)
from assistant.chat.models import (
    ChatFile,
    Citation,
    Conversation,
    FilesAsked,
    FileState,
    Share,
    Turn,
    TurnMode,
    TurnState,
)
from assistant.chat.note_words import ShownNote
from assistant.chat.noted import shown_notes
from assistant.chat.reading import (
    AnswerPart,
    CitedSource,
    ConversationItem,
    ConversationView,
    FoldedSource,
    TurnView,
)
from assistant.chat.scope import scope_of
from assistant.common.errors import GuardrailsDamaged, ModelUnavailable, NotFound
from assistant.guardrails.inspect import shown_passage
from assistant.providers.source_dates import UNKNOWN_STANDING
from assistant.retrieval.filters import from_stored
from assistant.retrieval.folding import Reason
from assistant.retrieval.narrowing import count_fitting
from assistant.retrieval.standing import standings

_LISTED = 200
_GONE = 0
_OUTCOMES = {"blocked": Blocked, "no_answer": NoAnswer, "failed": Failed, "withheld": Withheld}


def conversations(*, viewer: Viewer) -> list[ConversationItem]:
    """The viewer's conversations, newest first; none where others read along, for a title is a question."""
    if viewer.beside:
        return []
    mine = _conversations(viewer).order_by("-updated_at", "-pk")[:_LISTED]
    return [ConversationItem(row.pk, row.title, row.updated_at) for row in mine]


def conversation(*, viewer: Viewer, conversation_id: int) -> ConversationView:
    """A conversation with its turns.

    Raises:
        NotFound: no such conversation of this person, or not all of it was asked before all who read along.
    """
    found = _conversations(viewer).filter(pk=conversation_id).first()
    turns = [] if found is None else list(found.turns.prefetch_related("events", "citations").order_by("pk"))
    if found is None or not all(row.was_seen_by(viewer.beside) for row in turns):
        raise NotFound("There is no such conversation.")
    names = names_for(viewer)
    return ConversationView(
        id=found.pk,
        title=found.title,
        turns=tuple(_turn(viewer, row, names) for row in turns),
        is_shared=Share.objects.filter(conversation=found).exists(),
    )


def turn(*, viewer: Viewer, turn_id: int) -> TurnView:
    """One turn.

    Raises:
        NotFound: no such turn of this person.
    """
    return _turn(viewer, _owned(viewer, turn_id), names_for(viewer))


def cited_source(*, viewer: Viewer, turn_id: int, n: int) -> CitedSource:
    """What citation `n` of a turn points at.

    Raises:
        NotFound: no such citation of this person's turn, or its document may not be read.
    """
    return open_citation(viewer, _owned(viewer, turn_id), n)


def open_citation(viewer: Viewer, row: Turn, n: int) -> CitedSource:
    """Citation `n` of a turn that the viewer may see.

    Raises:
        NotFound: no such citation, or its document may not be read.
    """
    citation = Citation.objects.filter(turn=row, n=n).first()
    if citation is None:
        raise NotFound("There is no such source.")
    document = open_document(viewer=viewer, document_id=citation.document_id)
    changed = document.version != citation.version
    standing = standings(viewer, [document.id]).get(document.id, UNKNOWN_STANDING)
    return CitedSource(
        n=n,
        document=document,
        passage=None if changed else (citation.start, citation.end),
        quotes=() if changed else tuple((start, end) for start, end in citation.quotes),
        changed=changed,
        folded=() if changed else _folded(viewer, citation),
        day=standing.dates.day,
        dated=standing.dates.dated.value,
    )


def _folded(viewer: Viewer, citation: Citation) -> tuple[FoldedSource, ...]:
    """The other documents that the passage stands for: unchanged since, and readable now."""
    cards = readable(viewer, {document for document, _, _ in citation.folded})
    found: dict[int, FoldedSource] = {}
    for document, version, reason in citation.folded:
        card = cards.get(document)
        if card is None or card.version != version or document == citation.document_id:
            continue
        is_older = reason == Reason.SUPERSEDED
        found.setdefault(document, FoldedSource(card.id, card.title, card.source, is_older))
    return tuple(found.values())


def cited_passages(viewer: Viewer, turn_id: int) -> tuple[CitedPassage, ...]:
    """The numbered sources of a turn that the viewer may read now."""
    return _passages(viewer, list(Citation.objects.filter(turn_id=turn_id).order_by("n")))


def count_searched(viewer: Viewer, row: Turn) -> int:
    """How many documents the owner's question would search now, or files where it asks those alone."""
    if row.files == FilesAsked.ONLY and not viewer.beside:
        return ChatFile.objects.filter(conversation=row.conversation_id, state=FileState.READY).count()
    return count_fitting(viewer, from_stored(row.filters))


def stands_on(sentences: Sequence[Token], citations: Sequence[Citation], read: Sequence[int]) -> set[int]:
    """Ids of the documents that the sentences stand on: all that were read, if one does more than quote.

    A number whose citation is gone, as its document's row is, gives 0: a document that nobody may read.
    """
    everything = set() if all(rests_on_citations(sentence) for sentence in sentences) else set(read)
    documents = {citation.n: citation.document_id for citation in citations}
    return everything | {documents.get(n, _GONE) for n in cited_numbers(sentences)}


def notes_in(row: Turn) -> tuple[Note, ...]:
    """The notes that the stored events hold, before any door."""
    return tuple(stored_note(event.payload) for event in row.events.all() if event.kind == "note")


def _notes(
    viewer: Viewer, row: Turn, sentences: Sequence[Token], outcome: TurnEvent | None
) -> tuple[ShownNote, ...]:
    """The notes on an answer, or on why there is none, that the viewer may see now."""
    told = sentences or isinstance(outcome, NoAnswer)
    return shown_notes(viewer, notes_in(row)) if told else ()


def noted_numbers(notes: Sequence[ShownNote]) -> set[int]:
    """The numbers that shown notes speak of."""
    return {source.n for note in notes for source in note.sources}


def cited_numbers(sentences: Sequence[Token]) -> set[int]:
    """The numbers that the sentences cite."""
    return {n for sentence in sentences for n in sentence.citations}


def turn_for_reader(reader: Viewer, row: Turn) -> TurnView:
    """A finished turn of a colleague's conversation, as the reader may see it now.

    An outcome without sentences tells of everything that was read, so it stands on all of it. Only sources
    that a shown sentence cites are named: gaps among the others' numbers would tell how many are left out.
    Counts and log references of the owner's are dropped.
    """
    tokens, outcome = said_in(row)
    citations = list(row.citations.all())
    needed = stands_on(tokens, citations, row.read_documents) | set(row.carried_documents)
    if isinstance(outcome, NoAnswer | Blocked):
        needed |= set(row.read_documents)
    if isinstance(outcome, Withheld) or not may_still_read(reader, needed):
        tokens, outcome = (), Withheld()
    elif isinstance(outcome, NoAnswer):
        outcome = NoAnswer(0)
    elif isinstance(outcome, Failed):
        outcome = Failed(outcome.code)
    notes = _notes(reader, row, tokens, outcome)
    numbers = cited_numbers(tokens) | noted_numbers(notes)
    view = _view(reader, row, tokens, [c for c in citations if c.n in numbers], outcome)
    return replace(view, last_seq=0)  # it counts sentences, withheld ones too


def _conversations(viewer: Viewer) -> QuerySet[Conversation]:
    return Conversation.objects.filter(user_id=viewer.user_id, user__is_active=True)


def _owned(viewer: Viewer, turn_id: int) -> Turn:
    found = (
        Turn.objects.filter(pk=turn_id, conversation__in=_conversations(viewer))
        .prefetch_related("events", "citations")
        .first()
    )
    if found is None or not found.was_seen_by(viewer.beside):
        raise NotFound("There is no such question.")
    return found


def _turn(viewer: Viewer, row: Turn, names: Mapping[str, str]) -> TurnView:
    tokens, outcome = said_in(row)
    if isinstance(outcome, NoAnswer):
        # As many as may be read now, not then.
        outcome = NoAnswer(count_searched(viewer, row))
    citations = list(row.citations.all())
    needed = stands_on(tokens, citations, row.read_documents) | set(row.carried_documents)
    if not may_still_read(viewer, needed):
        tokens, citations, outcome = (), [], Withheld()
    view = _view(viewer, row, tokens, citations, outcome)
    searched = "" if isinstance(outcome, Withheld) else _searched(row)
    return replace(
        view,
        scope=scope_of(viewer, from_stored(row.filters)),
        searched=searched,
        model=row.model,
        model_name=names.get(row.model, "") if len(names) > 1 else "",  # the only one needs no name
        files=row.files,
        left_out=_left_out(row),
    )


def said_in(row: Turn) -> tuple[tuple[Token, ...], TurnEvent | None]:
    """What the stored events say, before any door: sentences, and the outcome if there is one."""
    tokens: list[Token] = []
    outcome: TurnEvent | None = None
    for event in row.events.all():
        if event.kind == "token":
            tokens.append(stored_token(event.payload, model=row.model))
        elif event.kind in _OUTCOMES:
            outcome = KINDS[event.kind](**event.payload)
    return tuple(tokens), outcome


def _searched(row: Turn) -> str:
    return next((event.payload["question"] for event in row.events.all() if event.kind == "searched"), "")


def _left_out(row: Turn) -> int:
    """How many files could not be read for the turn."""
    told = [event.payload for event in row.events.all() if event.kind == "status"]
    return next((payload["documents"] for payload in told if payload["step"] == "left_out"), 0)


def _parts(row: Turn) -> tuple[AnswerPart, ...]:
    """The sentences under what heads them."""
    parts = [AnswerPart("", "part", ())]
    for event in row.events.all():
        if event.kind == "section":
            parts.append(AnswerPart(event.payload["title"], event.payload["layout"], ()))
        elif event.kind == "token":
            parts[-1] = replace(
                parts[-1], sentences=(*parts[-1].sentences, stored_token(event.payload, model=row.model))
            )
    return tuple(part for part in parts if part.sentences or part.title)


def _view(
    viewer: Viewer,
    row: Turn,
    sentences: tuple[Token, ...],
    citations: Sequence[Citation],
    outcome: TurnEvent | None,
) -> TurnView:
    notes = _notes(viewer, row, sentences, outcome)
    noted = noted_numbers(notes)
    passages = _passages(viewer, citations)
    return TurnView(
        id=row.pk,
        asked_at=row.created_at,
        question=row.question,
        language=row.language,
        state=row.state,
        is_open=row.state in (TurnState.PENDING, TurnState.RUNNING),
        last_seq=max((event.seq for event in row.events.all()), default=0),
        sentences=sentences,
        passages=tuple(replace(one, cited=True) if one.n in noted else one for one in passages),
        outcome=outcome,
        parts=_parts(row) if sentences else (),
        is_draft=row.mode != TurnMode.ANSWER,
        masked=row.masked,
        notes=notes,
    )


def _passages(viewer: Viewer, citations: Sequence[Citation]) -> tuple[CitedPassage, ...]:
    cards = readable(viewer, {citation.document_id for citation in citations})
    dates = {pk: standing.dates for pk, standing in standings(viewer, cards.keys()).items()}
    texts = passage_texts(viewer, [(c.document_id, c.version, c.start, c.end) for c in citations])
    return tuple(
        CitedPassage(
            n=citation.n,
            document_id=card.id,
            external_id=card.external_id,
            title=card.title,
            source=card.source,
            url=card.url,
            place=citation.place,
            place_kind=card.place_kind,
            headings=_shown(citation.headings, viewer) if text is not None else "",
            passage=_shown(text, viewer) if text else "",
            modified_at=card.modified_at.isoformat() if card.modified_at else "",
            synced_at=card.synced_at.isoformat(),
            cited=bool(citation.quotes),
            day=dates[card.id].day if card.id in dates else "",
            dated=dates[card.id].dated.value if card.id in dates else "",
        )
        for citation, text in zip(citations, texts, strict=True)
        if (card := cards.get(citation.document_id)) is not None
    )


def _shown(text: str, viewer: Viewer) -> str:
    """What may be shown of the text; nothing where the rules in force cannot be read."""
    try:
        return shown_passage(text, viewer=viewer).text
    except (GuardrailsDamaged, ModelUnavailable):
        return ""
