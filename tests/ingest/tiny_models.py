"""Real sentence-transformers models of a few kilobytes: random weights, a vocabulary of characters.

python -m tests.ingest.tiny_models FOLDER DIMENSION SEED
"""

from __future__ import annotations

import sys
from pathlib import Path

_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789.,:;?!@-_"


def make_model(folder: Path, *, dimension: int, seed: int) -> Path:
    """A model whose vectors have this many components and depend on the seed."""
    import torch  # noqa: PLC0415 - heavy
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer  # noqa: PLC0415
    from tokenizers import Tokenizer, models, pre_tokenizers  # noqa: PLC0415
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast  # noqa: PLC0415

    syllables = [chr(code) for code in range(ord("가"), ord("힣") + 1, 7)]
    vocabulary = ["[PAD]", "[UNK]", *_ALPHABET, *syllables]
    words = models.WordLevel({word: i for i, word in enumerate(vocabulary)}, unk_token="[UNK]")
    tokenizer = Tokenizer(words)
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    bert = folder.with_name(folder.name + "-bert")
    fast = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", model_max_length=256
    )
    fast.save_pretrained(str(bert))
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=dimension,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=dimension,
        max_position_embeddings=256,
    )
    BertModel(config).save_pretrained(str(bert))
    whole = SentenceTransformer(modules=[Transformer(str(bert)), Pooling(dimension)], device="cpu")
    whole.save(str(folder))
    return folder


if __name__ == "__main__":
    make_model(Path(sys.argv[1]), dimension=int(sys.argv[2]), seed=int(sys.argv[3]))
