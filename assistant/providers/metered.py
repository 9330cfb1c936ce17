"""What a call to a language model took, told once however it ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

from assistant.common.pace import Stopped
from assistant.providers.call_failed import CallFailed
from assistant.providers.contract import CountingCompletions, Message, Outcome, Tokens, Usage, never

# What common tokenizers make of text: four characters of English a token, one and a half of Korean.
_ASCII_A_TOKEN, _OTHERS_A_TOKEN = 4.0, 1.5
_FRAME = 4  # tokens around each message


class Metered:
    """A language model whose calls are accounted for: the outermost of what stands around one."""

    def __init__(self, completions: CountingCompletions, spent: Callable[[Usage], None]) -> None:
        self._completions = completions
        self._spent = spent

    @property
    def name(self) -> str:
        """The language model's name."""
        return self._completions.name

    def complete(self, messages: Sequence[Message], *, stop: Callable[[], bool] = never) -> Iterator[str]:
        """See `Completions`.

        Raises:
            CallFailed: as the language model has it.
        """
        call = _Call(messages)
        try:
            for piece in self._completions.complete(messages, stop=stop, counted=call.count):
                call.add(piece)
                yield piece
            call.outcome = Outcome.DONE
        except Stopped:
            return
        except CallFailed as error:
            call.outcome = error.outcome
            raise
        finally:
            self._spent(call.usage())


class _Call:
    """One call as it goes on. Until something else is known its reader has stopped it."""

    def __init__(self, messages: Sequence[Message]) -> None:
        self._began = time.perf_counter()
        self._messages = messages
        self._first: float | None = None
        self._counted: Tokens | None = None
        self._written: list[str] = []
        self.outcome = Outcome.STOPPED

    def add(self, piece: str) -> None:
        if self._first is None:
            self._first = time.perf_counter()
        self._written.append(piece)

    def count(self, tokens: Tokens) -> None:
        self._counted = tokens

    def usage(self) -> Usage:
        tokens = self._counted or self._estimated()
        return Usage(
            input_tokens=tokens.read,
            output_tokens=tokens.written,
            estimated=self._counted is None,
            ms=_ms(time.perf_counter() - self._began),
            first_token_ms=None if self._first is None else _ms(self._first - self._began),
            outcome=self.outcome.value,
        )

    def _estimated(self) -> Tokens:
        """Of a call that got no answer nothing is known to have been read."""
        if self._first is None and self.outcome not in (Outcome.DONE, Outcome.STOPPED):
            return Tokens(0, 0)
        read = sum(estimated_tokens(each.text) + _FRAME for each in self._messages)
        return Tokens(read, estimated_tokens("".join(self._written)))


def estimated_tokens(text: str) -> int:
    """About how many tokens a text has: right within a half for English and Korean."""
    plain = sum(character.isascii() for character in text)
    return round(plain / _ASCII_A_TOKEN + (len(text) - plain) / _OTHERS_A_TOKEN)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
