"""The form of a language model: from what was typed to settings, and from stored settings to words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation

from django.http import QueryDict
from django.utils.translation import gettext

from assistant.catalogue.fitting import BOUNDS, LONGEST_KEY, ModelSettings
from assistant.catalogue.kinds import KINDS, ModelKind
from assistant.console.telling import in_words

_MOST_DIGITS = 9
_LONGEST = 40_000  # of anything that is typed


@dataclass(frozen=True, slots=True)
class ModelForm:
    """What stands in the fields. `wrong`: by field, in the words of the page; `kept`: a key is stored."""

    values: Mapping[str, str]
    for_everyone: bool
    kept: bool = False
    forgets_key: bool = False
    typed_key: str = ""
    wrong: Mapping[str, str] | None = None

    @property
    def kinds(self) -> list[tuple[str, ModelKind]]:
        """What can be chosen."""
        return list(KINDS.items())

    @property
    def key(self) -> str | None:
        """The key as the services want it: None keeps the stored one, "" forgets it."""
        if self.typed_key:
            return self.typed_key
        return "" if self.forgets_key or not self.kept else None

    def with_mistakes(self, wrong: Mapping[str, str]) -> ModelForm:
        """The same with what is wrong, each sentence in the language of the page."""
        return replace(self, wrong={name: in_words(sentence) for name, sentence in wrong.items()})


def empty_form() -> ModelForm:
    """The form of a model that is being added."""
    return stored_form(
        ModelSettings(name="", kind=next(iter(KINDS)), address="", server_model=""), kept=False
    )


def stored_form(settings: ModelSettings, *, kept: bool) -> ModelForm:
    """The form of these settings. The key itself is never drawn."""
    values = {
        "name": settings.name,
        "purpose": settings.purpose,
        "kind": settings.kind,
        "address": settings.address,
        "server_model": settings.server_model,
        "ca_file": settings.ca_file,
        "region": settings.region,
        "input_price": _shown(settings.input_price),
        "output_price": _shown(settings.output_price),
        "currency": settings.currency,
        "people": "\n".join(settings.people),
        **{name: str(getattr(settings, name)) for name in BOUNDS},
    }
    return ModelForm(values=values, for_everyone=settings.for_everyone, kept=kept)


def typed_form(typed: QueryDict, *, kept: bool) -> tuple[ModelForm, ModelSettings | None]:
    """The form as it was typed, and its settings; None where a number or price is none."""
    names = (*stored_form(_NOTHING, kept=False).values,)
    values = {name: typed.get(name, "").replace("\r\n", "\n")[:_LONGEST] for name in names}
    form = ModelForm(
        values=values,
        for_everyone=typed.get("audience") != "limited",
        kept=kept,
        forgets_key=kept and "forget_key" in typed,
        typed_key=typed.get("key", "").strip()[: LONGEST_KEY + 1],
    )
    wrong: dict[str, str] = {}
    numbers = {name: _number(values[name], name, wrong) for name in BOUNDS}
    prices = {name: _price(values[name], name, wrong) for name in ("input_price", "output_price")}
    if wrong:
        return replace(form, wrong=wrong), None
    return form, ModelSettings(
        name=values["name"],
        purpose=values["purpose"],
        kind=values["kind"],
        address=values["address"],
        server_model=values["server_model"],
        ca_file=values["ca_file"],
        region=values["region"],
        currency=values["currency"],
        for_everyone=form.for_everyone,
        people=tuple(values["people"].split("\n")),
        most_tokens=numbers["most_tokens"],
        silence_s=numbers["silence_s"],
        most_at_once=numbers["most_at_once"],
        input_price=prices["input_price"],
        output_price=prices["output_price"],
    )


_NOTHING = ModelSettings(name="", kind="", address="", server_model="")


def _number(text: str, name: str, wrong: dict[str, str]) -> int:
    text = text.strip()
    if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS:
        return int(text)
    least, most = BOUNDS[name]
    words = gettext("Write a whole number from %(least)s to %(most)s.")
    wrong[name] = words % {"least": least, "most": most}
    return least


def _price(text: str, name: str, wrong: dict[str, str]) -> Decimal | None:
    text = text.strip().replace(",", "")
    if not text:
        return None
    try:
        if text.isascii() and len(text) <= 2 * _MOST_DIGITS and not set(text) - set("0123456789."):
            return Decimal(text)
    except InvalidOperation:
        pass
    wrong[name] = gettext("Write a price as a number, such as 2.5.")
    return None


def _shown(price: Decimal | None) -> str:
    return "" if price is None else f"{price.normalize():f}"
