"""Entailment models (natural language inference) in a folder of this machine. Nothing is ever fetched.

A sequence classifier with three labels reads a premise and a hypothesis. Which label means what is read from
its configuration (`id2label`) and never guessed: models differ in their order.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from assistant.common.errors import ModelUnavailable
from assistant.common.quiet_libraries import keep_quiet
from assistant.common.told import told
from assistant.providers.contract import NOT_JUDGED, Entailed

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedTokenizerBase

MAX_THREADS = 8
_LONGEST = 512  # tokens of a pair
_LABELS = 3
# What the libraries below raise for a folder that lacks something or holds something else.
_CANNOT_LOAD = (OSError, ValueError, KeyError, RuntimeError, ImportError, TypeError, AttributeError)


class FolderEntailment:
    """A three-label classifier of transformers in a local folder.

    Pairs are judged one by one, so that nothing depends on what else is judged. The weights are loaded at the
    first use; threads may share one instance.
    """

    def __init__(self, *, model: str, threads: int | None = None) -> None:
        """`model` is the folder; `threads` bounds what one call uses, by default half of the cores."""
        self._folder = Path(model).expanduser()
        self._threads = max(1, min(threads or (os.cpu_count() or 1) // 2, MAX_THREADS))
        self._lock = threading.Lock()
        self._model: _Classifier | None = None

    @property
    def name(self) -> str:
        """The folder's name."""
        return self._folder.resolve().name

    def judged(self, premise: str, hypothesis: str) -> Entailed:
        """See `Entailment`.

        Raises:
            ModelUnavailable: the folder is missing, holds no such model, or its labels are not understood.
        """
        import torch  # noqa: PLC0415 - heavy

        with self._lock, torch.inference_mode():
            if self._model is None:
                self._model = _Classifier(self._folder)
            torch.set_num_threads(self._threads)
            return self._model.judged(premise, hypothesis)


@dataclass(frozen=True, slots=True)
class Places:
    """At which places of its output a model says that it entails and that it contradicts."""

    entails: int
    contradicts: int


def places_of(labels: Mapping[int, str]) -> Places | None:
    """What `id2label` says; None where it does not name each of the three meanings exactly once."""
    found: dict[str, list[int]] = {"entail": [], "contradict": [], "neutral": []}
    for at, label in labels.items():
        for meaning, places in found.items():
            if label.strip().casefold().startswith(meaning):
                places.append(at)
    if sorted(labels) != list(range(_LABELS)) or any(len(places) != 1 for places in found.values()):
        return None
    return Places(found["entail"][0], found["contradict"][0])


class _Model(Protocol):
    """What is used of a classifier of transformers."""

    def eval(self) -> object: ...
    def __call__(self, **inputs: Tensor) -> _Output: ...


class _Output(Protocol):
    logits: Tensor


class _Classifier:
    """The loaded model."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise ModelUnavailable(
                told(
                    "The folder {folder} of the entailment model does not exist. Name the folder of a "
                    "downloaded model, or choose none; nothing is fetched at run time.",
                    folder=folder,
                )
            )
        keep_quiet()
        from safetensors import SafetensorError  # noqa: PLC0415 - heavy
        from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer  # noqa: PLC0415

        local = {"local_files_only": True, "trust_remote_code": False}
        try:
            config = AutoConfig.from_pretrained(folder, **local)
            places = places_of(_labels(config.id2label))
            if places is None:
                raise _labels_unknown(folder, config.id2label)
            self._places = places
            self._tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(folder, **local)
            found: object = AutoModelForSequenceClassification.from_pretrained(
                folder, use_safetensors=True, output_loading_info=True, **local
            )
            model, report = cast("tuple[_Model, dict[str, list[str]]]", found)
            if report["missing_keys"]:  # they would be made up
                raise ValueError("weights are missing")
            model.eval()
        except (*_CANNOT_LOAD, SafetensorError) as error:
            raise ModelUnavailable(
                told(
                    "The entailment model in {folder} cannot be loaded ({kind}): a sequence classifier with "
                    "three labels is needed, with weights in safetensors form, configuration and tokenizer.",
                    folder=folder,
                    kind=type(error).__name__,
                )
            ) from error
        self._model = model
        longest = getattr(config, "max_position_embeddings", None)
        longest = longest if isinstance(longest, int) and longest > 0 else _LONGEST
        self._longest = min(_LONGEST, longest, self._tokenizer.model_max_length)

    def judged(self, premise: str, hypothesis: str) -> Entailed:
        import torch  # noqa: PLC0415 - heavy

        inputs = self._tokenizer(premise, hypothesis, return_tensors="pt")
        if inputs["input_ids"].shape[1] > self._longest:
            return NOT_JUDGED  # cut short it would be judged by half of what it says
        shares = torch.softmax(self._model(**inputs).logits[0].double(), dim=-1).tolist()
        found = Entailed(shares[self._places.entails], shares[self._places.contradicts])
        if not 0.0 <= found.entails + found.contradicts <= 1.0 + 1e-9:  # not for NaN
            raise ModelUnavailable(
                told("The entailment model gives no number for a pair: its weights are broken.")
            )
        return found


def _labels(known: object) -> dict[int, str]:
    if not isinstance(known, Mapping):
        return {}
    return {int(at): str(label) for at, label in known.items()}


def _labels_unknown(folder: Path, known: object) -> ModelUnavailable:
    named = ", ".join(_labels(known).values())[:200]
    return ModelUnavailable(
        told(
            "The labels of the model in {folder} are “{labels}”: which of them means entailment is not "
            "guessed. In its config.json id2label must name entailment, neutral and contradiction, "
            "each once.",
            folder=folder,
            labels=named,
        )
    )
