"""How does a conversation read as a file? Pure: from an `Export` to Markdown, JSON or HTML.

Titles, names and text of documents are data. In Markdown each character that could begin a
link, an image, markup or a block is escaped; HTML is escaped by its template, runs nothing and
loads nothing; no file makes a link of a document's address.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.template.loader import render_to_string
from django.utils import formats, timezone
from django.utils.safestring import mark_safe
from django.utils.translation import get_language, gettext

from assistant.chat.events import CitedPassage, Token
from assistant.chat.note_words import ShownNote, date_words, noted_json
from assistant.chat.reading import AnswerPart, place_label
from assistant.common.types import JsonObject

JSON_FORMAT = "mundap-conversation/1"

# System colours only: the file follows the reader's theme and knows none of ours.
_STYLE = """
:root { color-scheme: light dark; font: 100%/1.6 system-ui, sans-serif; }
body { max-width: 72ch; margin: 3rem auto; padding: 0 1.25rem; color: CanvasText; background: Canvas;
  word-break: keep-all; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.3; }
h2 { margin: 3rem 0 1rem; font-size: 1.25rem; line-height: 1.4; white-space: pre-wrap; }
h3 { margin: 1.5rem 0 0.5rem; font-size: 0.875rem; }
.about, .meta { font-size: 0.875rem; opacity: 0.75; }
.sentence { white-space: pre-line; }
.bare { text-decoration: underline dotted; text-underline-offset: 0.25em; }
.note { padding: 0.75rem 1rem; border: 1px solid; border-radius: 6px; }
.sources { padding: 0; list-style: none; }
.sources li { margin: 0.75rem 0; }
blockquote { margin: 0.25rem 0 0; padding-left: 1rem; border-left: 2px solid;
  white-space: pre-line; opacity: 0.85; }
"""


@dataclass(frozen=True, slots=True)
class ExportedTurn:
    """A question with what may be shown of its answer. `note` says why there is none or not all of one.

    Of a draft no sentence is marked as one without a source.
    """

    question: str
    language: str
    asked_at: datetime
    sentences: tuple[Token, ...]
    note: str
    sources: tuple[CitedPassage, ...]  # those that a sentence cites
    parts: tuple[AnswerPart, ...] = ()
    is_draft: bool = False
    on_sources: tuple[ShownNote, ...] = ()

    @property
    def marked(self) -> list[tuple[str, list[tuple[Token, str]]]]:
        """Title and sentences of each part, each sentence with the word for a missing source, or for a
        calculation."""
        parts = self.parts or (AnswerPart("", "part", self.sentences),)
        return [(part.title, [(one, self._mark(one)) for one in part.sentences]) for part in parts]

    def _mark(self, sentence: Token) -> str:
        if sentence.calculated:
            return gettext("read from a table") if sentence.calculated == "cell" else gettext("calculated")
        if sentence.citations or self.is_draft:
            return ""
        return gettext("general knowledge") if sentence.general else gettext("no source")


@dataclass(frozen=True, slots=True)
class Export:
    """A conversation as one person could read it at one moment."""

    title: str
    made_at: datetime
    made_for: str  # e-mail address of that person
    turns: tuple[ExportedTurn, ...]


def as_markdown(export: Export) -> str:
    """CommonMark with headings, paragraphs, lists and quotes, and nothing else."""
    return "\n\n".join(_markdown_blocks(export)) + "\n"


def as_json(export: Export) -> str:
    """One object; times are RFC 3339."""
    turns: list[JsonObject] = [
        {
            "question": turn.question,
            "asked_at": turn.asked_at.isoformat(),
            "answer": [
                {
                    "text": sentence.text,
                    "citations": list(sentence.citations),
                    "short_answer": sentence.short_answer,
                    "calculated": sentence.calculated,
                }
                for sentence in turn.sentences
            ],
            "note": turn.note,
            "notes": [noted_json(note) for note in turn.on_sources],
            "sources": [_json_source(source) for source in turn.sources],
        }
        for turn in export.turns
    ]
    whole: JsonObject = {
        "format": JSON_FORMAT,
        "title": export.title,
        "exported_at": export.made_at.isoformat(),
        "exported_for": export.made_for,
        "turns": turns,
    }
    return json.dumps(whole, ensure_ascii=False, indent=2) + "\n"


def as_html(export: Export) -> str:
    """One self-contained page whose policy lets nothing run and nothing load but its own style."""
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    context = {
        "export": export,
        "about": about(export),
        "language": get_language() or "en",
        "policy": f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
        "style": mark_safe(f"<style>{_STYLE}</style>"),  # noqa: S308 - the constant above
        "turns": [
            (turn, [(source, source_line(source)) for source in turn.sources]) for turn in export.turns
        ],
    }
    return render_to_string("web/exported.html", context)


def _with_lines(sources: tuple[CitedPassage, ...]) -> list[tuple[CitedPassage, str]]:
    return [(source, source_line(source)) for source in sources]


def about(export: Export) -> str:
    """The line that says for whom and when the file was made."""
    return gettext(
        "Exported from Mundap for %(person)s on %(time)s. It holds what this person was allowed to read then."
    ) % {
        "person": export.made_for,
        "time": formats.date_format(timezone.localtime(export.made_at), "DATETIME_FORMAT"),
    }


def source_line(source: CitedPassage) -> str:
    """Where a source lies and of when it is: the connected system, the place, the date, its id or address.

    Of a file of the conversation, which has no system: that it is the person's own.
    """
    dated = date_words(source.day, source.dated)
    place = place_label(source.place_kind, source.place)
    if not source.source:
        return " · ".join(part for part in (gettext("Your file"), place, dated) if part)
    parts = (source.source, place, dated, source.url or source.external_id)
    return " · ".join(part for part in parts if part)


def markdown_text(text: str) -> str:
    """The text on one line, so escaped that Markdown shows it as it is."""
    line = " ".join(_without_controls(text).split())
    line = re.sub(r"([\\`*_{}\[\]<>#|~!&$])", r"\\\1", line)
    line = re.sub(r"(?<=mailto):|(?<=xmpp):|:(?=//)", r"\\:", line, flags=re.IGNORECASE)
    line = re.sub(r"\b(www)\.", r"\1\\.", line, flags=re.IGNORECASE)
    return re.sub(r"^(?:([-+=:])|(\d+)([.)]))", _escaped_start, line)


def _escaped_start(found: re.Match[str]) -> str:
    mark, digits, dot = found.groups()
    return f"\\{mark}" if mark else f"{digits}\\{dot}"


def _without_controls(text: str) -> str:
    """Without control characters and the marks that turn the direction of writing."""
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]", " ", text)


def _markdown_blocks(export: Export) -> Iterator[str]:
    yield f"# {markdown_text(export.title)}"
    yield markdown_text(about(export))
    for turn in export.turns:
        yield f"## {markdown_text(turn.question)}"
        for title, sentences in turn.marked:
            if title:
                yield f"### {markdown_text(title)}"
            if sentences:
                yield "\n".join(_markdown_lines(sentences, keeps_lines=turn.is_draft))
        for note in turn.on_sources:
            yield "\n>\n".join(f"> {markdown_text(line)}" for line in note.text.split("\n"))
        if turn.note:
            yield f"> {markdown_text(turn.note)}"
        if turn.sources:
            yield f"### {markdown_text(gettext('Cited sources'))}"
            yield "\n".join(_markdown_source(source) for source in turn.sources)


def _markdown_lines(sentences: list[tuple[Token, str]], *, keeps_lines: bool) -> Iterator[str]:
    """A line a sentence, in one paragraph; after a row of a table and in a draft the line break stays."""
    for sentence, mark in sentences:
        numbers = "".join(f"\\[{n}\\]" for n in sentence.citations)
        cells = [markdown_text(cell) for cell in sentence.text.split("\t") if cell.strip()]
        ending = "  " if len(cells) > 1 or keeps_lines else ""
        note = " ".join(filter(None, (markdown_text(f"({mark})") if mark else "", numbers)))
        yield f"{' · '.join(cells)} {note}".rstrip() + ending


def _markdown_source(source: CitedPassage) -> str:
    lines = [
        f"- \\[{source.n}\\] **{markdown_text(source.title)}**  ",
        f"  {markdown_text(source_line(source))}",
    ]
    if source.passage:
        lines += ["", f"  > {markdown_text(source.passage)}", ""]
    return "\n".join(lines)


def _json_source(source: CitedPassage) -> JsonObject:
    return {
        "n": source.n,
        "title": source.title,
        "source": source.source,
        "external_id": source.external_id,
        "url": source.url,
        "place": place_label(source.place_kind, source.place),
        "passage": source.passage,
        "modified_at": source.modified_at,
        "date": source.day,
        "date_kind": source.dated,
    }
