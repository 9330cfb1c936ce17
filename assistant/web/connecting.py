"""Adding a company's sign-in to an account begins on a page of ours, by somebody who has just signed in."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.crypto import constant_time_compare, salted_hmac

from assistant.accounts import proof

_SALT = "mundap.connect-provider"


def connect_word(request: HttpRequest) -> str:
    """What a link to connect a provider must carry. Only pages of this very session know it, so that no
    other site joins an identity of its choice to somebody's account."""
    return salted_hmac(_SALT, request.session.session_key or "", algorithm="sha256").hexdigest()


def may_connect(request: HttpRequest) -> bool:
    """Whether this link was followed from a page of this session, which proved lately who it is."""
    given = request.GET.get("word", "")
    return (
        request.user.is_authenticated
        and proof.is_recent(request.session)
        and constant_time_compare(given, connect_word(request))
    )
