"""What everybody who manages people is told on each page of the console."""

from __future__ import annotations

from typing import cast

from django import template
from django.http import HttpRequest

from assistant.accounts.devices import NAMES
from assistant.accounts.emergency import Use, open_uses
from assistant.accounts.models import User
from assistant.accounts.roles import Right

register = template.Library()


@register.simple_tag(takes_context=True)
def emergency_uses(context: template.Context) -> tuple[Use, ...]:
    """Sign-ins with an emergency account that nobody has seen to; none for who does not manage people."""
    user = cast(User, cast(HttpRequest, context["request"]).user)
    return open_uses() if user.has_right(Right.MANAGE_PEOPLE) else ()


@register.filter
def device_words(use: Use) -> str:
    """Browser and system, as far as they are known."""
    return " · ".join(name for name in (NAMES.get(use.browser, ""), NAMES.get(use.system, "")) if name)
