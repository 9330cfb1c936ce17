"""The form of a model of the search: from what was typed to settings, and from stored settings to words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from django.http import QueryDict
from django.utils.translation import gettext

from assistant.catalogue.fitting import LONGEST_KEY
from assistant.catalogue.search_fitting import SEARCH_BOUNDS, SearchSettings
from assistant.catalogue.search_kinds import SearchKind, kinds_for
from assistant.console.telling import in_words
from assistant.documents.models import SearchJob

_MOST_DIGITS = 9
_LONGEST = 4_000  # of anything that is typed
_TEXTS = ("name", "kind", "address", "model", "question_prompt", "passage_prompt", "version", "ca_file")


@dataclass(frozen=True, slots=True)
class SearchForm:
    """What stands in the fields. `wrong`: by field, in the words of the page; `kept`: a key is stored."""

    job: SearchJob
    values: Mapping[str, str]
    kept: bool = False
    forgets_key: bool = False
    typed_key: str = ""
    wrong: Mapping[str, str] | None = None

    @property
    def kinds(self) -> tuple[SearchKind, ...]:
        """What can be chosen."""
        return kinds_for(self.job)

    @property
    def key(self) -> str | None:
        """The key as the services want it: None keeps the stored one, "" forgets it."""
        if self.typed_key:
            return self.typed_key
        return "" if self.forgets_key or not self.kept else None

    def with_mistakes(self, wrong: Mapping[str, str]) -> SearchForm:
        """The same with what is wrong, each sentence in the language of the page."""
        return replace(self, wrong={name: in_words(sentence) for name, sentence in wrong.items()})


def empty_search_form(job: SearchJob) -> SearchForm:
    """The form of a model that is being added."""
    return stored_search_form(_nothing(job), kept=False)


def stored_search_form(settings: SearchSettings, *, kept: bool) -> SearchForm:
    """The form of these settings. The key itself is never drawn."""
    values = {name: str(getattr(settings, name)) for name in _TEXTS}
    numbers = {name: str(getattr(settings, name)) for name in SEARCH_BOUNDS}
    numbers["dimensions"] = numbers["dimensions"] if settings.dimensions else ""
    return SearchForm(settings.job, {**values, **numbers}, kept=kept)


def typed_search_form(
    typed: QueryDict, *, job: SearchJob, kept: bool
) -> tuple[SearchForm, SearchSettings | None]:
    """The form as it was typed, and its settings; None where a number is none."""
    values = {name: typed.get(name, "")[:_LONGEST] for name in (*_TEXTS, *SEARCH_BOUNDS)}
    form = SearchForm(
        job=job,
        values=values,
        kept=kept,
        forgets_key=kept and "forget_key" in typed,
        typed_key=typed.get("key", "").strip()[: LONGEST_KEY + 1],
    )
    wrong: dict[str, str] = {}
    usual = _nothing(job)
    numbers = {name: _number(values[name], name, wrong, empty=getattr(usual, name)) for name in SEARCH_BOUNDS}
    if wrong:
        return replace(form, wrong=wrong), None
    return form, SearchSettings(
        job=job,
        kind=values["kind"],
        name=values["name"],
        model=values["model"],
        address=values["address"],
        question_prompt=values["question_prompt"],
        passage_prompt=values["passage_prompt"],
        version=values["version"],
        ca_file=values["ca_file"],
        dimensions=numbers["dimensions"],
        silence_s=numbers["silence_s"],
        most_at_once=numbers["most_at_once"],
    )


def _nothing(job: SearchJob) -> SearchSettings:
    return SearchSettings(job=job, kind=kinds_for(job)[0].key, name="", model="")


def _number(text: str, name: str, wrong: dict[str, str], *, empty: int) -> int:
    text = text.strip()
    if not text:
        return empty
    if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS:
        return int(text)
    least, most = SEARCH_BOUNDS[name]
    words = gettext("Write a whole number from %(least)s to %(most)s.")
    wrong[name] = words % {"least": least, "most": most}
    return empty
