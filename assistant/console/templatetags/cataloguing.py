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
from assistant.catalogue.search_listing import SearchState
from assistant.catalogue.trial_steps import State, Step
from assistant.documents.models import SearchJob

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
_JOBS: dict[SearchJob, tuple[Promise, Promise]] = {
    SearchJob.EMBEDDER: (
        _("Finding by meaning"),
        _(
            "Turns every text and every question into numbers that say what it means. Another model needs an "
            "index of its own, which is built beside the one that answers."
        ),
    ),
    SearchJob.RERANKER: (
        _("Order of what was found"),
        _(
            "Reads the best 32 passages beside the question and puts the fitting ones first. Each question "
            "takes longer."
        ),
    ),
    SearchJob.ENTAILMENT: (
        _("Check of answers by meaning"),
        _(
            "Judges whether a cited passage says what a language model wrote: also in other words or another "
            "language. Numbers, dates and denials are checked as before."
        ),
    ),
}
_SEARCH_STATES: dict[SearchState, tuple[str, str, Promise]] = {
    SearchState.ANSWERING: ("good", "check", _("In use")),
    SearchState.BUILDING: ("information", "sync", _("Being built")),
    SearchState.WAITING: ("information", "sync", _("Chosen")),
    SearchState.KEPT: ("neutral", "minus", _("Ready to go back to")),
    SearchState.IDLE: ("neutral", "minus", _("Not in use")),
}
_FINDINGS: dict[str, Promise] = {
    "reranks-en": _("English question: the right English passage comes first"),
    "reranks-ko": _("Korean question: the right Korean passage comes first"),
    "reranks-across": _("Korean question: the right English passage comes first"),
    "entails-en": _("English: the same in other words"),
    "contradicts-en": _("English: a contradiction"),
    "entails-ko": _("Korean: the same in other words"),
    "entails-across": _("A Korean sentence in an English passage"),
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


@register.filter
def job_words(job: str) -> str:
    """What a model of the search does, in a few words."""
    return str(_JOBS[SearchJob(job)][0])


@register.filter
def job_about(job: str) -> str:
    """What that means for those who ask."""
    return str(_JOBS[SearchJob(job)][1])


@register.filter
def search_state_tone(state: str) -> str:
    """The tone of a state."""
    return _SEARCH_STATES[SearchState(state)][0]


@register.filter
def search_state_icon(state: str) -> str:
    """The icon that stands beside the words."""
    return _SEARCH_STATES[SearchState(state)][1]


@register.filter
def search_state_words(state: str) -> str:
    """A state."""
    return str(_SEARCH_STATES[SearchState(state)][2])


@register.filter
def finding_words(key: str) -> str:
    """What was tried."""
    return str(_FINDINGS[key])


@register.filter
def cosine(value: float) -> str:
    """A nearness from -1 to 1 with two decimal places."""
    return formats.number_format(value, 2)
