"""The bundled model as a folder that sentence-transformers loads: what our own passes are compared with.

Its tokenizer is made by the tokenizers library, so that the pieces are compared with somebody else's too.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
from safetensors.numpy import save_file
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

from assistant.providers.embedders import bundled_file
from assistant.providers.packed_model import PackedModel, Vocabulary


@lru_cache(maxsize=1)
def packed() -> PackedModel:
    """The bundled model, one a process."""
    return PackedModel(bundled_file())


@lru_cache(maxsize=1)
def unpacked_folder() -> Path:
    """A folder of the same model in float32, made once a process."""
    model, folder = packed(), Path(mkdtemp(prefix="unpacked-"))
    pieces = len(model.vocabulary.scores)
    words = np.vstack([model.words(range(at, min(at + 10_000, pieces))) for at in range(0, pieces, 10_000)])
    weights = model.weights() | {"embeddings.word_embeddings.weight": words}
    save_file(
        {name: np.ascontiguousarray(one) for name, one in weights.items()}, folder / "model.safetensors"
    )
    parts = {
        "config.json": {
            "architectures": ["BertModel"],
            "model_type": "bert",
            "hidden_size": model.width,
            "num_hidden_layers": model.layers,
            "num_attention_heads": model.heads,
            "intermediate_size": 4 * model.width,
            "vocab_size": pieces,
            "max_position_embeddings": model.places,
            "type_vocab_size": 2,
            "hidden_act": "gelu",
            "layer_norm_eps": 1e-12,
        },
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": model.places,
            "pad_token": "<pad>",
            "unk_token": "<unk>",
        },
        "modules.json": [
            {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
            {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
        ],
        "sentence_bert_config.json": {"max_seq_length": model.places, "do_lower_case": False},
        "1_Pooling/config.json": {"word_embedding_dimension": model.width, "pooling_mode_mean_tokens": True},
    }
    for name, content in parts.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(content))
    tokenizer(model.vocabulary).save(str(folder / "tokenizer.json"))
    return folder


def tokenizer(vocabulary: Vocabulary) -> Tokenizer:
    """The pieces by the tokenizers library."""
    text, begins = vocabulary.text.tobytes(), vocabulary.begins.tolist()
    pieces = [
        (text[begins[at] : begins[at + 1]].decode(), score)
        for at, score in enumerate(vocabulary.scores.tolist())
    ]
    made = Tokenizer(models.Unigram(pieces, unk_id=vocabulary.unknown))
    made.normalizer = normalizers.Sequence(
        [
            normalizers.Replace(Regex(r"[\t\n\r\u200b\ufeff]"), " "),
            normalizers.NFKC(),
            normalizers.Replace(Regex(" {2,}"), " "),
            normalizers.Strip(),
        ]
    )
    made.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", vocabulary.begin), ("</s>", vocabulary.end)]
    )
    return made
