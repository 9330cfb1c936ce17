"""What there is to choose from: the built-in answerer, the model of the environment, and the rows.

An entry has a key that never changes, under which turns and calls are stored. It never holds an API key.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from django.conf import settings
from django.utils.translation import gettext

from assistant.catalogue.kinds import BUILT_IN, KINDS
from assistant.catalogue.models import LanguageModel
from assistant.common.errors import UsageError
from assistant.common.network import AddressRefused
from assistant.common.told import told
from assistant.common.web_target import parse_target

ROW_KEY = "catalogue:"


class ModelNotOffered(UsageError):
    """There is no such model for this person: unknown, switched off or not theirs, never told which."""

    def __init__(self, wanted: str, offered: Iterable[Entry]) -> None:
        names = ", ".join(entry.called for entry in offered) or "–"
        super().__init__(
            told(
                "There is no model '{wanted}' that you may use. You may use: {names}.",
                wanted=wanted[:80],
                names=names,
            )
        )


class Origin(StrEnum):
    """Where an entry comes from. Only rows can be changed here."""

    BUILT_IN = "built_in"
    ENVIRONMENT = "environment"
    ROW = "row"


@dataclass(frozen=True, slots=True)
class Price:
    """For a million tokens each."""

    input: Decimal
    output: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One model to choose. `host`: the server to which questions and passages go; empty: nowhere."""

    key: str
    origin: Origin
    name: str
    kind: str
    purpose: str = ""
    host: str = ""
    row_id: int | None = None
    price: Price | None = None
    is_default: bool = False

    @property
    def called(self) -> str:
        """The name by which a command or a program asks for it, in every language the same."""
        return BUILT_IN if self.origin is Origin.BUILT_IN else self.name

    def answers_to(self, wanted: str) -> bool:
        """Whether `wanted` is its key or its name, in any case of letters."""
        return wanted == self.key or wanted.casefold() == self.called.casefold()


def built_in(*, is_default: bool = False) -> Entry:
    """The answerer that only quotes. Nothing leaves the house."""
    return Entry(
        key=BUILT_IN,
        origin=Origin.BUILT_IN,
        name=gettext("Quoted sentences"),
        kind=BUILT_IN,
        purpose=gettext("Answers with sentences of the documents, word for word."),
        is_default=is_default,
    )


def of_environment() -> Entry | None:
    """The model that the environment configures, open to everybody and the default while it is there."""
    kind = settings.MUNDAP_CHAT_MODEL
    if kind == BUILT_IN:
        return None
    return Entry(
        key=kind,
        origin=Origin.ENVIRONMENT,
        name=settings.MUNDAP_CHAT_MODEL_NAME or kind,
        kind=kind,
        host=host_of(kind, settings.MUNDAP_CHAT_URL)
        if settings.MUNDAP_CHAT_URL
        else settings.MUNDAP_CHAT_REGION,
        is_default=True,
    )


def of_row(row: LanguageModel, *, may_be_default: bool = True) -> Entry:
    """The entry of a row. `may_be_default` is False while the environment says which model is."""
    price = None
    if row.input_price is not None and row.output_price is not None:
        price = Price(row.input_price, row.output_price, row.currency)
    return Entry(
        key=row_key(row.pk),
        origin=Origin.ROW,
        name=row.name,
        kind=row.kind,
        purpose=row.purpose,
        host=host_of(row.kind, row.address) if row.address else row.region,
        row_id=row.pk,
        price=price,
        is_default=row.is_default and may_be_default,
    )


def row_key(pk: int) -> str:
    """The key of the row with this id."""
    return f"{ROW_KEY}{pk}"


def asked_host(entry: Entry) -> str:
    """The host that calls go to; empty where nothing leaves. Of Amazon's models the region finds it."""
    if entry.kind in KINDS and KINDS[entry.kind].has_region and entry.host and "." not in entry.host:
        return f"bedrock-runtime.{entry.host}.amazonaws.com"
    return entry.host


def host_of(kind: str, address: str) -> str:
    """The server that the address names; empty where the kind has none, "?" where it cannot be read."""
    if kind in KINDS and not KINDS[kind].is_elsewhere:
        return ""
    try:
        return parse_target(address).authority
    except AddressRefused:
        return "?"
