"""A causal language model that runs in this process: one message at a time, streamed as it is written."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from assistant.common.pace import Stopped
from assistant.common.told import told
from assistant.providers.call_failed import CallFailed
from assistant.providers.contract import (
    ChatParts,
    ChatServer,
    Completions,
    Message,
    Outcome,
    Tokens,
    never,
    uncounted,
)
from assistant.providers.folder_model import FolderModel, Prompt, is_out_of_memory, loading, out_of_memory
from assistant.providers.limits import limited
from assistant.providers.places import Places, full
from assistant.providers.refusals import broke_off, cut
from assistant.providers.retrying import LOOK_UP_S
from assistant.providers.thoughts import spoken
from assistant.providers.writing import WrittenAnswers

if TYPE_CHECKING:
    from transformers import TextIteratorStreamer

_one_at_a_time = Places()  # whatever the model: they share the processor and its memory


def completions(parts: ChatParts) -> Completions:
    """The model of the configured folder, within its limits. What fails here would fail again."""
    server = replace(parts.server, url="", most_at_once=1, attempts=1)
    return limited(LocalCompletions(server), replace(parts, server=server))


def chat_model(parts: ChatParts) -> WrittenAnswers:
    """The folder's model as one that answers from evidence."""
    return WrittenAnswers(completions(parts), entailment=parts.entailment)


class LocalCompletions:
    """The model of one folder. It is loaded when it is first asked; threads may share it."""

    def __init__(self, server: ChatServer) -> None:
        self._server = server
        self._folder = Path(server.model).expanduser().absolute()

    @property
    def name(self) -> str:
        """The folder's name."""
        return self._folder.name

    def complete(
        self,
        messages: Sequence[Message],
        *,
        stop: Callable[[], bool] = never,
        counted: Callable[[Tokens], None] = uncounted,
    ) -> Iterator[str]:
        """See `CountingCompletions`.

        Raises:
            CallFailed: no such folder or no model in it, too long, out of memory, too slow, or cut off.
            Stopped: once `stop` says so. The model itself ends with the word that it is at.
        """
        server = self._server
        if not _one_at_a_time.enter(most=1, within_s=server.place_s, stop=stop):
            raise full(self.name, 1)
        writing: _Writing | None = None
        try:
            model = _waited_for(loading(self._folder), stop)
            prompt = model.prompt(messages)
            writing = _Writing(model, prompt, server, freed=_one_at_a_time.leave)
        finally:
            if writing is None:
                _one_at_a_time.leave()
        try:
            yield from spoken(writing.pieces(stop), thinking=prompt.thinking)
        finally:
            writing.end()
            counted(Tokens(prompt.tokens, writing.written))
        writing.judge_end()


class _Writing:
    """One message, written by a thread of its own that gives its place back (`freed`) when it is over."""

    def __init__(
        self, model: FolderModel, prompt: Prompt, server: ChatServer, *, freed: Callable[[], None]
    ) -> None:
        from transformers import TextIteratorStreamer  # noqa: PLC0415 - heavy

        self._model = model
        self._prompt = prompt
        self._server = server
        self._freed = freed
        self._most = min(server.most_tokens, model.longest - prompt.tokens)
        self._ended, self._over = threading.Event(), threading.Event()
        self._failure: CallFailed | None = None
        self._whole = False
        self.written = 0
        self._streamer: TextIteratorStreamer = TextIteratorStreamer(
            model.tokenizer, skip_prompt=True, timeout=LOOK_UP_S, skip_special_tokens=True
        )
        threading.Thread(target=self._write, name="model-writing", daemon=True).start()

    def pieces(self, stop: Callable[[], bool]) -> Iterator[str]:
        """What is written, as it is.

        Raises:
            CallFailed: it takes too long.
            Stopped: once `stop` says so.
        """
        began = last = time.monotonic()
        while True:
            if stop():
                raise Stopped
            now = time.monotonic()
            if now - last > self._server.silence_s or now - began > self._server.whole_s:
                raise CallFailed(
                    told(
                        "The model '{model}' is too slow on this machine: choose a smaller one, or allow it "
                        "more time.",
                        model=self._model.name,
                    ),
                    Outcome.UNREACHABLE,
                )
            try:
                piece = next(self._streamer)
            except queue.Empty:
                continue
            except StopIteration:
                self._over.wait()  # the last word is out a moment before the thread knows why
                return
            last = time.monotonic()
            if piece:
                yield piece

    def end(self) -> None:
        """Nobody reads on."""
        self._ended.set()

    def judge_end(self) -> None:
        """
        Raises:
            CallFailed: the message is not whole.
        """
        if self._failure is not None:
            raise self._failure
        if not self._whole:
            raise cut(self._model.name, self._most)

    def _write(self) -> None:
        try:
            self._generate()
        except Exception as error:  # noqa: BLE001 - the edge of a thread: whoever reads is told
            memory = isinstance(error, MemoryError) or is_out_of_memory(error)
            self._failure = out_of_memory(self._model.name) if memory else broke_off(self._model.name)
            self._failure.__cause__ = error
        finally:
            self._freed()
            self._over.set()
            self._streamer.on_finalized_text("", stream_end=True)

    def _generate(self) -> None:
        import torch  # noqa: PLC0415 - heavy
        from transformers import StoppingCriteria, StoppingCriteriaList  # noqa: PLC0415 - heavy

        writing = self

        class Ended(StoppingCriteria):
            """Once nobody reads on. Asked after every token."""

            def __call__(
                self,
                input_ids: torch.Tensor,
                scores: torch.Tensor,  # noqa: ARG002 - the library's shape
                **_others: object,
            ) -> torch.Tensor:
                writing.written = int(input_ids.shape[1]) - writing._prompt.tokens
                return torch.full(
                    (input_ids.shape[0],), writing._ended.is_set(), dtype=torch.bool, device=input_ids.device
                )

        with torch.inference_mode():
            found = self._model.model.generate(
                self._prompt.ids,
                attention_mask=torch.ones_like(self._prompt.ids),
                streamer=self._streamer,
                max_new_tokens=self._most,
                do_sample=False,
                num_beams=1,
                temperature=None,
                top_p=None,
                top_k=None,
                pad_token_id=self._model.tokenizer.pad_token_id or self._model.tokenizer.eos_token_id,
                stopping_criteria=StoppingCriteriaList([Ended()]),
            )
        self._whole = int(found[0, -1]) in self._model.ends


def _waited_for(future: Future[FolderModel], stop: Callable[[], bool]) -> FolderModel:
    while True:
        if stop():
            raise Stopped
        try:
            return future.result(timeout=LOOK_UP_S)
        except TimeoutError:
            if future.done():
                raise
