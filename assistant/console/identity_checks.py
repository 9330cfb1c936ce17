"""The checks of a message as the page lists them: each in plain words, with what to do where it failed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from assistant.common.told import said
from assistant.console.checks import DrawnCheck, mended_first
from assistant.console.telling import in_words
from assistant.identity.saml.examining import Check, Examined, State

TITLES: Mapping[Check, Promise] = {
    Check.FORM: _("It can be read as a message"),
    Check.KIND: _("It is an answer of SAML 2.0"),
    Check.STATUS: _("The provider signed somebody in"),
    Check.STRUCTURE: _("It holds nothing but what belongs there"),
    Check.ASSERTIONS: _("It speaks of exactly one person"),
    Check.ENCRYPTION: _("It is encrypted as it must be"),
    Check.SIGNATURE: _("It is signed by the provider"),
    Check.ISSUER: _("It names the provider as its issuer"),
    Check.DESTINATION: _("It was sent to the address of Mundap"),
    Check.REQUEST: _("It answers one request all through"),
    Check.RECIPIENT: _("Mundap is its recipient"),
    Check.AUDIENCE: _("Mundap is its audience"),
    Check.TIMES: _("Its times fit this moment"),
    Check.SAID: _("What it says of the person can be used"),
    Check.LIBRARY: _("The SAML library agrees"),
}


def drawn_checks(examined: Iterable[Examined]) -> tuple[DrawnCheck, ...]:
    """What was examined, in the page's language."""
    return mended_first(
        DrawnCheck(
            title=TITLES[one.check],
            state=str(one.state),
            sentence="" if one.why is None else in_words(said(one.why)),
            found="" if one.why is None else one.why.found,
            expected=one.expected if one.state == State.FAILED else "",
        )
        for one in examined
    )
