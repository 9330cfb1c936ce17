"""The form of all about a source beside its connection: when, what, for whom, and within which limits."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from assistant.common.errors import UsageError
from assistant.common.told import said
from assistant.common.types import Json
from assistant.console.audience import AudienceForm, audience_form, typed_audience
from assistant.console.rules_form import RulesForm, rules_form, typed_rules
from assistant.console.telling import in_words
from assistant.console.timing import Timing, timing_of, typed_timing
from assistant.sync.enrichment import parse_enrichment
from assistant.sync.source_settings import SourceSettings

_YEAR_H = 24 * 365
_LONGEST_JSON = 20_000


@dataclass(frozen=True, slots=True)
class Limit:
    """A number of the settings: its bounds and its words."""

    name: str
    label: str | Promise
    help: str | Promise
    least: int
    most: int
    whole: bool = True


_LIMITS = (
    Limit(
        "permissions_hours",
        _("Read all permissions every … hours"),
        _("Change feeds do not carry every change of permissions. 0: never by itself."),
        0,
        _YEAR_H,
    ),
    Limit(
        "full_hours",
        _("List everything every … hours"),
        _("Finds what a change feed has missed. 0: never by itself."),
        0,
        _YEAR_H,
    ),
    Limit(
        "max_deleted",
        _("Documents that a run may delete"),
        _("A run that finds more missing deletes nothing and asks."),
        0,
        2**31 - 1,
    ),
    Limit(
        "max_deleted_percent",
        _("Share that a run may delete, in percent"),
        _("The same, as a share of the source."),
        0,
        100,
    ),
    Limit(
        "error_budget_percent",
        _("Share that may fail, in percent"),
        _("A run in which more fails stops and says so."),
        1,
        100,
    ),
    Limit(
        "rate_per_second",
        _("Requests a second at most"),
        _("Spares a slow source. 0: as many as it bears."),
        0,
        1_000,
        whole=False,
    ),
    Limit(
        "fetches_at_once",
        _("Documents read at once"),
        _("0: as many as this kind of source bears."),
        0,
        64,
    ),
)


@dataclass(frozen=True, slots=True)
class LimitField:
    """A limit as it was typed. `wrong`: what is wrong with it, empty if nothing."""

    limit: Limit
    typed: str
    wrong: str = ""


@dataclass(frozen=True, slots=True)
class SettingsForm:
    """All that the page holds. `wrong`: what is wrong with field map and enrichment."""

    timing: Timing
    audience: AudienceForm
    rules: RulesForm
    limits: tuple[LimitField, ...]
    enrichment: str
    field_map: str
    wrong: tuple[tuple[str, str], ...] = ()

    @property
    def mistakes(self) -> dict[str, str]:
        """What is wrong with field map and enrichment, by field."""
        return dict(self.wrong)

    @property
    def is_wrong(self) -> bool:
        """Whether anything must be mended before it can be saved."""
        limits = any(field.wrong for field in self.limits)
        return bool(limits or self.wrong or self.timing.wrong or self.audience.wrong or self.rules.wrong)

    def settings(self, before: SourceSettings) -> SourceSettings:
        """The settings that the fields say, over those that no field shows.

        Raises:
            UsageError: a field is wrong.
        """
        if self.is_wrong:
            raise UsageError("A field of the settings is wrong.")
        typed = {field.limit.name: float(field.typed) for field in self.limits}
        enrichment, field_map = _read(self.enrichment), _read(self.field_map)
        assert isinstance(enrichment, Sequence | None)
        assert isinstance(field_map, Mapping | None)
        return replace(
            before,
            cron=self.timing.text,
            time_zone=self.timing.time_zone,
            rules=self.rules.rules,
            audience=self.audience.principals,
            enrichment=list(enrichment or []),
            field_map=field_map or {},
            permissions_hours=int(typed["permissions_hours"]),
            full_hours=int(typed["full_hours"]),
            max_deleted=int(typed["max_deleted"]),
            max_deleted_percent=int(typed["max_deleted_percent"]),
            error_budget_percent=int(typed["error_budget_percent"]),
            rate_per_second=typed["rate_per_second"],
            fetches_at_once=int(typed["fetches_at_once"]),
        )


def settings_form(stored: SourceSettings) -> SettingsForm:
    """The form of stored settings."""
    return SettingsForm(
        timing=timing_of(stored.cron, stored.time_zone),
        audience=audience_form(stored.audience),
        rules=rules_form(stored.rules),
        limits=tuple(LimitField(limit, _number(getattr(stored, limit.name))) for limit in _LIMITS),
        enrichment=_written(list(stored.enrichment)),
        field_map=_written(stored.field_map),
    )


def typed_form(typed: QueryDict, before: SettingsForm) -> SettingsForm:
    """What was typed, with what is wrong with it."""
    enrichment, field_map = (typed.get(name, "").strip() for name in ("enrichment", "field_map"))
    return SettingsForm(
        timing=typed_timing(typed, before.timing),
        audience=typed_audience(typed),
        rules=typed_rules(typed),
        limits=tuple(_typed_limit(limit, typed.get(limit.name, "").strip()) for limit in _LIMITS),
        enrichment=enrichment,
        field_map=field_map,
        wrong=tuple(_mistakes(enrichment, field_map)),
    )


def _typed_limit(limit: Limit, text: str) -> LimitField:
    try:
        value = float(text) if text.isascii() else math.nan
    except ValueError:
        value = math.nan
    fits = limit.least <= value <= limit.most and (not limit.whole or text.isdigit())
    bounds = {"least": limit.least, "most": limit.most}
    words = (
        gettext("Write a whole number from %(least)s to %(most)s.")
        if limit.whole
        else gettext("Write a number from %(least)s to %(most)s.")
    )
    return LimitField(limit, text, "" if fits else words % bounds)


def _mistakes(enrichment: str, field_map: str) -> list[tuple[str, str]]:
    wrong: list[tuple[str, str]] = []
    for name, text in (("enrichment", enrichment), ("field_map", field_map)):
        try:
            value = _read(text)
            if name == "enrichment":
                parse_enrichment({}, value if text else [])
            else:
                parse_enrichment(value if text else {}, [])
        except ValueError:
            wrong.append((name, gettext("This is no JSON.")))
        except UsageError as error:
            wrong.append((name, in_words(said(error))))
    return wrong


def _read(text: str) -> Json:
    if len(text) > _LONGEST_JSON:
        raise ValueError
    value: Json = json.loads(text) if text else None
    return value


def _written(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) if value else ""


def _number(value: float) -> str:
    return f"{value:g}" if value != int(value) else str(int(value))
