"""Template filters of the pages of language models: money, times and the steps of a test in words."""

from __future__ import annotations

from decimal import Decimal

from django import template
from django.utils import formats
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from assistant.catalogue.accounting import Cost
from assistant.catalogue.kinds import KINDS
from assistant.catalogue.trying import State, Step

register = template.Library()

_STEPS: dict[Step, Promise] = {
    Step.REACHED: _("Server reached"),
    Step.SIGNED_IN: _("Signed in with the key"),
    Step.KNOWN: _("Model known to the server"),
    Step.ANSWERED: _("Answer came whole"),
}
_STATES: dict[State, Promise] = {
    State.GOOD: _("works"),
    State.BAD: _("does not work"),
    State.UNKNOWN: _("not known"),
}
_ICONS = {State.GOOD: "check", State.BAD: "cross", State.UNKNOWN: "minus"}
_SECOND = 1_000
_CENT = Decimal("0.01")
_WHOLE_FROM = 100  # beyond that nobody reads hundredths, and some currencies have none


@register.filter
def kind_words(kind: str) -> str:
    """A kind of model in words; one that this version does not know stays as it is."""
    return str(KINDS[kind].label) if kind in KINDS else kind


@register.filter
def model_step_words(step: str) -> str:
    """A step of the test."""
    return str(_STEPS[Step(step)])


@register.filter
def model_state_words(state: str) -> str:
    """How a step went."""
    return str(_STATES[State(state)])


@register.filter
def model_state_icon(state: str) -> str:
    """The icon that stands beside the words."""
    return _ICONS[State(state)]


@register.filter
def money(cost: Cost) -> str:
    """An amount with its currency; what is less than a hundredth is not shown as nothing."""
    if 0 < cost.amount < _CENT:
        amount = formats.number_format(_CENT, force_grouping=True)
        return gettext("less than %(amount)s %(currency)s") % {"amount": amount, "currency": cost.currency}
    places = 0 if cost.amount >= _WHOLE_FROM else 2
    return f"{formats.number_format(cost.amount, places, force_grouping=True)} {cost.currency}"


@register.filter
def wait_words(ms: int | None) -> str:
    """A wait of so many milliseconds: 340 ms, 2.4 s."""
    if ms is None:
        return "–"
    if ms < _SECOND:
        return gettext("%(number)s ms") % {"number": formats.number_format(ms)}
    return gettext("%(number)s s") % {"number": formats.number_format(ms / _SECOND, 1)}
