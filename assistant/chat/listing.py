"""Which documents speak of something? Named by their titles, each with the sentence that says so.

Exact and without any model: a document is named if its title, its headings or the passage hold every word
that was asked about.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from assistant.common.analysis import query_terms, terms
from assistant.common.sentences import split_sentences
from assistant.providers.contract import AnswerSentence, Quote, Source


def documents_naming(what: str, sources: Sequence[Source]) -> Iterator[AnswerSentence]:
    """A sentence a source that names `what`, best first: its title, with the place in its text."""
    asked = set(query_terms(what))
    if not asked:
        return
    for source in sources:
        held = set(terms(f"{source.title}\n{source.heading}\n{source.text}"))
        spans = split_sentences(source.text)
        if not asked <= held or not spans:
            continue
        start, end = max(spans, key=lambda span: len(asked & set(terms(source.text[span[0] : span[1]]))))
        yield AnswerSentence(source.title, (Quote(source.n, start, end),), quoted=True)
