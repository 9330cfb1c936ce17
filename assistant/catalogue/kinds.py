"""Which kinds of language models may be entered, and what each wants to know.

The built-in answerer is no language model: it is always there and has nothing to enter.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

BUILT_IN = "extractive"


@dataclass(frozen=True, slots=True)
class ModelKind:
    """The words of a kind's form. `is_elsewhere`: it has an address of the web, to which questions go.

    `has_region`: it is Amazon's, which finds the address by the region.
    """

    label: Promise
    about: Promise
    is_elsewhere: bool = True
    has_region: bool = False


KINDS: dict[str, ModelKind] = {
    "openai-compatible": ModelKind(
        label=_("OpenAI-compatible server"),
        about=_("OpenAI, Azure, vLLM, Ollama, llama.cpp and many others speak it."),
    ),
    "bedrock": ModelKind(
        label=_("Amazon Bedrock"),
        about=_(
            "Its address names the region; its key is ID:SECRET of an access key, or an API key of Bedrock’s."
        ),
        has_region=True,
    ),
    "transformers": ModelKind(
        label=_("Model in a folder of this machine"),
        about=_(
            "Nothing leaves Mundap. It answers one question at a time, on the processor of this machine."
        ),
        is_elsewhere=False,
    ),
}
