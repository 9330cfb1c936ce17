"""Tables in text: CSV and TSV with a sniffed delimiter."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from assistant.common.errors import DocumentFailure, FailureCode
from assistant.common.told import told
from assistant.ingest.parsers.blocks import BlockList, clean
from assistant.ingest.parsers.contract import Parsed
from assistant.ingest.parsers.decoding import read_text

MAX_CELL = 1_000_000
_DELIMITERS = (",", "\t", ";", "|")
_SAMPLE_LINES = 50


def parse(path: Path) -> Parsed:
    """Parse one table; its first row is the header."""
    text = clean(read_text(path))
    blocks = BlockList()
    blocks.table(_rows(text, sniff(text)))
    return blocks.parsed()


def sniff(text: str) -> str:
    """The delimiter that splits the first lines into the most even rows of at least two cells."""
    best, best_score = ",", 0.0
    sample = list(islice(_lines(text), _SAMPLE_LINES))
    for delimiter in _DELIMITERS:
        try:
            widths = [len(row) for row in csv.reader(sample, delimiter=delimiter) if row]
        except csv.Error:
            continue
        if not widths:
            continue
        common = max(set(widths), key=widths.count)
        score = widths.count(common) / len(widths) + min(common, 20) / 1_000 if common > 1 else 0.0
        if score > best_score:
            best, best_score = delimiter, score
    return best


def _rows(text: str, delimiter: str) -> Iterator[list[str]]:
    csv.field_size_limit(MAX_CELL)
    try:
        yield from csv.reader(_lines(text), delimiter=delimiter)
    except csv.Error as error:
        raise DocumentFailure(
            FailureCode.CORRUPT, told("the table cannot be read: {error}", error=error)
        ) from error


def _lines(text: str) -> Iterator[str]:
    start = 0
    while start < len(text):
        end = text.find("\n", start) + 1 or len(text)
        yield text[start:end]
        start = end
