"""What a message may be: visible text that ends. A server may take no notice of the limit it was given."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from assistant.common.told import told
from assistant.providers.call_failed import CallFailed
from assistant.providers.contract import CountingCompletions, Message, Outcome, Tokens, never, uncounted
from assistant.providers.harmless import harmless

_CHARACTERS_A_TOKEN = 12  # far more than any tokenizer's mean
_READ = 1_200  # characters of the end in which a repetition is looked for
_REPEATED = 600  # characters that are the same over and over
_TIMES = 6
_EVERY = 200  # new characters between two looks


class Bounded:
    """A language model whose messages are legible and end: by length, or once they only repeat themselves."""

    def __init__(self, completions: CountingCompletions, *, most_tokens: int) -> None:
        self._completions = completions
        self._most = most_tokens * _CHARACTERS_A_TOKEN

    @property
    def name(self) -> str:
        """The language model's name."""
        return self._completions.name

    def complete(
        self,
        messages: Sequence[Message],
        *,
        stop: Callable[[], bool] = never,
        counted: Callable[[Tokens], None] = uncounted,
    ) -> Iterator[str]:
        """See `CountingCompletions`.

        Raises:
            CallFailed: the message has no end, or the call failed.
            Stopped: while it was waited for.
        """
        written, unseen, end = 0, 0, ""
        for came in self._completions.complete(messages, stop=stop, counted=counted):
            piece = harmless(came)
            written += len(came)
            unseen += len(piece)
            end = (end + piece)[-_READ:]
            if written > self._most:
                raise CallFailed(
                    told("The model '{model}' does not stop writing and was cut off.", model=self.name),
                    Outcome.ENDLESS,
                )
            if piece:
                yield piece
            if unseen >= _EVERY:
                unseen = 0
                if repeats(end):
                    raise CallFailed(
                        told(
                            "The model '{model}' wrote the same words over and over and was cut off.",
                            model=self.name,
                        ),
                        Outcome.ENDLESS,
                    )


def repeats(text: str) -> bool:
    """Whether the last 600 characters or more say one thing six times or more in a row.

    By the borders of the reversed text (Knuth, Morris and Pratt): linear in its length.
    """
    back = text[::-1]
    border = [0] * len(back)
    for at in range(1, len(back)):
        known = border[at - 1]
        while known and back[at] != back[known]:
            known = border[known - 1]
        border[at] = known + (back[at] == back[known])
        length = at + 1
        if length >= _REPEATED and length >= _TIMES * (length - border[at]):
            return True
    return False
