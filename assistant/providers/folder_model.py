"""A causal language model in a folder of this machine, as transformers reads it. Nothing is ever fetched.

Only weights in safetensors form are read and no code of the folder's is run, so that a folder is data.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from assistant.common.quiet_libraries import keep_quiet
from assistant.common.told import told
from assistant.providers.call_failed import CallFailed
from assistant.providers.contract import Message, Outcome, Role

if TYPE_CHECKING:
    from torch import Tensor, device
    from transformers import GenerationConfig, PreTrainedConfig, PreTrainedTokenizerBase

# What the libraries below raise for a folder that lacks something or holds something else.
_CANNOT_LOAD = (OSError, ValueError, KeyError, RuntimeError, ImportError, TypeError, AttributeError)
_LEAST_ROOM = 16  # tokens: an answer shorter than that is none


class CausalModel(Protocol):
    """What is used of a model of transformers."""

    @property
    def config(self) -> PreTrainedConfig: ...
    @property
    def generation_config(self) -> GenerationConfig: ...
    @property
    def device(self) -> device: ...
    def to(self, device: str) -> object: ...
    def eval(self) -> object: ...
    def generate(self, inputs: Tensor, **settings: object) -> Tensor:
        """The inputs with what follows, in tokens: shape (1, tokens)."""
        ...


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the model continues. `ids`: shape (1, tokens); `thinking`: the template has begun its thoughts."""

    ids: Tensor
    thinking: bool

    @property
    def tokens(self) -> int:
        """How many tokens it has."""
        return int(self.ids.shape[1])


@dataclass(frozen=True, slots=True)
class FolderModel:
    """A loaded model with its tokenizer. `longest`: tokens that it can read and write together."""

    name: str
    model: CausalModel
    tokenizer: PreTrainedTokenizerBase
    longest: int
    ends: frozenset[int]
    reserved: re.Pattern[str] | None

    def prompt(self, messages: Sequence[Message]) -> Prompt:
        """The messages in the model's own form; without a template, one paragraph a message.

        Marks that the model takes for the frame of a message are taken out of what people and documents
        say, as nobody but us may end a message.

        Raises:
            CallFailed: they are longer than the model reads, or its template is broken.
        """
        turns = [{"role": each.role.value, "content": self._plain(each.text)} for each in messages]
        text = self._framed(turns)
        own_marks = self.tokenizer.chat_template is None
        ids = self.tokenizer(text, return_tensors="pt", add_special_tokens=own_marks)["input_ids"]
        prompt = Prompt(ids.to(self.model.device), text.rstrip().endswith("<think>"))
        if self.longest - prompt.tokens < _LEAST_ROOM:
            raise CallFailed(
                told(
                    "The question with its passages has {tokens} tokens, and the model '{model}' reads "
                    "{most}: choose one with a larger context.",
                    tokens=prompt.tokens,
                    model=self.name,
                    most=self.longest,
                ),
                Outcome.REFUSED,
            )
        return prompt

    def _plain(self, text: str) -> str:
        return self.reserved.sub(" ", text) if self.reserved else text

    def _framed(self, turns: list[dict[str, str]]) -> str:
        from jinja2 import TemplateError  # noqa: PLC0415 - comes with transformers, and only with it

        if self.tokenizer.chat_template is None:
            return "\n\n".join(turn["content"] for turn in turns) + "\n\nAnswer:"
        try:
            try:
                return self._by_template(turns)
            except TemplateError:
                return self._by_template(_without_system(turns))  # some templates know no such role
        except (TemplateError, ValueError, TypeError, KeyError) as error:
            raise CallFailed(
                told("The chat template of the model '{model}' is broken.", model=self.name), Outcome.REFUSED
            ) from error

    def _by_template(self, turns: list[dict[str, str]]) -> str:
        framed = self.tokenizer.apply_chat_template(
            turns, tokenize=False, add_generation_prompt=True, enable_thinking=False
        )
        assert isinstance(framed, str), "one conversation gives one text"
        return framed


def _without_system(turns: list[dict[str, str]]) -> list[dict[str, str]]:
    """The same with what the system says at the head of what a person says first."""
    system = [turn["content"] for turn in turns if turn["role"] == Role.SYSTEM.value]
    others = [dict(turn) for turn in turns if turn["role"] != Role.SYSTEM.value]
    if system and others:
        others[0]["content"] = "\n\n".join([*system, others[0]["content"]])
    return others


_loading_lock = threading.Lock()
_loading: dict[tuple[Path, int], Future[FolderModel]] = {}


def loading(folder: Path) -> Future[FolderModel]:
    """The folder's model, loaded once by a thread of its own. One model is kept: another takes its place.

    A folder whose description has changed is read anew, and so is one that could not be loaded.
    """
    key = folder, _changed_at(folder)
    with _loading_lock:
        known = _loading.get(key)
        if known is not None and not (known.done() and known.exception() is not None):
            return known
        _loading.clear()
        future = _loading[key] = Future[FolderModel]()
    threading.Thread(target=_load_into, args=(future, folder), name="model-loading", daemon=True).start()
    return future


def _changed_at(folder: Path) -> int:
    try:
        return (folder / "config.json").stat().st_mtime_ns
    except OSError:
        return 0


def _load_into(future: Future[FolderModel], folder: Path) -> None:
    try:
        future.set_result(_loaded(folder))
    except Exception as error:  # noqa: BLE001 - the edge of a thread: whoever waits for the future must be told
        future.set_exception(error)


def _loaded(folder: Path) -> FolderModel:
    _require_a_model(folder)
    keep_quiet()
    import torch  # noqa: PLC0415 - heavy
    from safetensors import SafetensorError  # noqa: PLC0415 - heavy
    from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: PLC0415 - heavy
    from transformers.utils.logging import disable_progress_bar  # noqa: PLC0415 - heavy

    disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        found: object = AutoModelForCausalLM.from_pretrained(
            folder,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            dtype="auto",
            output_loading_info=True,
        )
        model, report = cast("tuple[CausalModel, dict[str, list[str]]]", found)
        if report["missing_keys"]:  # they would be made up
            raise ValueError("weights are missing")
        model.to("cuda" if torch.cuda.is_available() else "cpu")
        model.eval()
    except (MemoryError, torch.OutOfMemoryError) as error:
        raise out_of_memory(folder.name) from error
    except (*_CANNOT_LOAD, SafetensorError) as error:
        if is_out_of_memory(error):
            raise out_of_memory(folder.name) from error
        raise CallFailed(
            told(
                "The folder {folder} holds no causal language model that transformers can load ({kind}): "
                "weights in safetensors form, configuration and tokenizer are needed, and a model that "
                "brings code of its own is not run.",
                folder=folder,
                kind=type(error).__name__,
            ),
            Outcome.REFUSED,
        ) from error
    longest = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    ends = model.generation_config.eos_token_id or tokenizer.eos_token_id
    return FolderModel(
        name=folder.name,
        model=model,
        tokenizer=tokenizer,
        longest=longest if isinstance(longest, int) else 1 << 20,
        ends=frozenset(ends if isinstance(ends, list) else [ends] if ends is not None else []),
        reserved=_reserved(tokenizer),
    )


def _require_a_model(folder: Path) -> None:
    if not folder.is_dir():
        raise CallFailed(
            told(
                "There is no folder {folder}: name the folder of a downloaded language model; nothing is "
                "fetched at run time.",
                folder=folder,
            ),
            Outcome.REFUSED,
        )
    for pattern in ("config.json", "*.safetensors"):
        if not any(folder.glob(pattern)):
            raise CallFailed(
                told(
                    "The folder {folder} holds no language model: {pattern} is missing.",
                    folder=folder,
                    pattern=pattern,
                ),
                Outcome.REFUSED,
            )


def _reserved(tokenizer: PreTrainedTokenizerBase) -> re.Pattern[str] | None:
    """Every mark that is one token however it is written: the frames of messages are among them."""
    marks = {token.content for token in tokenizer.added_tokens_decoder.values() if token.special}
    marks.update(mark for mark in tokenizer.all_special_tokens if mark)
    longest_first = sorted(filter(str.strip, marks), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first))) if longest_first else None


def is_out_of_memory(error: BaseException) -> bool:
    """Whether torch could not get memory: on the processor that is an error like any other."""
    return "not enough memory" in str(error) or "out of memory" in str(error)


def out_of_memory(model: str) -> CallFailed:
    """What to tell whoever asked for more than there is."""
    return CallFailed(
        told(
            "This machine has not enough memory for the model '{model}': choose a smaller one.", model=model
        ),
        Outcome.REFUSED,
    )
