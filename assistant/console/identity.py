"""The pages of identity providers: whom Mundap believes who somebody is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import Count, Max
from django.db.models.functions import Lower
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import slugify
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from assistant.accounts.models import Role
from assistant.accounts.roles import Right
from assistant.common.errors import MundapError, UsageError
from assistant.common.told import said as sentence_of
from assistant.console.administrators import AdministratorRequest, with_right
from assistant.console.identity_form import drawn_form, stored_form, typed_form
from assistant.console.proving import recently_proven
from assistant.console.telling import in_words
from assistant.identity import providers as services
from assistant.identity.kinds import KINDS, Facts, Kind
from assistant.identity.models import IdentityProvider
from assistant.identity.providers import Mistakes, ProviderForm
from assistant.identity.saml import keys

WRONG = 422


@dataclass(frozen=True, slots=True)
class ProviderRow:
    """A provider on the list."""

    provider: IdentityProvider
    kind: Kind
    people: int
    last_used: datetime | None
    warnings: tuple[str, ...]


@require_GET
@with_right(Right.MANAGE_SIGN_IN)
def providers(request: AdministratorRequest) -> HttpResponse:
    """All providers, with how many people they know and what somebody should care for."""
    found = (
        IdentityProvider.objects.filter(kind__in=KINDS)
        .annotate(people=Count("identities"), last_used=Max("identities__used_at"))
        .order_by(Lower("name"))
    )
    rows = [
        ProviderRow(row, KINDS[row.kind], row.people, row.last_used, facts.warnings + facts.notices)
        for row, facts in ((row, _facts(request, row)) for row in found)
    ]
    return render(request, "console/identity.html", {"rows": rows})


@require_GET
@with_right(Right.MANAGE_SIGN_IN)
def kinds(request: AdministratorRequest) -> HttpResponse:
    """Which kind shall it be?"""
    return render(request, "console/identity_kinds.html", {"kinds": KINDS.items()})


@require_http_methods(["GET", "POST"])
@with_right(Right.MANAGE_SIGN_IN)
@recently_proven
def new_provider(request: AdministratorRequest, kind: str) -> HttpResponse:
    """An empty form; POST adds what was typed. Nobody can sign in with it before it is opened."""
    found = KINDS.get(kind)
    if found is None:
        raise Http404
    if request.method == "GET":
        return _form(request, found, ProviderForm(name="", kind=kind, slug=_free_slug("", kind)))
    said = typed_form(found.load().FIELDS, request.POST, kind=kind)
    if not said.slug.strip():
        said = replace(said, slug=_free_slug(said.name, kind))
    try:
        row = services.add_provider(said, actor=request.user.email)
    except Mistakes as error:
        return _form(request, found, said, wrong=error.by_field)
    found.refresh(row)
    return _saved(row)


@require_http_methods(["GET", "POST"])
@with_right(Right.MANAGE_SIGN_IN)
@recently_proven
def provider(request: AdministratorRequest, provider_id: int) -> HttpResponse:
    """One provider: what the other side must be told, certificates, settings. Secrets are never shown."""
    row, kind = _known(provider_id)
    if request.method == "GET":
        return _form(request, kind, stored_form(row), row)
    said = replace(typed_form(kind.load().FIELDS, request.POST, kind=row.kind), slug=row.slug)
    try:
        row = services.change_provider(provider_id=provider_id, form=said, actor=request.user.email)
    except Mistakes as error:
        return _form(request, kind, said, row, wrong=error.by_field)
    kind.refresh(row)
    return _saved(row)


@require_POST
@with_right(Right.MANAGE_SIGN_IN)
@recently_proven
def open_or_close(request: AdministratorRequest, provider_id: int) -> HttpResponse:
    """Let people sign in with it, or stop that, which ends the sessions that it gave."""
    row, _ = _known(provider_id)
    services.set_open(provider_id=row.pk, is_open="open" in request.POST, actor=request.user.email)
    return redirect("console:identity-provider", provider_id)


@require_POST
@with_right(Right.MANAGE_SIGN_IN)
@recently_proven
def remove(request: AdministratorRequest, provider_id: int) -> HttpResponse:
    """Remove it with what it knew of people."""
    services.remove_provider(provider_id=provider_id, actor=request.user.email)
    return redirect("console:identity")


@require_POST
@with_right(Right.MANAGE_SIGN_IN)
def refresh(_: AdministratorRequest, provider_id: int) -> HttpResponse:
    """Read what the provider publishes of itself now."""
    row, kind = _known(provider_id)
    kind.refresh(row)
    return redirect("console:identity-provider", provider_id)


@require_POST
@with_right(Right.MANAGE_SIGN_IN)
@recently_proven
def roll_key(request: AdministratorRequest, provider_id: int) -> HttpResponse:
    """Announce another key of ours, or use the one that was announced."""
    row, kind = _known(provider_id)
    if not kind.has_keys:
        raise Http404
    try:
        if "use" in request.POST:
            keys.use_next(row, actor=request.user.email)
        else:
            keys.announce_next(row, actor=request.user.email)
    except (UsageError, keys.NoKeys):
        pass  # there is no next key any more: the page says which there are
    return redirect("console:identity-provider", provider_id)


def known_kind(provider_id: int) -> tuple[IdentityProvider, Kind]:
    """A provider, and its kind.

    Raises:
        NotFound: there is none.
    """
    return _known(provider_id)


def _known(provider_id: int) -> tuple[IdentityProvider, Kind]:
    row = services.provider(provider_id)
    kind = KINDS.get(row.kind)
    if kind is None:
        raise Http404
    return row, kind


def _facts(request: AdministratorRequest, row: IdentityProvider) -> Facts:
    try:
        facts = KINDS[row.kind].facts(row, f"{request.scheme}://{request.get_host()}")
    except MundapError as error:  # secrets of another secret key: the page still shows the rest
        return Facts(warnings=(in_words(sentence_of(error)),))
    return replace(
        facts,
        warnings=tuple(in_words(one) for one in facts.warnings),
        notices=tuple(in_words(one) for one in facts.notices),
    )


def _form(
    request: AdministratorRequest,
    kind: Kind,
    said: ProviderForm,
    row: IdentityProvider | None = None,
    *,
    wrong: Mapping[str, str] | None = None,
) -> HttpResponse:
    # A new one is shown with the addresses that it will have: many providers ask for them first.
    facts = _facts(request, row or IdentityProvider(kind=said.kind, slug=said.slug or said.kind))
    context = {
        "kind": kind,
        "form": drawn_form(kind, said, known_secrets=_known_secrets(row), wrong=wrong),
        "provider": row,
        "facts": facts,
        "outside": (kind.refusal_of(row) if row is not None else None) or "",
        "roles": Role.choices,
        "people": row.identities.count() if row is not None else 0,
        "sessions": services.sessions_given(row.pk) if row is not None else 0,
        "saved": "saved" in request.GET and not wrong,
    }
    return render(request, "console/identity_provider.html", context, status=WRONG if wrong else 200)


def _known_secrets(row: IdentityProvider | None) -> tuple[str, ...]:
    """Names of the secrets that are stored and can be opened."""
    try:
        return tuple(services.secrets_of(row)) if row is not None else ()
    except MundapError:
        return ()


def _saved(row: IdentityProvider) -> HttpResponse:
    response = redirect("console:identity-provider", row.pk)
    response["Location"] += "?saved"
    return response


def _free_slug(name: str, kind: str) -> str:
    """A short name made of the long one, where it has Latin letters; else of the kind."""
    base = slugify(name)[:30].strip("-") or kind
    taken = set(IdentityProvider.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    return next(
        slug for slug in (base, *(f"{base}-{n}" for n in range(2, len(taken) + 3))) if slug not in taken
    )
