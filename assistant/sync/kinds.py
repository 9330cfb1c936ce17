"""Which kinds of sources are there, and does what was typed into a kind's form fit it?

What the console and the API know of connectors: they do not import them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from django.utils.translation import gettext

from assistant.common.errors import MundapError, NotFound, UsageError
from assistant.common.told import said
from assistant.common.types import Json, JsonObject
from assistant.sync.configuration import checked_settings
from connectors.registry import KINDS, connector_kind, guide
from connectors.sdk.config import validate
from connectors.sdk.contract import ConfigField, ConnectorKind, FieldType


@dataclass(frozen=True, slots=True)
class KindField:
    """One setting, with words in one language. `type` is a value of `FieldType`."""

    name: str
    type: str
    label: str
    help: str
    example: str
    required: bool
    advanced: bool
    choices: tuple[tuple[str, str], ...]  # (value, label)
    least: int
    most: int

    @property
    def is_secret(self) -> bool:
        """Sealed at rest and never shown again."""
        return self.type == FieldType.SECRET


@dataclass(frozen=True, slots=True)
class KindOffer:
    """A kind of source in one language. `line`: what it is, from the beginning of its guide."""

    name: str
    label: str
    line: str
    fields: tuple[KindField, ...]
    gives_documents: bool
    pushed: bool
    feed_misses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fitted:
    """What was typed, as settings. `wrong`: by field, what is wrong with it in words."""

    config: JsonObject
    secrets: Mapping[str, str]
    wrong: Mapping[str, str]


def offered_kinds(language: str) -> tuple[KindOffer, ...]:
    """Every kind, by its name in `language`."""
    offers = (offered_kind(name, language) for name in KINDS)
    return tuple(sorted(offers, key=lambda offer: offer.label.casefold()))


def offered_kind(name: str, language: str) -> KindOffer:
    """One kind.

    Raises:
        NotFound: there is none of this name.
    """
    kind = _known(name)
    return KindOffer(
        name=kind.name,
        label=_in(language, kind.label, kind.name),
        line=_first_sentence(guide(kind.name, language)),
        fields=tuple(_field(field, language) for field in kind.fields),
        gives_documents=kind.gives_documents,
        pushed=kind.pushed,
        feed_misses=tuple(_in(language, missed, "") for missed in kind.feed_misses),
    )


def kind_guide(name: str, language: str) -> str:
    """What an administrator must know of the kind, as Markdown.

    Raises:
        NotFound: there is no such kind.
    """
    return guide(_known(name).name, language)


def fit_together(name: str, *, config: JsonObject, secrets: Mapping[str, str]) -> Fitted:
    """As `fit`; where each value fits alone, also what is wrong with them together, under no field's name.

    Raises:
        NotFound: there is no such kind.
    """
    alone = fit(name, config=config, secrets=secrets)
    if alone.wrong:
        return alone
    try:
        checked_settings(_known(name), config=config, secrets=secrets)
    except MundapError as error:
        return replace(alone, wrong={"": said(error)})
    return alone


def fit(name: str, *, config: JsonObject, secrets: Mapping[str, str]) -> Fitted:
    """Each value against its own field, so that every mistake is told beside its field.

    Raises:
        NotFound: there is no such kind.
    """
    kind = _known(name)
    wrong: dict[str, str] = {}
    for field in kind.fields:
        is_secret = field.type is FieldType.SECRET
        values: Mapping[str, Json] = secrets if is_secret else config
        given = {field.name: values[field.name]} if field.name in values else {}
        alone = replace(kind, fields=(field,))
        try:
            if is_secret:
                validate(alone, config={}, secrets={key: str(value) for key, value in given.items()})
            else:
                validate(alone, config=given, secrets={})
        except UsageError:
            wrong[field.name] = _mistake(field, given=bool(given))
    return Fitted(config, secrets, wrong)


def _known(name: str) -> ConnectorKind:
    if name not in KINDS:
        raise NotFound("There is no such kind of source.")
    return connector_kind(name)


def _mistake(field: ConfigField, *, given: bool) -> str:
    """The mistake in the language of the page; `connectors.sdk.config` has the rule."""
    if not given:
        return gettext("This is needed.")
    words = {
        FieldType.URL: gettext("Write an address that begins with http:// or https://, without a password."),
        FieldType.PATH: gettext("Write the whole path; it begins with /."),
        FieldType.NUMBER: gettext("Write a whole number from %(least)s to %(most)s.")
        % {"least": field.least, "most": field.most},
        FieldType.CHOICE: gettext("Choose one from the list."),
        FieldType.LINES: gettext("Write at most 1,000 lines, each without control characters."),
    }
    return words.get(field.type, gettext("Write at most 4,096 characters, without control characters."))


def _field(field: ConfigField, language: str) -> KindField:
    return KindField(
        name=field.name,
        type=field.type.value,
        label=_in(language, field.label, field.name),
        help=_in(language, field.help, ""),
        example=field.example,
        required=field.required,
        advanced=field.advanced,
        choices=tuple((value, choice_label(field, value, language)) for value in field.choices),
        least=field.least,
        most=field.most,
    )


def choice_label(field: ConfigField, value: str, language: str) -> str:
    """What a choice is called; a value that the kind no longer knows, as it is."""
    return _in(language, field.choice_labels.get(value, {}), value)


def _in(language: str, words: Mapping[str, str], otherwise: str) -> str:
    return words.get(language) or words.get("en") or otherwise


def _first_sentence(text: str) -> str:
    """The guide's opening line: its first paragraph up to the end of the first sentence."""
    paragraph = " ".join(text.strip().partition("\n\n")[0].replace("`", "").split())
    end = paragraph.find(". ")
    return paragraph if end < 0 else paragraph[: end + 1]
