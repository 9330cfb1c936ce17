"""How does a note on the sources of an answer, or the date of a source, read in the reader's language?

Each sentence is one of the catalogue's, so that Korean needs no particle after a title. Titles and chips are
put in last: as text here, as escaped elements on pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils import formats
from django.utils.translation import gettext

from assistant.chat.tables.answering import Why
from assistant.common.types import JsonObject
from assistant.providers.source_dates import Dated, first_day

_FULL, _MONTH = 2, 1  # dashes in an ISO day, and in an ISO month


@dataclass(frozen=True, slots=True)
class ShownSource:
    """A source of a note that its reader may read now, with its title."""

    n: int
    document_id: int
    external_id: str
    title: str
    day: str
    dated: str
    until: str
    quote: str

    @property
    def date_words(self) -> str:
        """What its date is and when that was."""
        return date_words(self.day, self.dated)


@dataclass(frozen=True, slots=True)
class ShownNote:
    """A note as its reader may see it now. `kind` as in `events.Note`."""

    kind: str
    sources: tuple[ShownSource, ...]
    why: str = ""
    columns: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The note in words, with numbers in brackets; of a conflict with its quotes."""
        lines = [note_sentence(self) % placeholders(self)]
        lines += [conflict_line(source) for source in self.sources if self.kind == "conflict"]
        return "\n".join(lines)


def note_sentence(note: ShownNote) -> str:
    """The sentence that opens the note, with places for titles and numbers."""
    if note.kind == "conflict":
        return gettext("These sources disagree, the newest first:")
    if note.kind == "ended":
        if note.sources[0].until:
            return gettext("“%(old)s” %(old_n)s says that it held until %(until)s.")
        return gettext("“%(old)s” %(old_n)s says that it no longer holds.")
    if note.kind == "uncalculated":
        return _why_uncalculated(note)
    old = gettext("“%(old)s” %(old_n)s is an older version (%(old_date)s).")
    if note.sources[1].dated == Dated.EFFECTIVE:
        new = gettext("Since %(new_day)s “%(new)s” %(new_n)s applies.")
    elif note.sources[1].dated:
        new = gettext("“%(new)s” %(new_n)s (%(new_date)s) has replaced it.")
    else:
        new = gettext("“%(new)s” %(new_n)s has replaced it.")
    return f"{old} {new}"


def _why_uncalculated(note: ShownNote) -> str:
    """Why nothing is calculated, and what would help."""
    if note.why == Why.TABLES and len(note.sources) > 1:
        return gettext(
            "Nothing was calculated, because tables in “%(old)s” %(old_n)s and “%(new)s” %(new_n)s fit alike."
            " Name the document that you mean."
        )
    nothing = gettext("Nothing was calculated from “%(old)s” %(old_n)s.")
    why = {
        Why.TABLES: gettext("Several of its tables fit. Name the sheet or the heading that you mean."),
        Why.COLUMNS: gettext("Several columns fit: %(columns)s. Name the one that you mean."),
        Why.ROWS: gettext(
            "It is not certain which rows are meant: cells are merged, or a name stands in several rows."
            " Name the rows more closely."
        ),
        Why.MIXED_UNITS: gettext(
            "The column %(columns)s holds amounts in different units. Ask for the rows of one unit."
        ),
        Why.UNREADABLE: gettext(
            "The column %(columns)s has cells that hold more than a figure. Open the table to see them."
        ),
        Why.NOT_ADDITIVE: gettext(
            "The column %(columns)s holds prices, rates or limits, which are not added up. Ask for the"
            " largest, the smallest or the average."
        ),
        Why.COUNTED_TWICE: gettext(
            "One of its rows seems to add others up, or its own total is another one, so that something"
            " would count twice. Name the rows that you mean."
        ),
        Why.IN_PARTS: gettext(
            "The table is in parts or too long, so that it cannot be read whole. Ask for it as a workbook or"
            " a CSV file."
        ),
        Why.MASKED: gettext("A guardrail of your company hides a part of the table."),
    }
    return f"{nothing} {why[Why(note.why)]}"


def placeholders(note: ShownNote) -> Mapping[str, str]:
    """What stands in the places of `note_sentence`, as text."""
    old, new = note.sources[0], note.sources[-1]
    return {
        "old": old.title,
        "old_n": f"[{old.n}]",
        "old_date": old.date_words or gettext("without a date"),
        "until": day_words(old.until),
        "new": new.title,
        "new_n": f"[{new.n}]",
        "new_date": new.date_words,
        "new_day": day_words(new.day),
        "columns": ", ".join(f"“{column}”" for column in note.columns),
    }


def conflict_line(source: ShownSource) -> str:
    """One side of a conflict: what it says, which source says it, and of when that is."""
    named = f"{source.title} · {source.date_words}" if source.day else source.title
    return f"“{' '.join(source.quote.split())}” [{source.n}] ({named})"


def date_words(day: str, dated: str) -> str:
    """A source's date and what it is the date of, such as "in force since 2 March 2026"; "" without one."""
    if not day:
        return ""
    words = {
        Dated.EFFECTIVE: gettext("in force since %(day)s"),
        Dated.REVISED: gettext("revised on %(day)s"),
        Dated.WRITTEN: gettext("written on %(day)s"),
        Dated.EDITION: gettext("edition of %(day)s"),
        Dated.CHANGED: gettext("changed in its source on %(day)s"),
    }
    return words.get(Dated(dated), "%(day)s") % {"day": day_words(day)}


def day_words(day: str) -> str:
    """An ISO day, month or year by locale."""
    if not day:
        return ""
    at = first_day(day)
    if day.count("-") == _FULL:
        return formats.date_format(at, "DATE_FORMAT")
    if day.count("-") == _MONTH:
        return formats.date_format(at, "YEAR_MONTH_FORMAT")
    return gettext("%(year)s") % {"year": day}


def noted_json(note: ShownNote) -> JsonObject:
    """The note as the API and exported files have it: in words, and field by field."""
    return {
        "kind": note.kind,
        "text": note.text,
        "why": note.why,
        "columns": list(note.columns),
        "sources": [
            {
                "n": source.n,
                "external_id": source.external_id,
                "title": source.title,
                "date": source.day,
                "date_kind": source.dated,
                "until": source.until,
                "quote": source.quote,
            }
            for source in note.sources
        ],
    }
