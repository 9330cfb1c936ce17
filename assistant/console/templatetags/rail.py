"""The links of the console's rail: each only for who has its right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from django import template
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from assistant.accounts.models import User
from assistant.accounts.roles import Right
from assistant.ingest.disk_room import is_nearly_full

register = template.Library()


@dataclass(frozen=True, slots=True)
class _Section:
    """A part of the console. `pages` are the routes that belong to it; `person` has `person-role` with it,
    unless another part names that one."""

    route: str
    label: str | Promise
    icon: str
    right: Right
    pages: frozenset[str] = frozenset()


_SECTIONS = (
    _Section(
        "console:sources",
        _("Sources"),
        "source",
        Right.SEE_SOURCES,
        frozenset({"sources", "source", "draft", "progress", "changes"}),
    ),
    _Section(
        "console:permissions",
        _("Permissions"),
        "shield",
        Right.INSPECT_PERMISSIONS,
        frozenset({"permissions", "readers", "shares", "seen"}),
    ),
    _Section(
        "console:people",
        _("People"),
        "people",
        Right.MANAGE_PEOPLE,
        frozenset({"people", "person", "service"}),
    ),
    _Section(
        "console:provisioning",
        _("Provisioning"),
        "sync",
        Right.MANAGE_SIGN_IN,
        frozenset({"provisioning"}),
    ),
    _Section("console:identity", _("Company sign-in"), "lock", Right.MANAGE_SIGN_IN, frozenset({"identity"})),
    _Section("console:slack", "Slack", "at", Right.MANAGE_SIGN_IN, frozenset({"slack"})),
    _Section("console:audit", _("Audit log"), "lines", Right.SEE_AUDIT, frozenset({"audit"})),
    _Section("console:ranking", _("Ranking"), "rules", Right.MANAGE_RANKING, frozenset({"ranking"})),
    _Section(
        "console:models", _("Language models"), "model", Right.MANAGE_MODELS, frozenset({"models", "model"})
    ),
    _Section("console:models-usage", _("Usage"), "lines", Right.SEE_USAGE, frozenset({"models-usage"})),
    _Section("console:answers", _("Answers"), "chat", Right.MANAGE_ANSWERS, frozenset({"answers"})),
    _Section(
        "console:guardrails",
        _("Guardrails"),
        "block",
        Right.SEE_GUARDRAILS,
        frozenset({"guardrails", "guardrail"}),
    ),
)


@dataclass(frozen=True, slots=True)
class RailLink:
    """One link. `current`: the page belongs to it."""

    address: str
    label: str
    icon: str
    current: bool


@register.simple_tag(takes_context=True)
def console_entry(context: template.Context) -> str:
    """The first page of the console that the person may open; empty where there is none."""
    rights = cast(User, cast(HttpRequest, context["request"]).user).rights
    return next((reverse(section.route) for section in _SECTIONS if section.right in rights), "")


@register.simple_tag
def no_room_for_uploads() -> bool:
    """Whether files and pushed documents are refused, because a disk is nearly full."""
    return is_nearly_full()


@register.simple_tag(takes_context=True)
def console_sections(context: template.Context) -> list[RailLink]:
    """What the person may open."""
    request = cast(HttpRequest, context["request"])
    rights = cast(User, request.user).rights
    route = (request.resolver_match.url_name or "") if request.resolver_match else ""
    known = {page for section in _SECTIONS for page in section.pages}
    page = route if route in known else route.partition("-")[0]
    return [
        RailLink(reverse(section.route), str(section.label), section.icon, page in section.pages)
        for section in _SECTIONS
        if section.right in rights
    ]
