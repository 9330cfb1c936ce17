"""The Korean catalogue is complete, current and compiled."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.catalog import Message as CatalogueMessage
from babel.messages.extract import extract
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po
from django.utils.translation import template as django_template

REPOSITORY = Path(__file__).resolve().parents[2]
CATALOGUE = REPOSITORY / "assistant" / "locale" / "ko" / "LC_MESSAGES" / "django.po"
KEYWORDS: dict[str, tuple[int | tuple[int, str], ...] | None] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "told": None,
}
Message = tuple[str | None, str]  # context, singular
PLACEHOLDER = re.compile(r"%\([a-z_]+\)[sd]|\{[a-z][a-z0-9_]*\}")
HOW = "run `manage.py makemessages -l ko`, translate, then `pybabel compile` (see the header of django.po)"


def catalogue() -> Catalog:
    """The Korean catalogue as it is committed."""
    with CATALOGUE.open("rb") as stream:
        return read_po(stream, locale="ko")


def singular(message_id: str | tuple[str, ...] | list[str]) -> str:
    """The id itself, or the first of a plural pair."""
    return message_id if isinstance(message_id, str) else message_id[0]


def translated(message: CatalogueMessage) -> list[str]:
    """The translations: one, or one a plural form."""
    return [message.string] if isinstance(message.string, str) else list(message.string or ())


@cache
def used() -> tuple[tuple[Message, Path], ...]:
    """Every message of our templates and Python files."""
    return tuple(_used())


def _used() -> Iterator[tuple[Message, Path]]:
    for path in sorted((REPOSITORY / "templates").rglob("*.html")):
        source = django_template.templatize(path.read_text(encoding="utf-8"), origin=str(path))
        for message in _calls(source):
            yield message, path
    for path in sorted(
        (*(REPOSITORY / "assistant").rglob("*.py"), *(REPOSITORY / "connectors").rglob("*.py"))
    ):
        with path.open("rb") as stream:
            for _, found, _, context in extract("python", stream, keywords=KEYWORDS):
                yield (context, singular(found)), path


def _calls(templatized: str) -> Iterator[Message]:
    """Django turns a template into gettext calls amid filler; these are the calls."""
    text = r"u?('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")"
    patterns = {
        rf"(?<![a-z])pgettext\({text}, {text}\)": True,
        rf"(?<![a-z])npgettext\({text}, {text},": True,
        rf"(?<![a-z])ngettext\({text}, ": False,
        rf"(?<![a-z])gettext\({text}\)": False,
        rf"(?<![a-z])_\({text}\)": False,
    }
    for pattern, has_context in patterns.items():
        for match in re.finditer(pattern, templatized):
            values = [_unquoted(value) for value in match.groups()]
            yield (values[0], values[1]) if has_context else (None, values[0])


def _unquoted(literal: str) -> str:
    return re.sub(r"\\(.)", r"\1", literal[1:-1])


def test_every_message_that_is_used_is_in_the_catalogue() -> None:
    known = {(message.context, singular(message.id)) for message in catalogue() if message.id}
    messages = used()
    assert len(messages) > 200
    missing = {
        f"{path.relative_to(REPOSITORY)}: {message}" for message, path in messages if message not in known
    }
    assert not missing, f"{HOW}\n" + "\n".join(sorted(missing))


def test_the_catalogue_holds_nothing_that_is_not_used() -> None:
    wanted = {message for message, _ in used()}
    left = [
        message.id
        for message in catalogue()
        if message.id and (message.context, singular(message.id)) not in wanted
    ]
    assert left == [], HOW


def test_every_message_is_translated_and_none_is_fuzzy() -> None:
    for message in catalogue():
        if message.id:
            assert translated(message), message.id
            assert all(translated(message)), message.id
            assert not message.fuzzy, message.id


def test_translations_keep_their_placeholders() -> None:
    for message in catalogue():
        if not message.id:
            continue
        forms = (message.id,) if isinstance(message.id, str) else tuple(message.id)
        expected = set(PLACEHOLDER.findall(forms[-1]))
        assert set(PLACEHOLDER.findall(translated(message)[0])) == expected, message.id


def test_no_translation_leaves_the_choice_of_a_particle_to_the_reader() -> None:
    for message in catalogue():
        text = " ".join(translated(message))
        assert not re.search(r"[을은이과](?:\([를는가와]\))|\(이\)|\(으\)로", text), text


def test_the_compiled_catalogue_equals_the_written_one() -> None:
    compiled = io.BytesIO()
    write_mo(compiled, catalogue())
    compiled.seek(0)
    with CATALOGUE.with_suffix(".mo").open("rb") as stream:
        committed = read_mo(stream)
    fresh = read_mo(compiled)
    assert {(m.context, str(m.id)): m.string for m in committed if m.id} == {
        (m.context, str(m.id)): m.string for m in fresh if m.id
    }, HOW
