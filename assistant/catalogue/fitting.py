"""Do the settings of a model fit? Decided before anything is stored or asked, field by field."""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from assistant.catalogue.audience import lines_of
from assistant.catalogue.entries import ROW_KEY
from assistant.catalogue.kinds import KINDS
from assistant.catalogue.models import LONGEST_ADDRESS, LONGEST_NAME, LONGEST_PURPOSE, LONGEST_REGION
from assistant.common.network import AddressRefused
from assistant.common.told import said, told
from assistant.common.web_target import parse_target
from assistant.providers.registry import CHAT_MODELS

LONGEST_MODEL, LONGEST_KEY = 200, 4_000
# Field: least, most. Seconds, tokens, requests.
BOUNDS: Mapping[str, tuple[int, int]] = {
    "most_tokens": (64, 100_000),
    "silence_s": (1, 600),
    "most_at_once": (1, 1_000),
}
HIGHEST_PRICE = Decimal(1_000_000)
_PLACES = 4
_CURRENCY = 3
_REGION = re.compile(r"[a-z]{2,4}(?:-[a-z]+)+-\d{1,2}")


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """A model as an administrator wants it. Prices are for a million tokens, both or neither.

    `ca_file` is a file of this machine with the authorities to trust. `people`: to whom alone it is open,
    as `audience` writes them; they count only where not `for_everyone`.
    """

    name: str
    kind: str
    address: str
    server_model: str
    purpose: str = ""
    most_tokens: int = 1_024
    silence_s: int = 60
    most_at_once: int = 4
    ca_file: str = ""
    region: str = ""
    input_price: Decimal | None = None
    output_price: Decimal | None = None
    currency: str = "USD"
    for_everyone: bool = True
    people: tuple[str, ...] = ()


def tidied(settings: ModelSettings) -> ModelSettings:
    """Without spaces around and without an address that means nothing, the currency in capitals."""
    return replace(
        settings,
        name=" ".join(settings.name.split()),
        purpose=" ".join(settings.purpose.split()),
        address=settings.address.strip() if is_elsewhere(settings.kind) else "",
        server_model=settings.server_model.strip(),
        ca_file=settings.ca_file.strip() if is_elsewhere(settings.kind) else "",
        region=settings.region.strip().lower() if has_region(settings.kind) else "",
        currency=settings.currency.strip().upper(),
        people=lines_of("\n".join(settings.people)),
    )


def is_elsewhere(kind: str) -> bool:
    """Whether a model of this kind has a server, with an address and perhaps a key."""
    return kind not in KINDS or KINDS[kind].is_elsewhere


def has_region(kind: str) -> bool:
    """Whether a model of this kind is in a region of Amazon's."""
    return kind in KINDS and KINDS[kind].has_region


def mistakes(settings: ModelSettings, *, key: str = "") -> dict[str, str]:
    """What is wrong, by field, in sentences that can be told in another language. Empty: it fits."""
    found = {
        "name": _wrong_name(settings.name),
        "purpose": wrong_text(settings.purpose, most=LONGEST_PURPOSE),
        "kind": "" if settings.kind in KINDS else told("Choose one of the kinds."),
        "address": _wrong_address(settings),
        "region": _wrong_region(settings.region),
        "ca_file": wrong_ca_file(settings.ca_file),
        "server_model": wrong_text(settings.server_model, most=LONGEST_MODEL, needed=True),
        "key": wrong_key(key),
        "input_price": _wrong_price(settings.input_price),
        "output_price": _wrong_price(settings.output_price),
        "currency": _wrong_currency(settings.currency),
    }
    if (settings.input_price is None) != (settings.output_price is None):
        found["output_price"] = told("Enter both prices, or leave both empty.")
    for name, (least, most) in BOUNDS.items():
        if not least <= getattr(settings, name) <= most:
            found[name] = told("Write a whole number from {least} to {most}.", least=least, most=most)
    return {name: sentence for name, sentence in found.items() if sentence}


def _wrong_name(name: str) -> str:
    reserved = name.casefold() in CHAT_MODELS or name.casefold().startswith(ROW_KEY)
    if reserved:
        return told("“{name}” means something else here: choose another name.", name=name[:LONGEST_NAME])
    return wrong_text(name, most=LONGEST_NAME, needed=True)


def wrong_text(text: str, *, most: int, needed: bool = False) -> str:
    """What is wrong with a line that somebody typed; empty if nothing is."""
    if needed and not text:
        return told("Fill this in.")
    if len(text) > most:
        return told("At most {most} characters fit.", most=most)
    if not text.isprintable():
        return told("A control character is in it: type it again.")
    return ""


def _wrong_address(settings: ModelSettings) -> str:
    if not is_elsewhere(settings.kind) or (settings.region and not settings.address):
        return ""  # Amazon's own address in that region
    return wrong_web_address(settings.address)


def wrong_web_address(address: str) -> str:
    """What is wrong with the address of a server; empty if nothing is."""
    if wrong := wrong_text(address, most=LONGEST_ADDRESS, needed=True):
        return wrong
    if not address.lower().startswith(("http://", "https://")):
        return told("Write a web address that begins with http:// or https://.")
    try:
        parse_target(address)
    except AddressRefused as error:
        return said(error)
    return ""


def wrong_ca_file(file: str) -> str:
    """What is wrong with a file of certificates of this machine; empty if nothing is, or there is none."""
    if wrong := wrong_text(file, most=LONGEST_ADDRESS):
        return wrong
    if not file:
        return ""
    if not Path(file).is_absolute() or not Path(file).is_file():
        return told(
            "There is no such file on this machine. Write its whole path, such as /etc/ssl/house.pem."
        )
    try:
        ssl.create_default_context(cafile=file)
    except (OSError, ssl.SSLError):
        return told("This file holds no certificates in PEM form, or may not be read.")
    return ""


def _wrong_region(region: str) -> str:
    if not region or (len(region) <= LONGEST_REGION and _REGION.fullmatch(region)):
        return ""
    return told("Write a region as Amazon does, such as ap-northeast-2.")


def wrong_key(key: str) -> str:
    """What is wrong with an API key; empty if nothing is."""
    if len(key) > LONGEST_KEY:
        return told("At most {most} characters fit.", most=LONGEST_KEY)
    if not (key.isascii() and key.isprintable()):
        return told("An API key has neither line breaks nor letters beyond ASCII: copy it again.")
    return ""


def _wrong_price(price: Decimal | None) -> str:
    if price is None:
        return ""
    exponent = price.as_tuple().exponent
    if not price.is_finite() or not 0 <= price <= HIGHEST_PRICE or not isinstance(exponent, int):
        return told("Write a price from 0 to {most}.", most=HIGHEST_PRICE)
    return told("A price has at most {places} decimal places.", places=_PLACES) if -exponent > _PLACES else ""


def _wrong_currency(currency: str) -> str:
    fits = len(currency) == _CURRENCY and currency.isascii() and currency.isalpha()
    return "" if fits else told("Write a currency by its three letters, such as USD or KRW.")
