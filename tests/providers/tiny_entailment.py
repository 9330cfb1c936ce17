"""A real entailment model, as small as one can be: random weights, made by the tests in a folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from tests.providers.tiny_reranker import made_reranker

USUAL = ("entailment", "neutral", "contradiction")


def made_entailment(folder: Path, labels: Sequence[str] = USUAL, *, order: Sequence[int] = (0, 1, 2)) -> str:
    """A classifier of letters in `folder`; place n of its output is what is at `order[n]` by default."""
    from safetensors.torch import load_file, save_file  # noqa: PLC0415 - heavy

    made_reranker(folder, labels=len(order), seed=3)
    file = folder / "model.safetensors"
    weights = load_file(file)
    for name in ("classifier.weight", "classifier.bias"):
        weights[name] = weights[name][list(order)].clone()
    save_file(weights, file, metadata={"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    config["id2label"] = {str(at): label for at, label in enumerate(labels)}
    config["label2id"] = {label: at for at, label in enumerate(labels)}
    (folder / "config.json").write_text(json.dumps(config))
    return str(folder)
