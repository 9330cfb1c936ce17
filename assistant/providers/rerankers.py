"""Rerankers that run in this process: models that read the question and a passage together.

Nothing is ever fetched: a model is a folder that is already here. There is none until one is configured.
"""

from __future__ import annotations

import json
import math
import os
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from assistant.common.errors import ModelUnavailable
from assistant.common.quiet_libraries import keep_quiet
from assistant.common.types import Json
from assistant.providers.contract import Scores

MAX_THREADS = 8
# What the libraries below raise for a folder that lacks something or holds something else.
_CANNOT_LOAD = (OSError, ValueError, KeyError, RuntimeError, ImportError, TypeError, AttributeError)


class CrossEncoderReranker:
    """A cross-encoder of sentence-transformers in a local folder, with one score a pair.

    Pairs are scored one by one: in a batch the last digits of a score depend on what else is in it, by
    padding and by the order of sums. The weights are loaded at the first use; threads may share one
    instance.
    """

    def __init__(self, *, model: str, threads: int | None = None) -> None:
        """`model` is the folder; `threads` bounds what one call uses, by default half of the cores."""
        self._folder = Path(model).expanduser()
        self._threads = max(1, min(threads or (os.cpu_count() or 1) // 2, MAX_THREADS))
        self._lock = threading.Lock()
        self._model: _CrossEncoder | None = None

    @property
    def name(self) -> str:
        """The folder's name."""
        return self._folder.resolve().name

    def scores(self, question: str, texts: Sequence[str]) -> Scores:
        """How well each text answers the question, in the order given: float64, higher is better.

        Raises:
            ModelUnavailable: the folder is missing, or holds no cross-encoder with one score.
        """
        import torch  # noqa: PLC0415 - heavy

        with self._lock, torch.inference_mode():
            model = self._loaded()
            torch.set_num_threads(self._threads)
            return np.array([model.score(question, text) for text in texts], dtype=np.float64)

    def _loaded(self) -> _CrossEncoder:
        if self._model is None:
            self._model = _CrossEncoder(self._folder)
        return self._model


class _CrossEncoder:
    """The loaded model."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise ModelUnavailable(
                f"The reranker's folder {folder} does not exist. Name the folder of a downloaded "
                "cross-encoder in MUNDAP_RERANKER_MODEL, or leave that empty; nothing is fetched at run time."
            )
        _require_a_cross_encoder(folder)
        keep_quiet()
        from safetensors import SafetensorError  # noqa: PLC0415 - heavy
        from sentence_transformers import CrossEncoder  # noqa: PLC0415 - heavy

        try:
            self._model = CrossEncoder(str(folder), device="cpu", local_files_only=True)
        except (*_CANNOT_LOAD, SafetensorError) as error:
            raise ModelUnavailable(
                f"The reranker in {folder} cannot be loaded: {error}. "
                "Check that the folder holds a complete cross-encoder of sentence-transformers."
            ) from error
        if self._model.num_labels != 1:
            raise ModelUnavailable(
                f"The model in {folder} gives {self._model.num_labels} scores a pair; a reranker gives one."
            )

    def score(self, question: str, text: str) -> float:
        (score,) = self._model.predict(
            [(question, text)], batch_size=1, show_progress_bar=False, convert_to_numpy=True
        )
        if not math.isfinite(score):
            raise ModelUnavailable("The reranker gives no number for a pair: its weights are broken.")
        return float(score)


def _require_a_cross_encoder(folder: Path) -> None:
    """Any other model would load too, with random weights where its scores should come from."""
    said = [_read(folder / name) for name in ("config.json", "config_sentence_transformers.json")]
    named = said[0].get("architectures")
    architectures = named if isinstance(named, list) else []
    classifies = any(str(name).endswith("ForSequenceClassification") for name in architectures)
    if not classifies and said[1].get("model_type") != "CrossEncoder":
        raise ModelUnavailable(
            f"The folder {folder} holds no cross-encoder: its config.json names "
            f"{', '.join(map(str, architectures)) or 'no model'}. Name the folder of a model that "
            "scores a question and a passage together."
        )


def _read(file: Path) -> dict[str, Json]:
    try:
        found: Json = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return dict(found) if isinstance(found, Mapping) else {}
