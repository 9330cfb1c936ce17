"""Template tags and filters of all pages."""

from __future__ import annotations

from collections.abc import Iterable

from django import template
from django.http import HttpRequest
from django.template import Context
from django.urls import reverse
from django.utils import formats, translation
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from assistant.accounts import cookies, how_long
from assistant.chat import note_words, reading
from assistant.chat.events import Blocked, CitedPassage, Failed, NoAnswer, TurnEvent, Withheld
from assistant.chat.models import FilesAsked
from assistant.chat.outcome_words import OutcomeWords, outcome_words
from assistant.common.web_addresses import web_address
from assistant.web import highlighting, korean, moments, scopes

register = template.Library()
register.simple_tag(moments.moment)
register.filter("duration", how_long.duration)
register.filter("web_address", web_address)
register.filter("scope_words", scopes.scope_words)

_OUTCOMES = {Blocked: "blocked", NoAnswer: "no_answer", Withheld: "withheld", Failed: "failed"}
_THEMES = ("light", "dark")


@register.filter
def with_particle(word: str, pair: str) -> str:
    """`{{ name|with_particle:"을/를" }}`: Korean pages get the particle, others the bare word."""
    if (translation.get_language() or "").startswith("ko"):
        return korean.with_particle(word, pair)
    return word


@register.filter
def number(value: float | None) -> str:
    """A whole number with the locale's thousands separator."""
    return "" if value is None else formats.number_format(round(value), force_grouping=True)


@register.filter
def outcome_name(outcome: TurnEvent | None) -> str:
    """Which outcome a turn has: blocked, no_answer, withheld, failed or empty."""
    return _OUTCOMES.get(type(outcome), "")


@register.simple_tag(name="outcome_words")
def words_of_outcome(outcome: TurnEvent | None, turn: reading.TurnView) -> OutcomeWords | None:
    """How it reads that a turn ended without an answer; None where it has one."""
    return outcome_words(
        outcome,
        noted=bool(turn.notes),
        files_only=turn.files == FilesAsked.ONLY,
        in_scope=turn.scope is not None,
    )


@register.filter
def cited(passages: Iterable[CitedPassage]) -> list[CitedPassage]:
    """Those that a sentence stands on."""
    return [passage for passage in passages if passage.cited]


@register.filter
def only_read(passages: Iterable[CitedPassage]) -> list[CitedPassage]:
    """Those that were read and not cited."""
    return [passage for passage in passages if not passage.cited]


@register.filter
def cells(text: str) -> list[str]:
    """The cells of a quoted table row; one for other text."""
    return [cell.strip() for cell in text.split("\t") if cell.strip()]


@register.simple_tag
def marked(pieces: Iterable[highlighting.Piece]) -> SafeString:
    """Document text, each piece escaped: quotes in `<mark>`, the passage around them lightly."""
    return format_html_join("", "{}", ((_marked(piece),) for piece in pieces))


@register.simple_tag
def place_label(kind: str, place: str) -> str:
    """`page 3`, `slide 2`, `sheet Prices`; empty where a document has no places."""
    return reading.place_label(kind, place)


@register.simple_tag(takes_context=True)
def source_address(context: Context, turn_id: int, n: int) -> str:
    """Where citation `n` opens: for its owner, or behind the link of `share_token` for a reader."""
    token = context.get("share_token")
    if token:
        return reverse("web:shared-source", args=[token, turn_id, n])
    return reverse("web:cited-source", args=[turn_id, n])


@register.simple_tag
def date_words(passage: CitedPassage | reading.CitedSource) -> str:
    """Of when a source is, and what its date is the date of."""
    return note_words.date_words(passage.day, passage.dated)


@register.simple_tag(takes_context=True)
def note_line(context: Context, note: note_words.ShownNote, turn_id: int) -> SafeString:
    """The sentence of a note, its numbers as chips that open the sources."""
    old, new = note.sources[0], note.sources[-1]
    told: dict[str, str] = {
        key: conditional_escape(text) for key, text in note_words.placeholders(note).items()
    }
    told["old_n"], told["new_n"] = _chip(context, turn_id, old.n), _chip(context, turn_id, new.n)
    sentence = conditional_escape(note_words.note_sentence(note))
    return mark_safe(sentence % told)  # noqa: S308 - each part is escaped


@register.simple_tag(takes_context=True)
def chip(context: Context, turn_id: int, n: int) -> SafeString:
    """The chip of citation `n`, which opens its source."""
    return _chip(context, turn_id, n)


def _chip(context: Context, turn_id: int, n: int) -> SafeString:
    address = source_address(context, turn_id, n)
    return format_html(
        '<a class="cite" href="{}" hx-get="{}" hx-target="#panel-body" aria-label="{} {}" data-opens-panel'
        ' data-card="source-{}-{}">{}</a>',
        address,
        address,
        gettext("Source"),
        n,
        turn_id,
        n,
        n,
    )


@register.filter
def theme(request: HttpRequest | None) -> str:
    """The saved choice, light or dark; empty follows the system."""
    chosen = cookies.kept_in(request, "mundap_theme") if request else ""
    return chosen if chosen in _THEMES else ""


def _marked(piece: highlighting.Piece) -> SafeString | str:
    if piece.mark == highlighting.QUOTED:
        return format_html("<mark>{}</mark>", piece.text)
    if piece.mark == highlighting.READ:
        return format_html('<span class="read">{}</span>', piece.text)
    return piece.text
