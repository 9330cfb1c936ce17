"""Template filters of the console: states in words and in tones."""

from __future__ import annotations

from django import template
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from assistant.sync.reasons import run_reason

register = template.Library()

_STATES = {
    "pending": (pgettext_lazy("state of a run", "Waiting to start"), "information", "clock"),
    "running": (pgettext_lazy("state of a run", "Syncing"), "information", "sync"),
    "succeeded": (pgettext_lazy("state of a run", "Up to date"), "good", "check"),
    "succeeded_with_errors": (pgettext_lazy("state of a run", "Some documents failed"), "warning", "alert"),
    "failed": (pgettext_lazy("state of a run", "Failed"), "bad", "cross"),
    "cancelled": (pgettext_lazy("state of a run", "Cancelled"), "neutral", "stop"),
    "waiting_for_approval": (pgettext_lazy("state of a run", "Needs your approval"), "warning", "alert"),
    "": (pgettext_lazy("state of a run", "Never synced"), "neutral", "clock"),
}
_KINDS = {
    "full": _("Full sync"),
    "incremental": _("Incremental sync"),
    "permissions": _("Permissions only"),
    "principals": _("People and groups only"),
    "prune": _("Look for deletions"),
    "retry": _("Failed documents again"),
    "push": _("Pushed by programs"),
}


@register.filter
def state_words(state: str) -> str:
    """The state of a run in words."""
    return str(_STATES[state][0]) if state in _STATES else state


@register.filter
def state_tone(state: str) -> str:
    """Its tone: good, warning, bad, information or neutral."""
    return _STATES[state][1] if state in _STATES else "neutral"


@register.filter
def state_icon(state: str) -> str:
    """Its icon."""
    return _STATES[state][2] if state in _STATES else "clock"


@register.filter
def kind_words(kind: str) -> str:
    """The kind of a run in words."""
    return str(_KINDS[kind]) if kind in _KINDS else kind


@register.filter
def what_happened(code: str) -> str:
    """Why a run ended or waits; empty without a reason."""
    return str(run_reason(code).what) if code else ""


@register.filter
def what_to_do(code: str) -> str:
    """What the administrator does about it; empty without a reason."""
    return str(run_reason(code).do) if code else ""


@register.filter
def asked_by(name: str) -> str:
    """Who asked for a run: a person by their address, the schedule, or a command."""
    match name:
        case "schedule":
            return gettext("by schedule")
        case "command line":
            return gettext("on the command line")
    return name
