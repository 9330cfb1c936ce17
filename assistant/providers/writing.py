"""Answers in a language model's own words, every sentence held against the evidence.

One call a question. The model is told to write from numbered sources and to cite them; what it cites is
checked, not believed (`support`), and a sentence that nothing carries has no quote, which the page shows.
A draft is written line by line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from assistant.providers.contract import (
    AnswerSentence,
    Completions,
    ContextWanted,
    Entailment,
    Message,
    ModelRequest,
    Role,
    Source,
)
from assistant.providers.source_conflicts import conflicts, statements_of
from assistant.providers.source_dates import Dated
from assistant.providers.source_versions import replaced_by
from assistant.providers.support import EvidenceCheck
from assistant.providers.wishes import Scope, Task
from assistant.providers.writing_rules import NO_ANSWER, rules_for
from assistant.providers.written_text import lines_of, sentences_of

_MOST_CHARACTERS = 24_000  # of evidence: some six to ten thousand tokens
_COMPARED, _STATEMENTS = 3, 40  # sources and statements that others are held against
_TAG = re.compile(r"<(?=/?\s*source\b)", re.IGNORECASE)
_PART = re.compile(r"^\W{0,3}§\s?(\d)\W{0,2}\s*")


class WrittenAnswers:
    """A chat model that writes with a language model."""

    def __init__(self, completions: Completions, *, entailment: Entailment | None = None) -> None:
        """`entailment` joins the check of what the model cites; None: words alone decide."""
        self._completions = completions
        self._entailment = entailment

    @property
    def name(self) -> str:
        """The language model's name."""
        return self._completions.name

    @property
    def completions(self) -> Completions:
        """The language model itself."""
        return self._completions

    @property
    def context(self) -> ContextWanted:
        """A model reads well beyond the passage that was found."""
        return ContextWanted.NEIGHBOURS

    def answer(self, request: ModelRequest) -> Iterator[AnswerSentence]:
        """Sentences as they are written; none where the model finds no answer, or has nothing to read.

        Raises:
            ModelUnavailable: the language model failed; what came before stands.
        """
        if request.task is Task.CREATE:
            yield from self._draft(request)
            return
        sources = fitting(request.sources)
        if not sources and request.scope is Scope.COMPANY:
            return
        check = EvidenceCheck(sources, entailment=self._entailment)
        part = 0
        for written in sentences_of(self._asked(request, sources)):
            text = written.text
            if request.parts and (mark := _PART.match(text)):
                part = min(int(mark.group(1)), len(request.parts))
                text = text[mark.end() :].strip()
            if text.startswith(NO_ANSWER):
                if not part:
                    return
                yield AnswerSentence("", (), part=part)
            elif text:
                quotes = check.support(text, written.cited).quotes if sources else ()
                general = request.scope is Scope.GENERAL and not quotes and not written.cited
                yield AnswerSentence(text, quotes, part=part, general=general)

    def _draft(self, request: ModelRequest) -> Iterator[AnswerSentence]:
        """The lines of a draft as they are written, each with the places that carry it."""
        sources = fitting(request.sources)
        check = EvidenceCheck(sources, entailment=self._entailment)
        for line in lines_of(self._asked(request, sources)):
            quotes = check.support(line.text, line.cited).quotes if sources else ()
            yield AnswerSentence(line.text, quotes)

    def _asked(self, request: ModelRequest, sources: Sequence[Source]) -> Iterator[str]:
        return self._completions.complete(messages_for(request, sources), stop=request.stop)


def fitting(sources: Sequence[Source]) -> tuple[Source, ...]:
    """The best sources that fit into a request; the first one always."""
    kept: list[Source] = []
    left = _MOST_CHARACTERS
    for source in sources:
        if kept and len(source.text) > left:
            break
        kept.append(source)
        left -= len(source.text)
    return tuple(kept)


def messages_for(request: ModelRequest, sources: Sequence[Source]) -> list[Message]:
    """What the model is told. Neither a document nor a wish can end its own frame."""
    framed = "\n\n".join(_framed(source) for source in sources)
    question = f"{'Wanted' if request.task is Task.CREATE else 'Question'}: {request.question}"
    told = (framed, findings(request.question, sources), question)
    return [
        Message(Role.SYSTEM, rules_for(request)),
        *request.history,
        Message(Role.USER, "\n\n".join(part for part in told if part)),
    ]


def _framed(source: Source) -> str:
    part = f' part="{source.part}"' if source.part else ""
    title = _inside(_heading(source))
    dated = "".join(f' {name}="{day}"' for name, day in _dates(source) if day)
    return f'<source n="{source.n}"{part}{dated} title="{title}">\n{_inside(source.text)}\n</source>'


def _dates(source: Source) -> tuple[tuple[str, str], ...]:
    """Since when and until when the source says that it holds, and another date where it says neither."""
    dates = source.standing.dates
    other = "" if dates.dated in (Dated.EFFECTIVE, Dated.UNKNOWN) else dates.dated.value
    return (("since", dates.since), ("until", dates.until), (other, dates.day if other else ""))


def findings(question: str, sources: Sequence[Source]) -> str:
    """Which source replaces which, and which disagree: Mundap's findings, as data for the model."""
    found = [
        f"Source {new.n} replaces source {old.n}: answer from {new.n}, unless the older one is asked for."
        for old in sources
        for new in sources
        if new.n != old.n and replaced_by(old, new)
    ]
    first = [one for at, source in enumerate(sources[:_COMPARED]) for one in statements_of(source, at)]
    for found_one in conflicts(question, sources, first[:_STATEMENTS]):
        numbers = sorted({sources[one.source].n for one in (found_one.one, found_one.other)})
        found.append(f"Sources {numbers[0]} and {numbers[-1]} disagree: give both values, with their dates.")
    return "\n".join(dict.fromkeys(found))


def _heading(source: Source) -> str:
    return " › ".join(filter(None, (source.title, source.heading))).replace('"', "'").replace("\n", " ")


def _inside(text: str) -> str:
    return _TAG.sub("‹", text)
