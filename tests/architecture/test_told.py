"""What connectors, parsers and the engine tell is written out, filled in whole, and known in Korean."""

from __future__ import annotations

import ast
import string
from collections.abc import Iterator
from pathlib import Path

from babel.messages.pofile import read_po

from assistant.common.told import is_bare

REPOSITORY = Path(__file__).resolve().parents[2]
CATALOGUE = REPOSITORY / "assistant" / "locale" / "ko" / "LC_MESSAGES" / "django.po"


def telling() -> Iterator[tuple[str, ast.Call]]:
    """Every call of `told`, with its place."""
    for folder in ("assistant", "connectors"):
        for path in sorted((REPOSITORY / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "told":
                    yield f"{path.relative_to(REPOSITORY)}:{node.lineno}", node


def template_of(call: ast.Call) -> str | None:
    """The template, if that is all that is given by its place, and written out."""
    match call.args:
        case [ast.Constant(value=str(template))]:
            return template
    return None


def placeholders(template: str) -> list[str]:
    """The names between braces, in order."""
    return [name for _, name, _, _ in string.Formatter().parse(template) if name is not None]


def test_every_template_is_written_out() -> None:
    calls = list(telling())
    assert len(calls) > 500
    assert [place for place, call in calls if template_of(call) is None] == []


def test_every_placeholder_has_its_value_and_every_value_its_placeholder() -> None:
    wrong = [
        place
        for place, call in telling()
        if {keyword.arg for keyword in call.keywords} != set(placeholders(template_of(call) or ""))
    ]
    assert wrong == []


def test_korean_words_differ_from_english_ones() -> None:
    """A translation that equals its template passes for none, and the sentences within stay English."""
    with CATALOGUE.open("rb") as stream:
        known = {m.id: str(m.string) for m in read_po(stream, locale="ko") if m.context is None}
    templates = {template_of(call) or "" for _, call in telling()}
    alike = [each for each in templates if placeholders(each) and not is_bare(each) and known[each] == each]
    assert alike == []


def test_every_template_is_known_in_korean_with_the_same_placeholders() -> None:
    with CATALOGUE.open("rb") as stream:
        messages = [m for m in read_po(stream, locale="ko") if m.context is None]
    known = {m.id: str(m.string) for m in messages if isinstance(m.id, str)}
    wrong: list[str] = []
    for place, call in telling():
        template = template_of(call) or ""
        korean = known.get(template, "")
        if not korean or sorted(set(placeholders(korean))) != sorted(set(placeholders(template))):
            wrong.append(f"{place}: {template}")
    assert wrong == []
