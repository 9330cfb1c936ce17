"""A real cross-encoder, as small as one can be: random weights, made by the tests and saved to a folder."""

from __future__ import annotations

from pathlib import Path

_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789.,?:가나다라마바사아자차카타파하휴연차무근일원"
_LONGEST = 256


def made_reranker(folder: Path, *, labels: int = 1, headless: bool = False, seed: int = 1) -> str:
    """A cross-encoder of letters in `folder`; `headless` leaves out what gives the scores."""
    # Heavy: a worker that collects the tests need not run these.
    import torch  # noqa: PLC0415
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers  # noqa: PLC0415
    from transformers import (  # noqa: PLC0415
        BertConfig,
        BertForSequenceClassification,
        BertModel,
        PreTrainedTokenizerFast,
    )

    known = {token: at for at, token in enumerate((*_SPECIAL, *_LETTERS))}
    letters = Tokenizer(models.WordLevel(known, unk_token="[UNK]"))
    letters.normalizer = normalizers.Lowercase()
    letters.pre_tokenizer = pre_tokenizers.Split("", behavior="isolated")
    tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=letters,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=_LONGEST,
    )
    config = BertConfig(
        vocab_size=len(known),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=_LONGEST,
        initializer_range=0.5,  # wide, so that texts get scores apart
    )
    config.num_labels = labels
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = BertModel(config) if headless else BertForSequenceClassification(config)
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)
