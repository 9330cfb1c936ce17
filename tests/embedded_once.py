"""A text that was embedded in this process is not embedded again: most tests embed the same few texts.

The vectors stay those of the real model, of which `tests/providers/test_byte_encoder.py` shows
that a text's vector is the same to the last bit in any company.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from assistant.providers import embedders
from assistant.providers.contract import Vectors

_MOST = 20_000  # texts: 30 MB of vectors
_KNOWN: dict[str, Vectors] = {}  # one row of each


def embed_once(patch: pytest.MonkeyPatch) -> None:
    """Have the bundled model compute each text once, as long as the patch lasts."""
    compute = embedders._Bundled.encode

    def encode(bundled: embedders._Bundled, texts: Sequence[str], *, questions: bool) -> Vectors:
        rows = {text: row for text in texts if (row := _KNOWN.get(text)) is not None}
        if new := [text for text in dict.fromkeys(texts) if text not in rows]:
            if len(_KNOWN) + len(new) > _MOST:
                _KNOWN.clear()
            computed = dict(zip(new, compute(bundled, new, questions=questions), strict=True))
            _KNOWN.update(computed)
            rows |= computed
        return np.stack([rows[text] for text in texts])

    patch.setattr(embedders._Bundled, "encode", encode)
