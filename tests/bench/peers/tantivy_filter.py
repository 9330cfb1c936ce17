"""tantivy: an inverted index with a filter that every answer must pass and that adds nothing to its score.

Its statistics are those of all texts and it rounds their lengths, so its answers are
compared with BM25 over all texts, roughly.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from itertools import pairwise
from pathlib import Path

from tests.bench.index_peers import THREADS, TOP, asked_terms
from tests.bench.index_truth import Tokens
from tests.bench.index_world import Permitted, Question, World

_MEMORY = 512_000_000


class Tantivy:
    """Analysed terms, separated by spaces; frequencies but no positions, which nothing here asks for."""

    def __init__(self, world: World, analysed: Tokens, folder: Path) -> None:
        self._world = world
        self._analysed = analysed
        self._folder = folder
        self._tantivy = import_module("tantivy")

    def build(self) -> None:
        """See `Engine.build`."""
        builder = self._tantivy.SchemaBuilder()
        builder.add_text_field("text", tokenizer_name="terms", index_option="freq")
        builder.add_integer_field("chunk", fast=True)
        builder.add_integer_field("acl", indexed=True)
        builder.add_integer_field("document", indexed=True)
        self._schema = builder.build()
        index = self._tantivy.Index(self._schema, path=str(self._folder))
        whitespace = self._tantivy.TextAnalyzerBuilder(self._tantivy.Tokenizer.whitespace()).build()
        index.register_tokenizer("terms", whitespace)
        writer = index.writer(_MEMORY, THREADS)
        words, numbers = self._analysed.vocabulary, self._analysed.numbers
        for chunk, (low, high) in enumerate(pairwise(self._analysed.starts.tolist())):
            document = int(self._world.owners[chunk])
            writer.add_document(
                self._tantivy.Document(
                    text=" ".join([words[number] for number in numbers[low:high].tolist()]),
                    chunk=chunk,
                    acl=int(self._world.lists[document]),
                    document=document,
                )
            )
        writer.commit()
        writer.wait_merging_threads()
        index.reload()
        self._searcher = index.searcher()

    def permit(self, permitted: Permitted) -> None:
        """See `Engine.permit`."""
        query, occur = self._tantivy.Query, self._tantivy.Occur
        parts = [
            (occur.Should, query.term_set_query(self._schema, column, ids.tolist()))
            for column, ids in (("acl", permitted.lists), ("document", permitted.singles))
            if len(ids)
        ]
        self._filter = (
            None if permitted.everything else query.const_score_query(query.boolean_query(parts), 0.0)
        )

    def search(self, question: Question) -> Sequence[int]:
        """See `Engine.search`."""
        query, occur = self._tantivy.Query, self._tantivy.Occur
        asked = query.boolean_query(
            [
                (occur.Should, query.term_query(self._schema, "text", term, "freq"))
                for term in asked_terms(question)
            ]
        )
        if self._filter is not None:
            asked = query.boolean_query([(occur.Must, self._filter), (occur.Must, asked)])
        hits = self._searcher.search(asked, TOP, count=False).hits
        found = self._searcher.fast_field_values("chunk", [address for _, address in hits])
        return [int(chunk) for chunk in found]
