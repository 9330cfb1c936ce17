"""Adding, removing, importing and exporting the cases of the test bench.

A file has one JSON object a line: {"text", "stage", "expected", "language"?, "note"?}.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from django.db import transaction
from django.utils.translation import gettext

from assistant.access.roles import require
from assistant.access.viewer import Viewer
from assistant.accounts.roles import Right
from assistant.audit.trail import Event, record
from assistant.common.analysis import language_of
from assistant.common.errors import NotFound, UsageError
from assistant.common.types import Json, JsonObject
from assistant.guardrails.bench import MOST_CASES, Case, saved_cases
from assistant.guardrails.models import MAX_CASE, MAX_NOTE, BenchCase, Expected
from assistant.guardrails.verdict import Stage

_LANGUAGES = ("ko", "en")
_FIELDS = frozenset({"text", "stage", "expected", "language", "note"})


def read_case(given: JsonObject) -> Case:
    """The case that the JSON says. The language is found out if it is not said.

    Raises:
        UsageError: a field is wrong, in the reader's language.
    """
    unknown = sorted(set(given) - _FIELDS)
    if unknown:
        raise UsageError(gettext("“%(field)s” is no field of a case.") % {"field": unknown[0][:40]})
    text, note = str(given.get("text") or "").strip(), str(given.get("note") or "").strip()
    if not text:
        raise UsageError(gettext("Write the text of the case."))
    if len(text) > MAX_CASE or len(note) > MAX_NOTE:
        raise UsageError(
            gettext("A case has at most %(text)d characters and its note %(note)d.")
            % {"text": MAX_CASE, "note": MAX_NOTE}
        )
    stage = next((each for each in Stage if each == given.get("stage")), None)
    expected = next((each for each in Expected if each == given.get("expected")), None)
    if stage is None:
        raise UsageError(gettext("The field “stage” is question, passage or answer."))
    if expected is None:
        raise UsageError(gettext("The field “expected” is block, mask or pass."))
    language = str(given.get("language") or language_of(text))
    if language not in _LANGUAGES:
        raise UsageError(gettext("The field “language” is ko or en."))
    return Case(0, text, stage, expected, language, note)


def read_lines(written: str) -> tuple[Case, ...]:
    """The cases of a file.

    Raises:
        UsageError: a line is wrong, with its number; or there are too many.
    """
    found: list[Case] = []
    # Only a line feed ends a line of JSON: a text may hold the other characters that Python takes for one.
    for number, line in enumerate(written.lstrip("\ufeff").split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise UsageError(
                gettext("Line %(line)d is not JSON. Write one object a line.") % {"line": number}
            ) from error
        if not isinstance(value, Mapping):
            raise UsageError(
                gettext("Line %(line)d is not JSON. Write one object a line.") % {"line": number}
            )
        try:
            found.append(read_case(value))
        except UsageError as error:
            raise UsageError(
                gettext("Line %(line)d: %(problem)s") % {"line": number, "problem": error}
            ) from error
        if len(found) > MOST_CASES:
            raise UsageError(_too_many())
    return tuple(found)


def written_lines(cases: Sequence[Case]) -> Iterator[str]:
    """The lines of a file that `read_lines` reads, each with its end."""
    for case in cases:
        value: dict[str, Json] = {
            "text": case.text,
            "stage": case.stage.value,
            "expected": case.expected.value,
            "language": case.language,
            "note": case.note,
        }
        yield json.dumps(value, ensure_ascii=False) + "\n"


def add_cases(cases: Sequence[Case], *, viewer: Viewer) -> int:
    """Save cases; those that are saved already, by text, stage and expectation, are not saved twice.

    Gives how many are new.

    Raises:
        NotFound: the viewer may not edit cases.
        UsageError: there would be too many.
    """
    require(viewer, Right.MANAGE_GUARDRAILS)
    with transaction.atomic():
        known = {_key(case) for case in saved_cases()}
        new = list({_key(case): case for case in cases if _key(case) not in known}.values())
        if len(known) + len(new) > MOST_CASES:
            raise UsageError(_too_many())
        BenchCase.objects.bulk_create(
            BenchCase(
                text=case.text,
                stage=case.stage.value,
                expected=case.expected.value,
                language=case.language,
                note=case.note,
                created_by=viewer.email,
            )
            for case in new
        )
        if new:
            _audit(viewer, added=len(new))
    return len(new)


def delete_case(case_id: int, *, viewer: Viewer) -> None:
    """Remove a case.

    Raises:
        NotFound: the viewer may not edit cases, or there is no such case.
    """
    require(viewer, Right.MANAGE_GUARDRAILS)
    removed, _ = BenchCase.objects.filter(pk=case_id).delete()
    if not removed:
        raise NotFound("There is no such case.")
    _audit(viewer, deleted=1)


def _key(case: Case) -> tuple[str, Stage, Expected]:
    return case.text, case.stage, case.expected


def _too_many() -> str:
    return gettext("There is room for %(most)d cases. Delete some first.") % {"most": MOST_CASES}


def _audit(viewer: Viewer, **data: Json) -> None:
    record(Event.GUARDRAIL_CASES_CHANGED, actor_id=viewer.user_id, actor=viewer.email, **data)
