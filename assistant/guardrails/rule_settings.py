"""What can be set in a rule of each kind, as values and as JSON.

Reading is strict: what is unknown, too long or of another shape is refused with a sentence at its field. The
same readers serve the form, the draft, an imported version and the version in force.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext
from typing_extensions import TypeIs

from assistant.common.errors import UsageError
from assistant.common.told import said, told
from assistant.common.types import Json, JsonObject
from assistant.guardrails.checks.registry import catalogue, compiled_pattern

MAX_DESCRIPTION = 1000
MAX_LINES = 200
MAX_LINE = 200
MAX_PATTERNS = 50
MAX_SHARE = 100


class RuleRefused(UsageError):
    """A rule cannot be as it was written. `problems`: field to sentence, in the reader's language."""

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__(" ".join(problems.values()))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class NamedRow:
    """A row of another table, by id; the name is what it was called when it was chosen."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class OwnPattern:
    """A regular expression of the administrators, and what it finds, in their words."""

    name: str
    pattern: str


@dataclass(frozen=True, slots=True)
class TopicSettings:
    """A topic by description and examples. `sources`: what alone may answer, for a rule that restricts."""

    description: str = ""
    examples: tuple[str, ...] = ()
    sources: tuple[NamedRow, ...] = ()


@dataclass(frozen=True, slots=True)
class WordsSettings:
    """Words and phrases, one a line."""

    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PersonalDataSettings:
    """Kinds of `checks/personal_data.py`, and own patterns."""

    kinds: tuple[str, ...] = ()
    patterns: tuple[OwnPattern, ...] = ()


@dataclass(frozen=True, slots=True)
class HarmfulSettings:
    """Categories with the strength of each; a category that is left out is not looked for."""

    strengths: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class AttackSettings:
    """How much is found: "low" only the plainest, "high" most, with more errors."""

    strength: str = "medium"


@dataclass(frozen=True, slots=True)
class GroundingSettings:
    """Of 100 released sentences of an answer, how many must be carried by a passage at any moment."""

    share: int = 100


Settings = (
    TopicSettings
    | WordsSettings
    | PersonalDataSettings
    | HarmfulSettings
    | AttackSettings
    | GroundingSettings
)

STRENGTHS = ("low", "medium", "high")


def topic_settings(given: JsonObject, *, restricts: bool) -> TopicSettings:
    """A topic that says something to compare with.

    Raises:
        RuleRefused: a field is wrong.
    """
    problems: dict[str, str] = {}
    description = str(given.get("description") or "").strip()
    examples = lines_given(given.get("examples"))
    _note(problems, "description", _too_long(description, MAX_DESCRIPTION))
    _note(problems, "examples", _wrong_lines(examples))
    if not description and not examples:
        problems["description"] = gettext(
            "Describe the topic or give example questions: without either it would find nothing."
        )
    sources = rows_given(given.get("sources"))
    if restricts and not sources:
        problems["sources"] = gettext("Choose at least one source that may answer.")
    _raise(problems)
    return TopicSettings(description, examples, sources if restricts else ())


def words_settings(given: JsonObject) -> WordsSettings:
    """At least one word.

    Raises:
        RuleRefused: a line is wrong.
    """
    words = lines_given(given.get("words"))
    problem = _wrong_lines(words)
    mute = next((line for line in words if not any(char.isalnum() for char in line)), None)
    if not words:
        problem = gettext("Write at least one word or phrase.")
    elif not problem and mute is not None:
        problem = gettext("“%(line)s” has no letter or digit, so it could match nothing. Remove it.") % {
            "line": mute
        }
    _raise({"words": problem} if problem else {})
    return WordsSettings(words)


def personal_data_settings(given: JsonObject) -> PersonalDataSettings:
    """At least one known kind or pattern; every pattern can be compiled.

    Raises:
        RuleRefused: a kind or pattern is wrong.
    """
    problems: dict[str, str] = {}
    kinds = lines_given(given.get("kinds"))
    patterns = _patterns(given.get("patterns"))
    known = dict(catalogue("personal_data"))
    unknown = next((kind for kind in kinds if kind not in known), None)
    if unknown is not None:
        problems["kinds"] = gettext("“%(kind)s” is no kind of personal data that is known here.") % {
            "kind": unknown
        }
    elif not kinds and not patterns:
        problems["kinds"] = gettext("Choose at least one kind, or write a pattern of your own.")
    _note(problems, "patterns", _wrong_patterns(patterns))
    _raise(problems)
    return PersonalDataSettings(tuple(kind for kind in known if kind in kinds), patterns)


def harmful_settings(given: JsonObject) -> HarmfulSettings:
    """At least one category with a strength.

    Raises:
        RuleRefused: a category or strength is unknown, or none is chosen.
    """
    chosen = given.get("strengths")
    found = {str(name): str(strength) for name, strength in chosen.items()} if _is_object(chosen) else {}
    known = dict(catalogue("harmful"))
    if not found:
        raise RuleRefused({"strengths": gettext("Choose at least one category.")})
    if any(name not in known or strength not in STRENGTHS for name, strength in found.items()):
        raise RuleRefused({"strengths": gettext("A category or its strength is not known here.")})
    return HarmfulSettings(tuple((name, found[name]) for name in known if name in found))


def attack_settings(given: JsonObject) -> AttackSettings:
    """A strength.

    Raises:
        RuleRefused: it is unknown.
    """
    strength = str(given.get("strength") or "medium")
    if strength not in STRENGTHS:
        raise RuleRefused({"strength": gettext("Choose a strength: low, medium or high.")})
    return AttackSettings(strength)


def grounding_settings(given: JsonObject) -> GroundingSettings:
    """A share in percent.

    Raises:
        RuleRefused: it is no whole number from 1 to 100.
    """
    share = str(given.get("share") if given.get("share") is not None else "").strip()
    if not (share.isascii() and share.isdigit() and len(share) < 4 and 1 <= int(share) <= MAX_SHARE):  # noqa: PLR2004 - three digits
        raise RuleRefused({"share": gettext("Write a whole number from 1 to 100.")})
    return GroundingSettings(int(share))


def settings_json(settings: Settings) -> dict[str, Json]:
    """What the reader of the same kind reads."""
    match settings:
        case TopicSettings(description, examples, sources):
            return {
                "description": description,
                "examples": list(examples),
                "sources": [row_json(source) for source in sources],
            }
        case WordsSettings(words):
            return {"words": list(words)}
        case PersonalDataSettings(kinds, patterns):
            return {
                "kinds": list(kinds),
                "patterns": [{"name": each.name, "pattern": each.pattern} for each in patterns],
            }
        case HarmfulSettings(strengths):
            return {"strengths": dict(strengths)}
        case AttackSettings(strength):
            return {"strength": strength}
        case GroundingSettings(share):
            return {"share": share}


def row_json(row: NamedRow) -> dict[str, Json]:
    """What `rows_given` reads."""
    return {"id": row.id, "name": row.name}


def lines_given(value: Json) -> tuple[str, ...]:
    """The texts of a list, or the lines of a text, each once and trimmed, without empty ones."""
    lines = value.splitlines() if isinstance(value, str) else value if _is_list(value) else ()
    return tuple(dict.fromkeys(text for line in lines if (text := " ".join(str(line).split()))))


def rows_given(value: Json) -> tuple[NamedRow, ...]:
    """Rows as `row_json` writes them; anything else is left out."""
    found = {}
    for each in value if _is_list(value) else ():
        if _is_object(each) and isinstance(number := each.get("id"), int):
            found[number] = NamedRow(number, str(each.get("name") or ""))
    return tuple(found.values())


def _patterns(value: Json) -> tuple[OwnPattern, ...]:
    found = []
    for each in value if _is_list(value) else ():
        if _is_object(each):
            name, pattern = str(each.get("name") or "").strip(), str(each.get("pattern") or "").strip()
            found.append(OwnPattern(" ".join(name.split()), pattern))
    return tuple(dict.fromkeys(found))


def _wrong_patterns(patterns: Sequence[OwnPattern]) -> str:
    if len(patterns) > MAX_PATTERNS:
        return gettext("At most %(most)d patterns.") % {"most": MAX_PATTERNS}
    for number, each in enumerate(patterns, start=1):
        if not each.name or not each.pattern:
            return gettext("Line %(line)d: write a name, an equals sign and a pattern.") % {"line": number}
        if len(each.name) > MAX_LINE:
            return gettext("Line %(line)d is longer than %(most)d characters. Shorten it.") % {
                "line": number,
                "most": MAX_LINE,
            }
        try:
            compiled_pattern(each.pattern)
        except UsageError as error:
            return told("Line {line}: {problem}", line=number, problem=said(error))
    return ""


def _wrong_lines(lines: Sequence[str]) -> str:
    if len(lines) > MAX_LINES:
        return gettext("At most %(most)d lines; there are %(count)d. Split the rule in two.") % {
            "most": MAX_LINES,
            "count": len(lines),
        }
    for number, line in enumerate(lines, start=1):
        if len(line) > MAX_LINE:
            return gettext("Line %(line)d is longer than %(most)d characters. Shorten it.") % {
                "line": number,
                "most": MAX_LINE,
            }
    return ""


def _too_long(text: str, most: int) -> str:
    if len(text) <= most:
        return ""
    return gettext("At most %(most)d characters; there are %(count)d.") % {"most": most, "count": len(text)}


def _note(problems: dict[str, str], field: str, problem: str) -> None:
    if problem:
        problems[field] = problem


def _raise(problems: dict[str, str]) -> None:
    if problems:
        raise RuleRefused(problems)


def _is_list(value: Json) -> TypeIs[Sequence[Json]]:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _is_object(value: Json) -> TypeIs[JsonObject]:
    return isinstance(value, Mapping)
