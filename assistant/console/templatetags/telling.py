"""Sentences of sources in templates."""

from __future__ import annotations

from django import template

from assistant.console.telling import in_words

register = template.Library()
register.filter("in_words", in_words)
