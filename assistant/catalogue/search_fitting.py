"""Do the settings of a model of the search fit? Decided before anything is stored or asked, by field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from assistant.catalogue.fitting import LONGEST_MODEL, wrong_ca_file, wrong_key, wrong_text, wrong_web_address
from assistant.catalogue.models import LONGEST_NAME
from assistant.catalogue.search_kinds import kind_of
from assistant.common.told import told
from assistant.documents.models import SearchJob

LONGEST_FOLDER, LONGEST_PROMPT, LONGEST_VERSION = 1_000, 500, 80
# Field: least, most. Components, seconds, requests.
SEARCH_BOUNDS: Mapping[str, tuple[int, int]] = {
    "dimensions": (0, 65_536),
    "silence_s": (1, 600),
    "most_at_once": (1, 1_000),
}
# What decides on a model's vectors: it is entered once and never changed.
IDENTITY = ("kind", "address", "model", "dimensions", "question_prompt", "passage_prompt", "version")


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """A model of the search as an administrator wants it. `model` is a folder, or a name on its server."""

    job: SearchJob
    kind: str
    name: str
    model: str
    address: str = ""
    dimensions: int = 0
    question_prompt: str = ""
    passage_prompt: str = ""
    version: str = ""
    ca_file: str = ""
    silence_s: int = 30
    most_at_once: int = 4

    @property
    def is_elsewhere(self) -> bool:
        """Whether it is on a server."""
        kind = kind_of(self.kind, self.job)
        return kind is not None and kind.is_elsewhere


def tidied(settings: SearchSettings) -> SearchSettings:
    """Without spaces around, and without what means nothing to the kind. Prompts keep their spaces."""
    elsewhere = settings.is_elsewhere
    embeds = elsewhere and settings.job is SearchJob.EMBEDDER
    return replace(
        settings,
        name=" ".join(settings.name.split()),
        model=settings.model.strip(),
        address=settings.address.strip() if elsewhere else "",
        ca_file=settings.ca_file.strip() if elsewhere else "",
        version=settings.version.strip() if embeds else "",
        dimensions=settings.dimensions if embeds else 0,
        question_prompt=settings.question_prompt if embeds else "",
        passage_prompt=settings.passage_prompt if embeds else "",
    )


def mistakes(settings: SearchSettings, *, key: str = "") -> dict[str, str]:
    """What is wrong, by field, in sentences that can be told in another language. Empty: it fits."""
    elsewhere = settings.is_elsewhere
    found = {
        "name": wrong_text(settings.name, most=LONGEST_NAME, needed=True),
        "kind": "" if kind_of(settings.kind, settings.job) else told("Choose one of the kinds."),
        "address": wrong_web_address(settings.address) if elsewhere else "",
        "model": _wrong_model(settings),
        "key": wrong_key(key),
        "question_prompt": wrong_text(settings.question_prompt, most=LONGEST_PROMPT),
        "passage_prompt": wrong_text(settings.passage_prompt, most=LONGEST_PROMPT),
        "version": wrong_text(settings.version, most=LONGEST_VERSION),
        "ca_file": wrong_ca_file(settings.ca_file),
    }
    for name, (least, most) in SEARCH_BOUNDS.items():
        if not least <= getattr(settings, name) <= most:
            found[name] = told("Write a whole number from {least} to {most}.", least=least, most=most)
    return {name: sentence for name, sentence in found.items() if sentence}


def _wrong_model(settings: SearchSettings) -> str:
    most = LONGEST_MODEL if settings.is_elsewhere else LONGEST_FOLDER
    wrong = wrong_text(settings.model, most=most, needed=True)
    if wrong or settings.is_elsewhere:
        return wrong
    if not Path(settings.model).is_absolute() or not Path(settings.model).is_dir():
        return told(
            "There is no such folder on this machine. Write its whole path, such as /srv/models/name."
        )
    return ""
