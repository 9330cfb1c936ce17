"""What do the bundled model's vectors of one language have in common, and what is it worth to take that off?

    python -m tests.bench.language_centres [--data DIR] [--write]

Fits the means that `assistant/providers/language_centres.py` takes off, on the development sets of
`../shared/data/retrieval` and the questions of `../shared/data/safety`: by least squares a vector is a mean
and the text's share of Hangul times a difference, for passages and questions each. Every set counts alike.
`--write` stores them.

Prints Markdown. MRR@10 of vectors alone on each set, as they come and without the means; then on the
sections of the React pages in English and Korean, which nothing was fitted on: a heading or a first
sentence looks for its section in the other language, first among the sections of that language, then, by
how often it is among the best ten, in an index of both.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.common.analysis import hangul_share, language_of
from assistant.providers import language_centres
from assistant.providers.bundled_encoder import BundledEncoder
from assistant.providers.byte_encoder import ByteEncoder
from assistant.providers.contract import Vectors
from assistant.providers.embedders import PASSAGE, QUESTION, bundled_encoder
from assistant.providers.language_centres import LanguageCentres
from tests.bench.retrieval_quality import DEFAULT_SETS, figures, read_set

DATA = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"
MORE_QUESTIONS = ("clinc-train-val", "banking77-train", "naver-square-valid")
EVERY = {"clinc-train-val": 12, "banking77-train": 7, "naver-square-valid": 5}
MOST = 1_500  # texts of a set that are fitted on
DEPTH = 10
_HEADING = re.compile(r"#{1,4} (?P<words>.*?)\{/\*(?P<anchor>.*?)\*/\}\s*$")
_SENTENCE_END = re.compile(r"(?<=[.?!])\s")


@lru_cache(maxsize=1)
def _encoder() -> ByteEncoder | BundledEncoder:
    return bundled_encoder()


@dataclass(frozen=True, slots=True)
class Texts:
    """Texts of one kind and their vectors as the model gives them."""

    texts: Sequence[str]
    rows: Vectors
    are_questions: bool


def embedded(texts: Sequence[str], *, questions: bool) -> Texts:
    """The vectors without anything taken off."""
    prompt = QUESTION if questions else PASSAGE
    rows = _encoder().encode([prompt + text for text in texts], threads=2)
    return Texts(texts, rows, questions)


def fitted(sets: Sequence[Texts]) -> NDArray[np.float32]:
    """The means (2, 2, width): of passages and questions, at no Hangul and at nothing but Hangul."""
    means = []
    for questions in (False, True):
        sides, rows = [], []
        for one in sets:
            if one.are_questions == questions:
                step = max(1, len(one.texts) // MOST)
                shares = np.array([hangul_share(text) for text in one.texts[::step]])
                weight = 1 / np.sqrt(len(shares))
                sides.append(weight * np.column_stack([1 - shares, shares]))
                rows.append(weight * one.rows[::step])
        solved, *_ = np.linalg.lstsq(np.vstack(sides), np.vstack(rows), rcond=None)
        means.append(solved)
    return np.stack(means).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Section:
    """One section of a page in one language."""

    title: str
    heading: str
    text: str

    @property
    def passage(self) -> str:
        return f"{self.title} {self.heading}\n{self.text}"

    @property
    def first(self) -> str:
        return _SENTENCE_END.split(self.text)[0][:200]


def sections(page: str, title: str) -> dict[str, Section]:
    """The sections of a page by the anchors of their headings, without code."""
    found: dict[str, list[str]] = {}
    words: dict[str, str] = {}
    anchor, in_code = "", False
    for line in page.splitlines():
        in_code ^= line.startswith("```")
        if (match := _HEADING.match(line)) and not in_code:
            anchor = match["anchor"]
            words[anchor], found[anchor] = match["words"].strip(), []
        elif anchor and not in_code and not line.startswith("```"):
            found[anchor].append(line)
    return {key: Section(title, words[key], " ".join(lines).strip()[:1000]) for key, lines in found.items()}


def pairs(folder: Path) -> tuple[list[Section], list[Section]]:
    """The sections that stand in both languages, in the same order."""
    english, korean = [], []
    for line in (folder / "pairs.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        ours = sections((folder / row["en"]).read_text("utf-8"), row["title_en"])
        theirs = sections((folder / row["ko"]).read_text("utf-8"), row["title_ko"])
        for anchor, one in ours.items():
            other = theirs.get(anchor)
            if other is not None and len(one.text) > 150 and len(other.text) > 80:
                english.append(one)
                korean.append(other)
    return english, korean


def _mrr(asked: Vectors, passages: Vectors) -> float:
    """Of questions whose passage has the same number."""
    ranks = 1 + (asked @ passages.T > (asked * passages).sum(axis=1, keepdims=True)).sum(axis=1)
    return float(np.where(ranks <= DEPTH, 1 / ranks, 0).mean())


def across(folder: Path, ways: dict[str, LanguageCentres | None]) -> None:
    """Print how well the languages find each other."""
    both = pairs(folder)
    passages = [embedded([s.passage for s in side], questions=False) for side in both]
    print(f"\n### Across languages: {len(both[0])} sections\n")
    print("| asked by | vectors | en finds ko | ko finds en | ko, of both: en among ten | ko among ten |")
    print("|---|---|---|---|---|---|")
    for kind, words in (("heading", attrgetter("heading")), ("first", attrgetter("first"))):
        asked = [embedded([words(one) for one in side], questions=True) for side in both]
        for name, way in ways.items():
            (en, ko), (ask_en, ask_ko) = ([taken(one, way) for one in group] for group in (passages, asked))
            best = np.argsort(-(ask_ko @ np.vstack([en, ko]).T), axis=1)[:, :DEPTH]
            own = np.arange(len(en))[:, None]
            shares = [float((best == place).any(axis=1).mean()) for place in (own, own + len(en))]
            cells = (_mrr(ask_en, ko), _mrr(ask_ko, en), *shares)
            print(f"| {kind} | {name} |", " | ".join(f"{one:.3f}" for one in cells), "|")


def taken(one: Texts, way: LanguageCentres | None) -> Vectors:
    """The vectors, without the means if there are any."""
    return one.rows if way is None else way.taken_off(one.rows, one.texts, questions=one.are_questions)


def main() -> int:
    """Parse the command line, fit, and report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--write", action="store_true", help="store the means in the package")
    options = parser.parse_args()
    if not (options.data / "retrieval").is_dir():
        print(f"No data in {options.data}.", file=sys.stderr)
        return 2
    sets, measured = [], {}
    for name in DEFAULT_SETS:
        passages, questions = read_set(options.data / "retrieval" / name)
        found = embedded([f"{p.title}\n{p.text}" for p in passages], questions=False)
        asked = embedded([q.text for q in questions], questions=True)
        sets += [found, asked]
        measured[name] = (found, asked, questions)
    for name in MORE_QUESTIONS:
        rows = (options.data / "safety" / f"{name}.jsonl").read_text("utf-8").splitlines()
        texts = [json.loads(row)["text"] for row in rows[:: EVERY[name]]]
        sets.append(embedded(texts, questions=True))
    means = fitted(sets)
    ways = {"as they come": None, "without the means": LanguageCentres(means)}
    print("| set | language | as they come | without the means |\n|---|---|---|---|")
    for name, (found, asked, questions) in measured.items():
        scores = []
        for way in ways.values():
            likeness = taken(asked, way) @ taken(found, way).T
            scores.append(figures(np.argsort(-likeness, axis=1)[:, :DEPTH], questions).mrr)
        print(f"| {name} | {language_of(' '.join(asked.texts[:100]))} | {scores[0]:.4f} | {scores[1]:.4f} |")
    across(options.data / "files" / "react-docs", ways)
    if options.write:
        np.savez(Path(language_centres.__file__).with_suffix(".npz"), means=means)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
