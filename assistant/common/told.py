"""A sentence for an administrator that can be told again in another language.

Connectors, the guarded client and parsers know no reader: they make their sentences in English
with `told`. What they make is a text like any other, and remembers its template and its values, so
that a page can look the template up in its own language. Values come from the source: they are
data, never a template, and nothing but a catalogue's translation is ever filled in with them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Self

from assistant.common.types import Json, JsonObject

_MOST_VALUES = 20
_DEEPEST = 8  # sentences within sentences
_FIELD = re.compile(r"\{\{|\}\}|\{([a-z][a-z0-9_]*)\}")


class Told(str):
    """The English sentence, with the template and the values that it was made of."""

    __slots__ = ("template", "values")

    template: str
    values: Mapping[str, str]

    def __new__(cls, text: str, template: str, values: Mapping[str, str]) -> Self:
        """`text` is what is read where no translation is known."""
        made = super().__new__(cls, text)
        made.template, made.values = template, values
        return made

    def __reduce__(self) -> tuple[type[Told], tuple[str, str, dict[str, str]]]:
        """A copy, also one in another process, is told again like the first."""
        return type(self), (str(self), self.template, dict(self.values))


def told(template: str, /, **values: object) -> Told:
    """The sentence that the template makes of the values.

    `template` is written out where it is told, because its translation is looked up by it. A value
    that is a told sentence, or an error that holds one, is translated with it.
    """
    texts = {name: _text(value) for name, value in values.items()}
    return Told(filled(template, texts) or template, template, texts)


def said(error: BaseException) -> str:
    """The sentence of an error: a told one if it was made with one, as `str(error)` never is."""
    first = error.args[0] if len(error.args) == 1 else None
    return first if isinstance(first, Told) else str(error)


def filled(template: str, values: Mapping[str, str]) -> str | None:
    """The template with its `{names}` filled in; None if one of them has no value. `{{` is a brace."""
    if not values.keys() >= set(_names(template)):
        return None
    return _FIELD.sub(lambda found: _value(found, values) if found[1] else found[0][0], template)


def _value(found: re.Match[str], values: Mapping[str, str]) -> str:
    """A sentence that ends another one brings a full stop of its own, and one is enough."""
    value = values[found[1]]
    doubled = value.endswith(".") and found.string.startswith(".", found.end())
    return value[:-1] if doubled else value


def is_bare(template: str) -> bool:
    """Whether it only puts values beside each other, as `{name}: {problem}`: in every language the same."""
    names = _names(template)
    rest = _FIELD.sub("", template)
    return bool(names) and len(set(names)) == len(names) and not any(c.isalnum() or c in "{}" for c in rest)


def parts(sentence: str) -> JsonObject | None:
    """What to keep beside the text; None where it was not told.

    `{"template": TEXT, "values": {NAME: TEXT, or such an object with its "text"}}`.
    """
    if not isinstance(sentence, Told):
        return None
    values: dict[str, Json] = {}
    for name, value in sentence.values.items():
        inner = parts(value)
        values[name] = str(value) if inner is None else {"text": str(value), **inner}
    return {"template": sentence.template, "values": values}


def restored(text: str, kept: Json) -> str:
    """The sentence that `parts` was taken of; the text alone where what was kept is nothing of the kind."""
    return _restored(text, kept, _DEEPEST) or text


def _restored(text: str, kept: Json, deepest: int) -> Told | None:
    if not deepest or not isinstance(kept, Mapping):
        return None
    template, given = kept.get("template"), kept.get("values")
    if not isinstance(template, str) or not isinstance(given, Mapping) or len(given) > _MOST_VALUES:
        return None
    values: dict[str, str] = {}
    for name, value in given.items():
        if isinstance(value, Mapping) and isinstance(inner := value.get("text"), str):
            values[name] = _restored(inner, value, deepest - 1) or inner
        elif isinstance(value, str):
            values[name] = value
        else:
            return None
    if sum(map(len, values.values())) > len(text) + len(values):
        return None  # the text holds every value, so these are others
    return Told(text, template, values)


def _names(template: str) -> list[str]:
    return [found[1] for found in _FIELD.finditer(template) if found[1]]


def _text(value: object) -> str:
    if isinstance(value, BaseException):
        return said(value)
    return value if isinstance(value, str) else str(value)
