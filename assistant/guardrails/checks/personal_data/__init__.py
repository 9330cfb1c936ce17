"""Personal data in a text: which kinds there are, and where they stand.

A detector is a function from a `Reading` to findings, and one line here. What each kind does and
does not recognise is told in the README of `assistant/guardrails`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import lru_cache

from assistant.guardrails.checks.finding import Finding, apart
from assistant.guardrails.checks.personal_data.addresses import addresses
from assistant.guardrails.checks.personal_data.online import emails, ip_addresses
from assistant.guardrails.checks.personal_data.payments import bank_accounts, cards, ibans
from assistant.guardrails.checks.personal_data.phones import phones
from assistant.guardrails.checks.personal_data.reading import Reading
from assistant.guardrails.checks.personal_data.registrations import (
    business_numbers,
    driving_licences,
    passports,
    resident_numbers,
    social_security_numbers,
)

KINDS: tuple[tuple[str, str], ...] = (
    ("email", "E-mail address"),
    ("phone", "Phone number"),
    ("card", "Card number"),
    ("iban", "IBAN"),
    ("bank_account", "Bank account number"),
    ("passport", "Passport number"),
    ("kr_resident_number", "Korean resident registration number"),
    ("kr_foreigner_number", "Korean foreigner registration number"),
    ("driving_licence", "Driving licence number"),
    ("kr_business_number", "Korean business registration number"),
    ("us_social_security_number", "US social security number"),
    ("address", "Postal address"),
    ("ip_address", "IP address"),
)
OFF_BY_DEFAULT = frozenset({"ip_address"})
DEFAULT_KINDS = frozenset(kind for kind, _ in KINDS) - OFF_BY_DEFAULT

_Detector = Callable[[Reading], Iterator[Finding]]
_DETECTORS: tuple[tuple[frozenset[str], _Detector], ...] = (
    (frozenset({"email"}), emails),
    (frozenset({"phone"}), phones),
    (frozenset({"card"}), cards),
    (frozenset({"iban"}), ibans),
    (frozenset({"bank_account"}), bank_accounts),
    (frozenset({"passport"}), passports),
    (frozenset({"kr_resident_number", "kr_foreigner_number"}), resident_numbers),
    (frozenset({"driving_licence"}), driving_licences),
    (frozenset({"kr_business_number"}), business_numbers),
    (frozenset({"us_social_security_number"}), social_security_numbers),
    (frozenset({"address"}), addresses),
    (frozenset({"ip_address"}), ip_addresses),
)


def findings(text: str, kinds: Collection[str] = DEFAULT_KINDS) -> list[Finding]:
    """Personal data of these kinds in `text`, by place, without overlaps. Time grows with the text's length.

    Kinds that are not asked for do not compete: a number that reads as two kinds is found as the one
    that was asked for.

    Raises:
        ValueError: a kind is not in `KINDS`.
    """
    wanted = frozenset(kinds)
    detectors = _detectors_of(wanted)
    reading = Reading(text)
    found = [f for detector in detectors for f in detector(reading) if f.kind in wanted]
    return apart(found) if found else []


@lru_cache(maxsize=64)
def _detectors_of(kinds: frozenset[str]) -> tuple[_Detector, ...]:
    unknown = kinds - {kind for kind, _ in KINDS}
    if unknown:
        known = ", ".join(kind for kind, _ in KINDS)
        raise ValueError(f"No kinds of personal data: {', '.join(sorted(unknown))}. There are {known}.")
    return tuple(detector for own, detector in _DETECTORS if not own.isdisjoint(kinds))
