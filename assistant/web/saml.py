"""The pages at which a SAML provider and we meet. All of them lie below the path of the sign-in's cookie."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from assistant.accounts import cookies, throttle
from assistant.accounts.models import User
from assistant.accounts.roles import Right
from assistant.audit.origin import address_of
from assistant.common.errors import NotFound
from assistant.identity.models import IdentityProvider
from assistant.identity.saml.keys import own_keys
from assistant.identity.saml.kind import PERSISTENT
from assistant.identity.saml.logout import Message, Posted, Redirected
from assistant.identity.saml.messages import Correspondence, sign_in_request
from assistant.identity.saml.party import NotDescribed, own_addresses, party_of
from assistant.identity.saml.published import our_metadata
from assistant.identity.saml.receiving import (
    NotTaken,
    note_not_taken,
    saml_provider,
    take_answer,
    take_logout,
    take_logout_answer,
)
from assistant.identity.started import Purpose
from assistant.web.company_sign_in import LEAVING_COOKIE, apology, send_away, site_of, too_many, wish_of

_SEE_OTHER = 303
_LONGEST_RELAY_STATE = 80  # bytes, by the bindings; what is longer is not sent back


@never_cache
@require_GET
def begin(request: HttpRequest, slug: str) -> HttpResponse:
    """Send the browser to the provider."""
    provider, wish = _provider(slug), wish_of(request)
    if not provider.is_open and not (wish.purpose == Purpose.TRY and _manages_sign_in(request)):
        raise Http404
    if (held := throttle.arrival(address=address_of(request))) is not None:
        return too_many(request, held)
    try:
        party = party_of(provider)
        key = own_keys(provider).current.key if provider.settings.get("signs_requests", True) else ""
    except NotDescribed:
        sentence = gettext("%(provider)s can't be used at the moment. Tell your administrator.")
        return apology(request, sentence % {"provider": provider.name}, status=503)
    sent = sign_in_request(
        Correspondence(party, own_addresses(provider, site_of(request)), key),
        name_id_format=str(provider.settings.get("name_id_format", PERSISTENT)),
        force=wish.purpose == Purpose.PROVE,
    )
    return send_away(provider, wish, to=sent.to, sent=sent.id)


@csrf_exempt  # a form of the provider's; nobody is signed in here, see `finish`
@never_cache
@require_POST
def acs(request: HttpRequest, slug: str) -> HttpResponse:
    """The provider's answer, which comes by another site's form and without our cookies."""
    provider = _provider(slug)
    try:
        ticket = take_answer(
            provider,
            request.POST.get("SAMLResponse", ""),
            own_addresses(provider, site_of(request)),
            now=timezone.now(),
        )
    except NotFound as error:
        raise Http404 from error
    except NotTaken as error:
        return _not_taken(request, provider, error)
    response = redirect("web:finish-sign-in", ticket=ticket)
    response.status_code = _SEE_OTHER
    return response


@csrf_exempt  # signed by the provider
@never_cache
@require_http_methods(["GET", "POST"])
def logout(request: HttpRequest, slug: str) -> HttpResponse:
    """The provider signs somebody out, or answers that it did."""
    provider = _provider(slug)
    if not provider.is_open:
        raise Http404
    fields = request.POST if request.method == "POST" else request.GET
    message: Message = (
        Posted(fields.get("SAMLRequest") or fields.get("SAMLResponse", ""))
        if request.method == "POST"
        else Redirected(request.META.get("QUERY_STRING", ""))
    )
    own, now = own_addresses(provider, site_of(request)), timezone.now()
    try:
        if "SAMLRequest" in fields:
            relay_state = fields.get("RelayState", "")
            kept = relay_state if len(relay_state.encode()) <= _LONGEST_RELAY_STATE else ""
            ended = take_logout(provider, message, own, relay_state=kept, now=now)
            return redirect(ended.to) if ended.to else _signed_out(request, provider)
        sent = cookies.kept_in(request, LEAVING_COOKIE)
        everywhere = take_logout_answer(provider, message, own, request_id=sent, now=now)
    except NotTaken as error:
        return _not_taken(request, provider, error, signs_out="SAMLRequest" not in fields)
    response = _signed_out(request, provider, everywhere=everywhere)
    cookies.forget(response, LEAVING_COOKIE)
    return response


@require_GET
def metadata(request: HttpRequest, slug: str) -> HttpResponse:
    """What the provider must know of us. Nothing of it is secret; it is there before the provider is open."""
    provider = _provider(slug)
    try:
        keys = own_keys(provider)
    except NotDescribed as error:
        raise Http404 from error
    document = our_metadata(
        own_addresses(provider, site_of(request)),
        keys,
        name_id_format=str(provider.settings.get("name_id_format", PERSISTENT)),
        signs_requests=provider.settings.get("signs_requests", True) is True,
    )
    return HttpResponse(
        document,
        content_type="application/samlmetadata+xml",
        headers={
            "Content-Disposition": f'attachment; filename="mundap-{provider.slug}.xml"',
            "Cache-Control": "no-cache",
        },
    )


def _provider(slug: str) -> IdentityProvider:
    try:
        return saml_provider(slug)
    except NotFound as error:
        raise Http404 from error


def _manages_sign_in(request: HttpRequest) -> bool:
    return isinstance(request.user, User) and request.user.has_right(Right.MANAGE_SIGN_IN)


def _not_taken(
    request: HttpRequest, provider: IdentityProvider, error: NotTaken, *, signs_out: bool = False
) -> HttpResponse:
    """The audit log says why; the browser is told that it did not work, and nothing of the message."""
    if (held := throttle.arrival(address=address_of(request))) is not None:
        return too_many(request, held)
    note_not_taken(provider, error)
    if signs_out:
        return _signed_out(request, provider, everywhere=False)
    sentence = gettext(
        "The answer of %(provider)s was not accepted. Begin again; if that doesn’t help, tell your "
        "administrator: the audit log says why."
    )
    return apology(request, sentence % {"provider": provider.name})


def _signed_out(request: HttpRequest, provider: IdentityProvider, *, everywhere: bool = True) -> HttpResponse:
    context = {"provider": provider.name, "everywhere": everywhere}
    return render(request, "web/signed_out.html", context)
