"""The options by which a command narrows what it searches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from django.core.management.base import CommandParser

from assistant.retrieval.filters import NAMES, Filters, read_filters

_OPTIONS = (
    ("source", "NAME", "Only documents of this source; may stand several times."),
    ("type", "TYPE", "Only this type, such as pdf or docx; may stand several times."),
    ("author", "NAME", "Only documents whose attribute author or authors has this value; repeatable."),
    ("attribute", "NAME=VALUE", "Only documents with this attribute; one name's values are alternatives."),
    ("after", "DATE", "Only what was last changed on this day (2024-03-31) or moment (RFC 3339) or later."),
    ("before", "DATE", "Only what was last changed before this day or moment."),
)


def add_filters(parser: CommandParser) -> None:
    """Declare `--source`, `--type`, `--after`, `--before`, `--author` and `--attribute`."""
    for name, metavar, text in _OPTIONS:
        parser.add_argument(f"--{name}", action="append", default=[], metavar=metavar, help=text)


def filters_given(given: Mapping[str, object]) -> Filters:
    """What the parsed options say.

    Raises:
        UsageError: a filter is malformed or unknown.
    """
    return read_filters({name: cast(list[str], given.get(name, [])) for name in NAMES})
