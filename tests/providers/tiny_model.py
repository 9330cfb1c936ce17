"""A causal language model so small that a test makes it, and that says what the test wants it to say.

Each token leads to exactly one next token: the embedding is one-hot, attention and the inner layer add
nothing, and the head holds the successor of every token. What the model writes is thus known, while
everything around it (folder, tokenizer, chat template, generation, streaming) is the real thing.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from tokenizers import Tokenizer, decoders, models, pre_tokenizers

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

_BEGIN, _END, _OTHER = "<s>", "</s>", "<?>"
_TEMPLATE = (
    "{% for message in messages %}{{ message['role'] }} {{ message['content'] }} {% endfor %}"
    "{% if add_generation_prompt %}TURN{% endif %}"
)
_SPACE = "▁"  # what a token that follows a space begins with
_HEADS = 4


def tiny_model(
    folder: Path, says: str, *, again: bool = False, longest: int = 16_384, turn: str = "<turn>"
) -> Path:
    """Write a model into `folder` whose every message is `says`, word by word; `again`: without an end.

    `says` holds no word twice, as each has one successor. `longest` is what it can read and write, in
    tokens; `turn` the mark after which it is its turn.
    """
    words = [_SPACE + word for word in says.split(" ")]
    if len(set(words)) != len(words):
        raise ValueError("a word that comes twice would have two successors")
    vocabulary = [_BEGIN, _END, _OTHER, turn, *words]
    _tokenizer(vocabulary, longest, turn).save_pretrained(folder)
    chain = [turn, *words, words[0] if again else _END]
    _model(vocabulary, chain, longest).save_pretrained(folder)
    return folder


def _tokenizer(vocabulary: Sequence[str], longest: int, turn: str) -> PreTrainedTokenizerFast:
    """One token a word; every word that the model does not say is the same unknown one."""
    from transformers import PreTrainedTokenizerFast  # noqa: PLC0415 - heavy

    ids = {token: number for number, token in enumerate(vocabulary)}
    tokenizer = Tokenizer(models.WordLevel(ids, unk_token=_OTHER))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement=_SPACE, prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(replacement=_SPACE, prepend_scheme="always")
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        bos_token=_BEGIN,
        eos_token=_END,
        unk_token=_OTHER,
        additional_special_tokens=[turn],
        chat_template=_TEMPLATE.replace("TURN", turn),
        model_max_length=longest,
    )


def _model(vocabulary: Sequence[str], chain: Sequence[str], longest: int) -> LlamaForCausalLM:
    import torch  # noqa: PLC0415 - heavy
    from transformers import LlamaConfig, LlamaForCausalLM  # noqa: PLC0415 - heavy

    count = len(vocabulary)
    width = -(-count // (2 * _HEADS)) * 2 * _HEADS  # rotary embeddings want even heads
    config = LlamaConfig(
        vocab_size=count,
        hidden_size=width,
        intermediate_size=8,
        num_hidden_layers=1,
        num_attention_heads=_HEADS,
        max_position_embeddings=longest,
        bos_token_id=vocabulary.index(_BEGIN),
        eos_token_id=vocabulary.index(_END),
        tie_word_embeddings=False,
    )
    model = LlamaForCausalLM(config)
    with torch.no_grad():
        layer = model.model.layers[0]
        for weights in (layer.self_attn.o_proj.weight, layer.mlp.down_proj.weight):
            weights.zero_()
        model.model.embed_tokens.weight.copy_(torch.eye(count, width))
        model.lm_head.weight.zero_()
        for before, after in pairwise(chain):
            model.lm_head.weight[vocabulary.index(after), vocabulary.index(before)] = 1.0
    return model
