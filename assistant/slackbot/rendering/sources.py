"""How do the sources of an answer, and what is to be known of them, look in Slack?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from django.utils.translation import gettext, pgettext

from assistant.chat.events import CitedPassage, Note, NotedSource, Token
from assistant.chat.note_words import (
    ShownNote,
    ShownSource,
    conflict_line,
    date_words,
    note_sentence,
    placeholders,
)
from assistant.chat.reading import place_label
from assistant.slackbot.rendering.blocks import (
    Block,
    Element,
    clean,
    clipped,
    link,
    one_line,
    quote,
    rich_text,
    section,
    words,
)

MOST_LISTED = 5
_LONGEST_TITLE = 120
_LONGEST_PLACE = 160
_LONGEST_LINK = 300  # a longer one is in the modal: five of them would leave no room for the answer
_LONGEST_QUOTE = 240
_MOST_NOTES = 4
_MOST_SIDES = 5
_FEWEST_SOURCES = {"conflict": 2, "superseded": 2, "ended": 1, "uncalculated": 1}


def source_title(passage: CitedPassage, most: int = _LONGEST_TITLE) -> str:
    """Its title, else its id in its source, on one line."""
    return one_line(passage.title, most) or one_line(passage.external_id, most) or f"[{passage.n}]"


def where_and_when(passage: CitedPassage) -> str:
    """The connected system or that the file is the person's own, the place in it, the date."""
    system = one_line(passage.source, _LONGEST_PLACE) or gettext("Your file")
    place = one_line(place_label(passage.place_kind, passage.place), _LONGEST_PLACE)
    dated = date_words(passage.day, passage.dated)
    return " · ".join(part for part in (system, place, dated) if part)


def quotes_of(sentences: Iterable[Token]) -> dict[int, list[str]]:
    """What an answer says in the words of its sources, by number."""
    found: dict[int, list[str]] = {}
    for sentence in sentences:
        for n in sentence.citations if sentence.quoted else ():
            found.setdefault(n, []).append(sentence.text)
    return found


def source_list(cited: Sequence[CitedPassage]) -> list[Block]:
    """The first sources with their numbers, and how many more there are."""
    if not cited:
        return []
    lines: list[Element] = []
    for passage in cited[:MOST_LISTED]:
        lines += words(f"\n[{passage.n}] ")
        lines += link(source_title(passage), passage.url, most=_LONGEST_LINK)
        lines += words(f" · {where_and_when(passage)}")
    more = len(cited) - MOST_LISTED
    if more > 0:
        lines += words("\n" + gettext("and %(n)s more, under “Sources”") % {"n": more}, italic=True)
    return rich_text([section([*words(pgettext("of an answer", "Sources"), bold=True), *lines])])


def shown_notes(notes: Sequence[Note], passages: Sequence[CitedPassage]) -> list[ShownNote]:
    """The first notes of which every source came through the door, with the titles that came with it."""
    by_number = {passage.n: passage for passage in passages}
    shown = (_shown(note, by_number) for note in notes)
    return [note for note in shown if note is not None][:_MOST_NOTES]


def note_list(notes: Sequence[ShownNote]) -> list[Block]:
    """What is to be known of the sources, each note with a line beside it."""
    return rich_text(quote(_note(note)) for note in notes)


def _note(note: ShownNote) -> Iterator[Element]:
    yield from words(clean(note_sentence(note) % placeholders(note)))
    if note.kind == "conflict":
        for source in note.sources[:_MOST_SIDES]:
            yield from words(f"\n{clean(conflict_line(source))}")


def _shown(note: Note, passages: Mapping[int, CitedPassage]) -> ShownNote | None:
    """The note with titles; None where one of its sources is missing, or is another document."""
    known: list[ShownSource] = []
    for source in note.sources:
        passage = passages.get(source.n)
        if passage is None or passage.document_id != source.document:
            return None
        known.append(_titled(source, passage))
    if len(known) < _FEWEST_SOURCES.get(note.kind, len(known) + 1):
        return None
    columns = tuple(one_line(column, _LONGEST_TITLE) for column in note.columns[:_MOST_SIDES])
    return ShownNote(note.kind, tuple(known), note.why, columns)


def _titled(source: NotedSource, passage: CitedPassage) -> ShownSource:
    return ShownSource(
        n=source.n,
        document_id=source.document,
        external_id=passage.external_id,
        title=source_title(passage),
        day=source.day,
        dated=source.dated,
        until=source.until,
        quote=clipped(clean(source.quote), _LONGEST_QUOTE),
    )
