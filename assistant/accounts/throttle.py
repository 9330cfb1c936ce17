"""May this guess be tried now? Counted before any password is hashed, in rows that all processes share.

Three counters hold a guess from a device that nobody knows: of the account name, of the network address and
of the whole installation. Names that nobody has are counted like all others. A device on which the very
account signed in before carries a signed cookie (`known_devices`) and is held by a counter of its own alone,
so that no stranger's guesses keep its owner out; after too many failures it is a stranger too (OWASP, "device
cookies").

At most 100 wrong passwords in a row are ever tried against an account by devices that it does not know (NIST
SP 800-63B 5.2.2; OWASP ASVS 5.0, 6.3.1), and the last of them lie an hour apart. While a directory is out of
reach, a few more are not counted (`was_not_judged`): 20, then four a day.
"""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from assistant.accounts.door_models import FailedTries
from assistant.accounts.known_devices import LIFE_S
from assistant.accounts.throttle_rules import CLOSED, Count, Doubling, Leaking, Rule
from assistant.audit.trail import Event, record
from assistant.common.identity import known_as_address

_DAY_S = 24 * 3600.0
_TOLD_EVERY = timedelta(hours=1)
_SALT = "mundap.failed-tries"


class Kind(StrEnum):
    """What is counted."""

    ACCOUNT = "account"
    DEVICE = "device"
    ADDRESS = "address"
    INSTALLATION = "installation"
    KEYS = "keys"  # wrong keys of the API from one address
    CODES = "codes"  # of an account: second factors after the right password
    CHALLENGES = "challenges"  # asked for by one address
    PROVISIONING = "provisioning"  # what a provisioning client asks
    UNJUDGED = "unjudged"  # guesses that a directory out of reach could not judge
    ARRIVALS = "arrivals"  # sign-ins begun at a company's provider, and answers that are refused


ACCOUNT = Doubling(free=5, first_s=4, longest_s=3600, most=100, forgotten_s=30 * _DAY_S)
RULES: Mapping[Kind, Rule] = {
    Kind.ACCOUNT: ACCOUNT,
    Kind.DEVICE: Doubling(free=5, first_s=4, longest_s=900, most=20, forgotten_s=30 * _DAY_S),
    # An office behind one address: sixty mistakes at once, then two a minute.
    Kind.ADDRESS: Leaking(capacity=60, each_s=30),
    # Against spraying from many addresses: what a large firm needs on a Monday morning, then ten a minute.
    Kind.INSTALLATION: Leaking(capacity=500, each_s=6),
    Kind.KEYS: Leaking(capacity=60, each_s=5),
    Kind.CODES: ACCOUNT,
    Kind.CHALLENGES: Leaking(capacity=120, each_s=2),
    # A first run over a whole firm at once, then fifty a second; Microsoft Entra ID wants at least 25.
    Kind.PROVISIONING: Leaking(capacity=3_000, each_s=0.02),
    # What an outage takes back from one account: a morning of trying, then four a day.
    Kind.UNJUDGED: Leaking(capacity=20, each_s=_DAY_S / 4),
    # Each keeps a row for a quarter of an hour: a large office at nine o'clock, then two a second.
    Kind.ARRIVALS: Leaking(capacity=600, each_s=0.5),
}


_OWN = (Kind.ACCOUNT, Kind.DEVICE, Kind.CODES)  # what belongs to one account


@dataclass(frozen=True, slots=True)
class Try:
    """A guess that was let through and counted. Say how it ended if it was right: `was_right`."""

    keys: Mapping[Kind, str]
    name: str


@dataclass(frozen=True, slots=True)
class Held:
    """A guess that must not be tried now. `wait_s` is None where waiting does not help."""

    wait_s: int | None

    @property
    def retry_after_s(self) -> int:
        """What a program is told: where waiting does not help, to come back tomorrow."""
        return int(_DAY_S) if self.wait_s is None else self.wait_s


def admit(*, name: str, address: str, device: str = "") -> Try | Held:
    """Count a guess at the password of `name`, or hold it back.

    `device` is the number of a device that the account knows (`known_devices.known_device`), or empty.
    """
    shown = name
    name = _spelling(name)
    if device:
        keys = {Kind.DEVICE: _key(Kind.DEVICE, device)}
        if not _is_distrusted(keys[Kind.DEVICE]):
            return _counted(keys, name=shown)
    keys = {
        Kind.ACCOUNT: _key(Kind.ACCOUNT, name),
        Kind.ADDRESS: _key(Kind.ADDRESS, network_of(address)),
        Kind.INSTALLATION: _key(Kind.INSTALLATION, ""),
    }
    return _counted(keys, name=shown)


def admit_code(*, name: str, address: str, by_network: bool = True) -> Try | Held:
    """Count a guess at the second factor of `name`, whose password was right, or hold it back.

    Not `by_network`: what others do in the same network is no reason to wait.
    """
    keys = {Kind.CODES: _key(Kind.CODES, _spelling(name))}
    if by_network:
        keys[Kind.ADDRESS] = _key(Kind.ADDRESS, network_of(address))
    return _counted(keys, name=name)


def was_right(tried: Try) -> None:
    """The password or the code was right: what was counted for this try is taken back."""
    own = [tried.keys[kind] for kind in _OWN if kind in tried.keys]
    with transaction.atomic():
        rows = _locked(list(tried.keys.values()))
        FailedTries.objects.filter(key__in=own).delete()
        for kind in (Kind.ADDRESS, Kind.INSTALLATION):
            if (row := rows.get(tried.keys.get(kind, ""))) is not None:
                FailedTries.objects.filter(pk=row.pk).update(failures=max(0.0, row.failures - 1))
        if Kind.DEVICE in tried.keys:  # somebody has proven who they are: what strangers closed opens again
            account = _key(Kind.ACCOUNT, _spelling(tried.name))
            FailedTries.objects.filter(pk=account, failures__gte=ACCOUNT.most).delete()


def was_not_judged(tried: Try) -> None:
    """Nobody could say if the password is right: the account's or device's own counter takes the try back.

    Address and installation keep it, and what is taken back is counted too, with a bound: no outage gives
    free guesses at passwords that are kept here, nor shows whether one is.
    """
    now, key = timezone.now(), _key(Kind.UNJUDGED, _spelling(tried.name))
    with transaction.atomic():
        FailedTries.objects.bulk_create(
            [FailedTries(key=key, kind=Kind.UNJUDGED, at=now)], ignore_conflicts=True
        )
        own = [tried.keys[kind] for kind in _OWN if kind in tried.keys]
        rows = _locked([key, *own])
        count = Count(rows[key].failures, rows[key].at)
        if RULES[Kind.UNJUDGED].wait_s(count, now):
            return
        after = RULES[Kind.UNJUDGED].counted(count, now)
        FailedTries.objects.filter(pk=key).update(failures=after.failures, at=after.at)
        for row in (rows[one] for one in own if one in rows):
            FailedTries.objects.filter(pk=row.pk).update(failures=max(0.0, row.failures - 1))


def lift(*, name: str, actor: str) -> bool:
    """Forget the failures of an account, by an administrator's word. Whether there were any."""
    with transaction.atomic():
        keys = [_key(kind, _spelling(name)) for kind in (Kind.ACCOUNT, Kind.CODES)]
        found, _ = FailedTries.objects.filter(key__in=keys).delete()
        record(Event.SIGN_IN_LIFTED, actor=actor, user=_spelling(name))
    return bool(found)


def forget_names(names: Iterable[str]) -> int:
    """Remove the counters of these account names: whoever had them is erased. How many."""
    kinds = (Kind.ACCOUNT, Kind.CODES, Kind.UNJUDGED)
    keys = [_key(kind, _spelling(name)) for name in names for kind in kinds]
    return FailedTries.objects.filter(key__in=keys).delete()[0]


def wrong_key(*, address: str) -> Held | None:
    """Count a key of the API that does not work. Held: too many came from there; nothing was counted."""
    keys = {Kind.KEYS: _key(Kind.KEYS, network_of(address))}
    outcome = _counted(keys, name="")
    return outcome if isinstance(outcome, Held) else None


def challenge_asked(*, address: str) -> Held | None:
    """Count a number that a browser asks for, to be signed by a passkey. Held: too many came from there."""
    keys = {Kind.CHALLENGES: _key(Kind.CHALLENGES, network_of(address))}
    outcome = _counted(keys, name="")
    return outcome if isinstance(outcome, Held) else None


def provisioning_call(*, client: int) -> Held | None:
    """Count what a provisioning client asks. Held: it asks too fast; nothing was counted."""
    outcome = _counted({Kind.PROVISIONING: _key(Kind.PROVISIONING, str(client))}, name="")
    return outcome if isinstance(outcome, Held) else None


def arrival(*, address: str) -> Held | None:
    """Count a sign-in that begins at a company's provider, or an answer that is refused. Held: too many from
    there; nothing was counted."""
    keys = {Kind.ARRIVALS: _key(Kind.ARRIVALS, network_of(address))}
    outcome = _counted(keys, name="")
    return outcome if isinstance(outcome, Held) else None


def forget_old() -> int:
    """Remove the counters that say nothing any more. How many."""
    now = timezone.now()
    expired = now - timedelta(seconds=LIFE_S)  # a device of then is unknown by now, whatever it did
    removed = FailedTries.objects.filter(kind=Kind.DEVICE, at__lte=expired).delete()[0]
    for kind, rule in RULES.items():
        for row in FailedTries.objects.filter(kind=kind, at__lt=now - timedelta(hours=1)).iterator():
            if rule.is_spent(Count(row.failures, row.at), now):
                # Only as it was read: a guess may be counted at this moment.
                removed += FailedTries.objects.filter(key=row.key, at=row.at).delete()[0]
    return removed


def network_of(address: str) -> str:
    """What one subscriber has: an IPv4 address, or the /64 of an IPv6 address. Empty for none."""
    try:
        found = ipaddress.ip_address(address.split("%", maxsplit=1)[0])
    except ValueError:
        return ""
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)


def _counted(keys: Mapping[Kind, str], *, name: str) -> Try | Held:
    """One more on every counter, or on none of them if one is full."""
    now = timezone.now()
    with transaction.atomic():
        # In one order everywhere, so that two guesses never wait for each other.
        ordered = sorted(keys.items(), key=lambda item: item[1])
        FailedTries.objects.bulk_create(
            [FailedTries(key=key, kind=kind, at=now) for kind, key in ordered], ignore_conflicts=True
        )
        rows = _locked([key for _, key in ordered])
        waits = {
            kind: RULES[kind].wait_s(Count(rows[key].failures, rows[key].at), now) for kind, key in ordered
        }
        if any(waits.values()):
            for kind, key in ordered:
                if waits[kind]:
                    _tell(rows[key], kind, name=name, now=now)
            return _held(max(waits.values()))
        for kind, key in ordered:
            after = RULES[kind].counted(Count(rows[key].failures, rows[key].at), now)
            FailedTries.objects.filter(pk=key).update(failures=after.failures, at=after.at)
    return Try(dict(keys), name)


def _locked(keys: list[str]) -> dict[str, FailedTries]:
    rows = FailedTries.objects.select_for_update().filter(key__in=keys).order_by("key")
    return {row.key: row for row in rows}


def _is_distrusted(key: str) -> bool:
    row = FailedTries.objects.filter(key=key).first()
    return row is not None and RULES[Kind.DEVICE].wait_s(Count(row.failures, row.at), row.at) == CLOSED


def _held(wait_s: float) -> Held:
    return Held(None if wait_s == CLOSED else max(1, math.ceil(wait_s)))


def _tell(row: FailedTries, kind: Kind, *, name: str, now: datetime) -> None:
    """The trail hears of a wave once an hour, however many guesses it has."""
    if row.told_at is not None and row.told_at > now - _TOLD_EVERY:
        return
    FailedTries.objects.filter(pk=row.pk).update(told_at=now)
    of_keys = kind in (Kind.KEYS, Kind.PROVISIONING)
    event = Event.KEYS_THROTTLED if of_keys else Event.SIGN_IN_THROTTLED
    record(event, actor=known_as_address(name) if kind in _OWN else "", held=kind)


def _spelling(name: str) -> str:
    """One counter for all spellings of an address, and one for what is no address at all."""
    return known_as_address(name) or name.strip().lower()


def _key(kind: Kind, of: str) -> str:
    return salted_hmac(_SALT, f"{kind}:{of}", algorithm="sha256").hexdigest()
