"""Every hostile response, by class. Names are unique."""

from __future__ import annotations

from datetime import datetime

from tests.identity.saml.hostile_case import Case
from tests.identity.saml.hostile_content import content_cases
from tests.identity.saml.hostile_forms import form_cases
from tests.identity.saml.hostile_signatures import signature_cases
from tests.identity.saml.made_messages import posted
from tests.identity.saml.wrapped_messages import wrapped


def all_cases(now: datetime) -> list[Case]:
    """Some are signed by the provider with something wrong in them; most are what an attacker makes of a
    message that was signed.
    """
    return [
        *(Case("wrapping", name, posted(text)) for name, text in wrapped(now)),
        *signature_cases(now),
        *content_cases(now),
        *form_cases(now),
    ]
