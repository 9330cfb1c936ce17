"""How does a request of the API narrow what is searched? By the same names in a query and in a body."""

from __future__ import annotations

from django.http import HttpRequest

from assistant.api.parameters import texts_field
from assistant.api.schemas import TEXT, Schema, either, listed
from assistant.common.formats import FORMATS
from assistant.common.types import Json
from assistant.retrieval.filters import LONGEST_VALUE, NAMES, Filters, read_filters

REPEATABLE = ("source", "type", "author", "attribute")

_VALUE: Schema = {**TEXT, "minLength": 1, "maxLength": LONGEST_VALUE}
_DESCRIBED: dict[str, tuple[Schema, str]] = {
    "source": (_VALUE, "Only documents of this source, by name; several are alternatives."),
    "type": ({**TEXT, "enum": list(FORMATS)}, "Only documents of this type; several are alternatives."),
    "after": (TEXT, "Only what was last changed on this day (2024-03-31) or moment (RFC 3339) or later."),
    "before": (TEXT, "Only what was last changed before the beginning of this day, or this moment."),
    "author": (_VALUE, "Only documents with this value in the attribute author or authors, in any case."),
    "attribute": (
        _VALUE,
        "name=value: only documents with this attribute; one name's values are alternatives.",
    ),
}


def filters_of_query(request: HttpRequest) -> Filters:
    """The filters among the query parameters.

    Raises:
        UsageError: one is malformed or unknown.
    """
    return read_filters({name: request.GET.getlist(name) for name in NAMES})


def filters_of_body(body: dict[str, Json]) -> Filters:
    """The filters among the fields of a body, each a text or a list of texts.

    Raises:
        UsageError: one is malformed or unknown.
    """
    return read_filters({name: texts_field(body, name) for name in NAMES})


def described_parameters() -> list[Schema]:
    """The filters as query parameters, in OpenAPI's words."""
    return [
        {
            "name": name,
            "in": "query",
            "required": False,
            "schema": listed(schema) if name in REPEATABLE else schema,
            "description": text,
        }
        for name, (schema, text) in _DESCRIBED.items()
    ]


def described_fields() -> dict[str, Schema]:
    """The filters as optional fields of a body."""
    return {
        name: {**(either(schema, listed(schema)) if name in REPEATABLE else schema), "description": text}
        for name, (schema, text) in _DESCRIBED.items()
    }
