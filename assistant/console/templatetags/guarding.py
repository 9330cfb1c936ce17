"""Words, tones and icons of rules, and of what they do."""

from __future__ import annotations

from collections.abc import Mapping

from django import template
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from assistant.common.types import Json
from assistant.guardrails.bench import BenchRun
from assistant.guardrails.detecting import PATTERN
from assistant.guardrails.models import Expected
from assistant.guardrails.rules import Kind, Rule
from assistant.guardrails.verdict import Action, Stage

register = template.Library()

_KINDS: Mapping[Kind, tuple[str | Promise, str | Promise, str]] = {
    Kind.TOPIC: (
        _("Topic"),
        _("What a question or an answer is about, by a description and examples."),
        "chat",
    ),
    Kind.WORDS: (
        _("Words and phrases"),
        _("Names and terms, however they are spaced or spelled and with particles."),
        "lines",
    ),
    Kind.PERSONAL_DATA: (
        _("Personal data"),
        _("Numbers, addresses and the like, and patterns of your own."),
        "person",
    ),
    Kind.HARMFUL: (_("Harmful content"), _("Insults, hate, sexual content, violence, misconduct."), "alert"),
    Kind.PROMPT_ATTACK: (
        _("Prompt attacks"),
        _("Questions that try to make the model work by other rules."),
        "shield",
    ),
    Kind.HIDDEN_INSTRUCTIONS: (
        _("Hidden instructions"),
        _("Sentences in documents that speak to the model, and text that nobody sees."),
        "document",
    ),
    Kind.GROUNDING: (
        _("Grounding"),
        _("How much of an answer must be carried by documents."),
        "check",
    ),
}
_STAGES = {
    Stage.QUESTION: pgettext_lazy("where a rule looks", "Question"),
    Stage.PASSAGE: pgettext_lazy("where a rule looks", "Passage"),
    Stage.ANSWER: pgettext_lazy("where a rule looks", "Answer"),
}
_STAGE_HELP = {
    Stage.QUESTION: _("before it is stored and searched for"),
    Stage.PASSAGE: _("what a document says, before a model reads it"),
    Stage.ANSWER: _("each sentence, before it is shown"),
}
_ACTIONS: Mapping[Action, tuple[str | Promise, str, str]] = {
    Action.BLOCK: (pgettext_lazy("what a rule does", "Block"), "bad", "block"),
    Action.MASK: (pgettext_lazy("what a rule does", "Mask"), "warning", "minus"),
    Action.RESTRICT: (pgettext_lazy("what a rule does", "Restrict to sources"), "information", "source"),
    Action.DETECT: (pgettext_lazy("what a rule does", "Only note"), "neutral", "info"),
    Action.PASS: (pgettext_lazy("what a rule does", "Let through"), "good", "check"),
}
_ACTIONS_OF: Mapping[tuple[Kind, Action], str | Promise] = {
    (Kind.HIDDEN_INSTRUCTIONS, Action.BLOCK): _("Leave the passage out"),
    (Kind.HIDDEN_INSTRUCTIONS, Action.MASK): _("Leave the sentence out"),
    (Kind.GROUNDING, Action.BLOCK): _("End the answer"),
    (Kind.GROUNDING, Action.MASK): _("Leave the sentence out"),
    (Kind.GROUNDING, Action.DETECT): _("Mark the sentence"),
}
_ACTION_HELP: Mapping[Action, str | Promise] = {
    Action.BLOCK: _("The person reads your message in place of an answer; a passage isn’t used."),
    Action.MASK: _("What is found is replaced by a label such as [phone number]. The original isn’t stored."),
    Action.RESTRICT: _("The question is answered from the chosen sources only."),
    Action.DETECT: _("Nobody notices anything; the audit log counts it."),
}
_HELP_OF: Mapping[tuple[Kind, Action], str | Promise] = {
    (Kind.HIDDEN_INSTRUCTIONS, Action.BLOCK): _("The answer is written without the whole passage."),
    (Kind.HIDDEN_INSTRUCTIONS, Action.MASK): _("The rest of the passage is used."),
    (Kind.GROUNDING, Action.BLOCK): _("The answer ends with your message before the share is missed."),
    (Kind.GROUNDING, Action.MASK): _("A sentence that would miss the share isn’t shown."),
    (Kind.GROUNDING, Action.DETECT): _("Unsupported sentences are shown, marked as such, and counted."),
}
_EXPECTED = {
    Expected.BLOCK: pgettext_lazy("a case of the test bench", "Blocked"),
    Expected.MASK: pgettext_lazy("a case of the test bench", "Masked"),
    Expected.PASS: pgettext_lazy("a case of the test bench", "Let through"),
}
_MUST = {
    Expected.BLOCK: _("must be blocked"),
    Expected.MASK: _("must be masked"),
    Expected.PASS: _("must be let through"),
}
_STRENGTHS = {
    "": _("Off"),
    "low": pgettext_lazy("strength of a check", "Low"),
    "medium": pgettext_lazy("strength of a check", "Medium"),
    "high": pgettext_lazy("strength of a check", "High"),
}
_FIELDS: Mapping[str, str | Promise] = {
    "kind": _("Kind"),
    "name": _("Name"),
    "action": _("What is done"),
    "stages": _("Where it looks"),
    "groups": _("For whom"),
    "message": _("Message to the person"),
    "enabled": _("Enabled"),
    "description": _("Description"),
    "examples": _("Example questions"),
    "sources": _("Sources that may answer"),
    "words": _("Words and phrases"),
    "kinds": _("Kinds of data"),
    "patterns": _("Own patterns"),
    "strengths": _("Categories"),
    "strength": _("Strength"),
    "share": _("Share that must be supported"),
}


@register.filter
def kind_words(kind: str) -> str:
    """What a kind of rule is called."""
    return str(_KINDS[Kind(kind)][0])


@register.filter
def kind_help(kind: str) -> str:
    """What a kind of rule looks for."""
    return str(_KINDS[Kind(kind)][1])


@register.filter
def kind_icon(kind: str) -> str:
    """The icon of a kind of rule."""
    return _KINDS[Kind(kind)][2]


@register.filter
def stage_words(stage: str) -> str:
    """Where a rule looks."""
    return str(_STAGES[Stage(stage)])


@register.filter
def stage_help(stage: str) -> str:
    """When that is."""
    return str(_STAGE_HELP[Stage(stage)])


@register.simple_tag
def action_words(action: str, kind: str = "") -> str:
    """What a rule of the kind does."""
    own = _ACTIONS_OF.get((Kind(kind), Action(action))) if kind else None
    return str(own or _ACTIONS[Action(action)][0])


@register.simple_tag
def action_help(action: str, kind: str) -> str:
    """What that means."""
    return str(_HELP_OF.get((Kind(kind), Action(action))) or _ACTION_HELP[Action(action)])


@register.filter
def action_tone(action: str) -> str:
    """The tone of its badge."""
    return _ACTIONS[Action(action)][1]


@register.filter
def action_icon(action: str) -> str:
    """The icon of its badge."""
    return _ACTIONS[Action(action)][2]


@register.filter
def expected_words(expected: str) -> str:
    """What happened to a case, or must."""
    return str(_EXPECTED[Expected(expected)])


@register.filter
def must_words(expected: str) -> str:
    """What must happen to a case, as a clause."""
    return str(_MUST[Expected(expected)])


@register.filter
def strength_words(strength: str) -> str:
    """How strong a check is."""
    return str(_STRENGTHS[strength])


@register.filter
def field_words(name: str) -> str:
    """What a field of a rule is called."""
    return str(_FIELDS[name])


@register.filter
def found_words(kind: str) -> str:
    """What a check calls what it found; an own pattern has its own name."""
    if kind.startswith(PATTERN):
        return kind.removeprefix(PATTERN)
    return str(_FOUND.get(kind) or gettext("Finding"))


@register.filter
def of_key(values: Mapping[str, str], key: str) -> str:
    """The value of a key, or an empty text."""
    return values.get(key, "")


@register.filter
def audience_words(rule: Rule) -> str:
    """Whom a rule concerns."""
    if not rule.groups:
        return gettext("Everyone")
    first, more = rule.groups[0].name, len(rule.groups) - 1
    if not more:
        return first
    return ngettext("%(first)s and %(count)d more group", "%(first)s and %(count)d more groups", more) % {
        "first": first,
        "count": more,
    }


@register.filter
def value_words(value: Json, field: str) -> str:
    """A field of a rule in the history."""
    if value in (None, "", [], {}):
        return gettext("Everyone") if field == "groups" else "–"
    if isinstance(value, bool):
        return gettext("Yes") if value else gettext("No")
    if isinstance(value, Mapping):
        return ", ".join(f"{found_words(name)}: {strength_words(str(each))}" for name, each in value.items())
    if isinstance(value, list):
        return ", ".join(_one(each, field) for each in value)
    return _one(value, field)


@register.simple_tag
def matrix_rows(run: BenchRun) -> list[tuple[str, list[tuple[str, int, str]], int]]:
    """Of each expectation: (expected, [(got, cases, tone)], cases in all)."""
    rows = []
    for expected, counts in run.matrix.items():
        cells = [
            (got.value, count, "none" if not count else "right" if got == expected else "wrong")
            for got, count in counts.items()
        ]
        rows.append((expected.value, cells, sum(counts.values())))
    return rows


def _one(value: Json, field: str) -> str:
    if isinstance(value, Mapping):
        return str(value.get("name") or "")
    text = str(value)
    match field:
        case "stages":
            return stage_words(text)
        case "action":
            return action_words(text)
        case "kind":
            return kind_words(text)
        case "kinds":
            return found_words(text)
        case "strength":
            return strength_words(text)
        case "share":
            return f"{text} %"
    return text


_FOUND: Mapping[str, str | Promise] = {
    "blocked_word": _("Words and phrases"),
    "topic": _("Topic"),
    "grounding": _("Grounding"),
    "email": _("E-mail address"),
    "phone": _("Phone number"),
    "card": _("Card number"),
    "iban": _("IBAN"),
    "bank_account": _("Bank account number"),
    "passport": _("Passport number"),
    "kr_resident_number": _("Korean resident registration number"),
    "kr_foreigner_number": _("Korean foreigner registration number"),
    "driving_licence": _("Driving licence number"),
    "kr_business_number": _("Korean business registration number"),
    "us_social_security_number": _("US social security number"),
    "address": _("Postal address"),
    "ip_address": _("IP address"),
    "own_pattern": _("Own patterns"),
    "could_not_be_judged": _("Could not be judged in time"),
    "insult": _("Insults and profanity"),
    "hate": _("Hate"),
    "sexual": _("Sexual content"),
    "violence": _("Violence"),
    "misconduct": _("Misconduct"),
    "prompt_attack": _("Prompt attack"),
    "hidden_instruction": _("Instruction to the model"),
    "invisible_text": _("Invisible text"),
}
