"""What a script asks before a device makes or shows a passkey: the number to sign, and for which site."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from django.utils.crypto import get_random_string
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from assistant.accounts import cookies, throttle
from assistant.accounts.models import User
from assistant.accounts.proof import is_recent
from assistant.audit.origin import address_of
from assistant.common.errors import UsageError
from assistant.factors import halfway, passkeys
from assistant.factors.challenges import LIFE, Purpose
from assistant.factors.requests import BROWSER_COOKIE, site_of
from assistant.factors.rule import Next, after_password

_FORBIDDEN, _TOO_MANY = 403, 429


@never_cache
@require_POST
def begin(request: HttpRequest) -> JsonResponse:
    """The options, as browsers take them; an error where this visitor may not ask for them."""
    purpose = request.POST.get("purpose", "")
    site = site_of(request)
    held = throttle.challenge_asked(address=address_of(request))
    if held is not None:
        return JsonResponse({"error": "wait"}, status=_TOO_MANY, headers={"Retry-After": str(held.wait_s)})
    user = _person(request, purpose)
    if site is None or (user is None and purpose != Purpose.SIGN_IN):
        return JsonResponse({"error": "forbidden"}, status=_FORBIDDEN)
    word = get_random_string(43)
    asked = passkeys.Asked(purpose, word, user)
    try:
        options = (passkeys.options_to_make if purpose == Purpose.ENROL else passkeys.options_to_show)(
            site, asked
        )
    except UsageError:
        return JsonResponse({"error": "full"}, status=_FORBIDDEN)
    response = JsonResponse(options)
    cookies.keep(response, BROWSER_COOKIE, word, life_s=int(LIFE.total_seconds()), same_site="Strict")
    return response


def _person(request: HttpRequest, purpose: str) -> User | None:
    """Of whom a passkey is asked: who is signed in, or halfway in and at this step. None: of nobody."""
    user = request.user
    if isinstance(user, User):
        may = purpose == Purpose.PROVE or (purpose == Purpose.ENROL and is_recent(request.session))
        return user if may else None
    half = halfway.who(request.session)
    if half is None:
        return None
    step = after_password(half.user)
    may = (purpose, step) in {(Purpose.SECOND, Next.SHOW), (Purpose.ENROL, Next.SET_UP)}
    return half.user if may else None
