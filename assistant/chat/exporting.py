"""A conversation as a file, made at the moment of asking from what its reader may see then."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from django.utils import timezone
from django.utils.translation import gettext

from assistant.access.viewer import Viewer
from assistant.audit.trail import Event, record
from assistant.chat.events import Blocked, Failed, NoAnswer, Withheld
from assistant.chat.exported_text import Export, ExportedTurn, as_html, as_json, as_markdown
from assistant.chat.models import TurnState
from assistant.chat.outcome_words import blocked_title, failed_title
from assistant.chat.reading import TurnView
from assistant.chat.selectors import cited_numbers, conversation, noted_numbers
from assistant.chat.sharing import opened_share, shared_conversation
from assistant.common.errors import UsageError

_NAME_LENGTH = 60


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file: how a conversation is written in it."""

    media_type: str
    write: Callable[[Export], str]


FORMATS = {
    "md": Format("text/markdown; charset=utf-8", as_markdown),
    "html": Format("text/html; charset=utf-8", as_html),
    "json": Format("application/json", as_json),
}


@dataclass(frozen=True, slots=True)
class ExportFile:
    """A file to be saved. `name` is safe on every system and may be Korean."""

    name: str
    media_type: str
    content: bytes


def export_conversation(*, viewer: Viewer, conversation_id: int, kind: str) -> ExportFile:
    """The viewer's conversation as they may read it now.

    Raises:
        NotFound: no such conversation of this person.
        UsageError: no such kind of file.
    """
    file = conversation_file(viewer, conversation_id, kind)
    record(
        Event.CONVERSATION_EXPORTED,
        actor_id=viewer.user_id,
        actor=viewer.email,
        conversation=conversation_id,
        format=kind,
    )
    return file


def conversation_file(viewer: Viewer, conversation_id: int, kind: str) -> ExportFile:
    """The same, for who records it by themselves.

    Raises:
        NotFound: no such conversation of this person.
        UsageError: no such kind of file.
    """
    shown = conversation(viewer=viewer, conversation_id=conversation_id)
    turns = tuple(_turn(turn, _note(turn)) for turn in shown.turns)
    return _file(viewer, shown.title, turns, kind)


def export_shared(*, viewer: Viewer, token: str, kind: str) -> ExportFile:
    """A shared conversation as its reader may see it now.

    Raises:
        NotFound: no such link is open.
        UsageError: no such kind of file.
    """
    shown = shared_conversation(viewer=viewer, token=token)
    turns = tuple(_turn(turn, _reader_note(turn)) for turn in shown.turns)
    file = _file(viewer, shown.title, turns, kind)
    share = opened_share(viewer, token)
    record(
        Event.CONVERSATION_EXPORTED,
        actor_id=viewer.user_id,
        actor=viewer.email,
        conversation=share.conversation_id,
        share=share.pk,
        format=kind,
    )
    return file


def _file(viewer: Viewer, title: str, turns: tuple[ExportedTurn, ...], kind: str) -> ExportFile:
    if kind not in FORMATS:
        raise UsageError(f"A conversation can't be saved as '{kind}'. Choose one of {', '.join(FORMATS)}.")
    export = Export(title=title, made_at=timezone.now(), made_for=viewer.email, turns=turns)
    form = FORMATS[kind]
    content = form.write(export).encode(errors="replace")
    return ExportFile(file_name(title, kind), form.media_type, content)


def file_name(title: str, kind: str) -> str:
    """`Mundap 2026-11-21 연차 이월.md`: without what a file system, a shell or a header could misread."""
    words = re.sub(r"[^\w .,()-]+", " ", title)
    words = " ".join(words.split())[:_NAME_LENGTH].strip(" .,-")
    return f"{f'Mundap {timezone.localdate().isoformat()} {words}'.strip()}.{kind}"


def _turn(turn: TurnView, note: str) -> ExportedTurn:
    numbers = cited_numbers(turn.sentences) | noted_numbers(turn.notes)
    return ExportedTurn(
        question=turn.question,
        language=turn.language,
        asked_at=turn.asked_at,
        sentences=turn.sentences,
        parts=turn.parts,
        is_draft=turn.is_draft,
        note=note,
        on_sources=turn.notes,
        sources=tuple(passage for passage in turn.passages if passage.n in numbers),
    )


def _note(turn: TurnView) -> str:
    """What the page says to the owner in place of an answer, or beside one."""
    match turn.outcome:
        case Withheld():
            return gettext("This answer isn’t shown any more")
        case NoAnswer() if turn.notes:
            return gettext("A table fits, but nothing was calculated from it")
        case NoAnswer():
            return gettext("The documents that you may read don’t hold the answer")
        case _ if turn.is_open:
            return gettext("This answer was still being written")
        case _ if turn.state == TurnState.STOPPED:
            return gettext("You stopped this answer.")
        case _:
            return _common_note(turn)


def _reader_note(turn: TurnView) -> str:
    match turn.outcome:
        case Withheld():
            return gettext("This answer isn’t open to you")
        case NoAnswer():
            return gettext("There was no answer")
        case _ if turn.state == TurnState.STOPPED:
            return gettext("This answer was stopped.")
        case _:
            return _common_note(turn)


def _common_note(turn: TurnView) -> str:
    match turn.outcome:
        case Blocked(topic):
            return blocked_title(topic)
        case Failed():
            return failed_title()
        case _:
            return ""
