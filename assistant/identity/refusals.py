"""Why somebody who comes from a provider is not let in."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from assistant.common.errors import MundapError
from assistant.common.told import told


class Refusal(StrEnum):
    """The reasons. `SENTENCES` says them to administrators; the person hears less."""

    PROVIDER_CLOSED = "provider_closed"
    NO_SUBJECT = "no_subject"
    CLOSED_ACCOUNT = "closed_account"
    NO_ADDRESS = "no_address"
    UNVERIFIED_ADDRESS = "unverified_address"
    OTHER_DOMAIN = "other_domain"
    ALIAS = "alias"
    ANOTHER_SUBJECT = "another_subject"
    MANAGES = "manages"
    NO_JOINING = "no_joining"
    NO_MAKING = "no_making"
    SERVICE_ACCOUNT = "service_account"
    EMERGENCY = "emergency"


SENTENCES: Mapping[Refusal, str] = {
    Refusal.PROVIDER_CLOSED: told("This identity provider is closed."),
    Refusal.NO_SUBJECT: told(
        "The provider named nobody: its message has no identifier, or one that is too long."
    ),
    Refusal.CLOSED_ACCOUNT: told("The account is closed in Mundap."),
    Refusal.NO_ADDRESS: told(
        "The provider told no e-mail address, or something that is none. Check which attribute holds it."
    ),
    Refusal.UNVERIFIED_ADDRESS: told("The provider does not vouch for the e-mail address."),
    Refusal.OTHER_DOMAIN: told(
        "The address lies in a domain for which this provider may not speak. Add the domain if it should."
    ),
    Refusal.ALIAS: told("Somebody else has this address as another address of theirs."),
    Refusal.ANOTHER_SUBJECT: told(
        "The account belongs to another identity of the same provider. If the address was given to a new "
        "colleague, release the former account first; if it is the same person, disconnect the former one."
    ),
    Refusal.MANAGES: told(
        "The account of this address has rights of its own, and no provider takes it over by an address. "
        "Sign in with the password and connect the provider there."
    ),
    Refusal.NO_JOINING: told("The provider is not allowed to join accounts that are already there."),
    Refusal.NO_MAKING: told(
        "There is no account of this address, and the provider is not allowed to make any."
    ),
    Refusal.SERVICE_ACCOUNT: told("The address is a service account's. Nobody signs in to one."),
    Refusal.EMERGENCY: told("This is an emergency account, which no provider signs in or manages."),
}


class Refused(MundapError):
    """Nobody is let in."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(SENTENCES[refusal])
        self.refusal = refusal
