"""Local-only mode in templates."""

from __future__ import annotations

from django import template
from django.conf import settings

from assistant.catalogue.entries import Entry, asked_host
from assistant.common import local_only
from assistant.console.telling import in_words

register = template.Library()


@register.simple_tag
def is_local_only() -> bool:
    """Whether nothing outside is connected to, whatever is configured."""
    return bool(settings.MUNDAP_LOCAL_ONLY)


@register.filter
def kept_from(address: str) -> str:
    """Why the mode keeps us from this host or address, in the reader's language; empty where it does not."""
    found = local_only.refusal_of_any([address])
    return in_words(found) if found else ""


@register.filter
def model_kept_from(entry: Entry) -> str:
    """The same for the server of a language model."""
    return kept_from(asked_host(entry))
