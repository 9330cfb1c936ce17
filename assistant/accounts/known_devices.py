"""A signed word in a browser: this account signed in here before. It opens nothing; it spares the waiting.

See `throttle`, and "device cookies" of OWASP for the idea. The address is in it as a keyed digest.
"""

from __future__ import annotations

import secrets

from django.conf import settings
from django.core import signing
from django.utils.crypto import constant_time_compare, salted_hmac

from assistant.common.errors import UsageError
from assistant.common.identity import canonical_email

LIFE_S = 180 * 24 * 3600
_SALT = "mundap.known-device"
_LONGEST = 400


def device_word(name: str) -> str:
    """What to leave in the browser after this account signed in. Each is a device of its own.

    Raises:
        UsageError: no e-mail address.
    """
    return signing.dumps([_digest(canonical_email(name)), secrets.token_urlsafe(12)], salt=_SALT)


def known_device(word: str, *, name: str) -> str:
    """The number of the device, if its word is ours, not too old, and about this very account; else empty."""
    try:
        value = signing.loads(word[:_LONGEST], salt=_SALT, max_age=LIFE_S)
        digest, number = value
        canonical = canonical_email(name)
        secrets_known = (None, *settings.SECRET_KEY_FALLBACKS)
        fits = any(constant_time_compare(str(digest), _digest(canonical, one)) for one in secrets_known)
    except (signing.BadSignature, UsageError, ValueError, TypeError):
        return ""
    return str(number) if fits else ""


def _digest(name: str, secret: str | None = None) -> str:
    return salted_hmac(_SALT, name, secret, algorithm="sha256").hexdigest()
