"""Template filters of the audit log. Everything in an entry is data and shown as such."""

from __future__ import annotations

import json
from collections.abc import Mapping

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from assistant.audit.reading import LoggedEntry
from assistant.common.types import Json
from assistant.console.audit_words import DETAILS, actor_words, event_words, via_words
from assistant.console.templatetags.inspecting import plain, role_words

register = template.Library()
register.filter(actor_words)
register.filter(event_words)
register.filter(via_words)
_LONGEST = 300  # characters of one detail


@register.filter
def second(entry: LoggedEntry) -> SafeString:
    """When it was, to the second: a log is compared with others."""
    at = timezone.localtime(entry.at)
    return format_html('<time datetime="{}">{}</time>', at.isoformat(), f"{at:%Y-%m-%d %H:%M:%S}")


@register.filter
def details(data: Mapping[str, Json]) -> list[tuple[str, str]]:
    """What else is known: names and values, in words."""
    return [
        (plain(str(DETAILS.get(name, name.replace("_", " ")))), plain(_value(name, value))[:_LONGEST])
        for name, value in data.items()
        if value is not None
    ]


def _value(name: str, value: Json) -> str:
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if name == "role" and isinstance(value, str):
        return role_words(value)
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, list) and all(isinstance(part, str | int) for part in value):
        return ", ".join(str(part) for part in value)
    return json.dumps(value, ensure_ascii=False)
