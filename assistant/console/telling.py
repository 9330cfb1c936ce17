"""What a source said, in the language of whoever reads the page."""

from __future__ import annotations

from django.utils.translation import gettext

from assistant.common.told import Told, filled, is_bare


def in_words(sentence: str) -> str:
    """The sentence in the active language; as it was first told where that language has no words for it.

    Only what a catalogue says is filled with values: a stored template is looked up, never obeyed.
    """
    if not isinstance(sentence, Told):
        return sentence
    template = gettext(sentence.template) if sentence.template else ""
    if template == sentence.template and not is_bare(template):
        return str(sentence)
    words = filled(template, {name: in_words(value) for name, value in sentence.values.items()})
    return str(sentence) if words is None else words
