"""What can be counted about each sentence of the evidence, as numbers from which `answer_weights` judges it.

All of it is counted inside the sources at hand: a word is rare when few of *their* sentences or
passages use it. So the ranking can depend on nothing that the viewer may not read. A number that has no
meaning for a sentence is 0.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from assistant.common.analysis import terms
from assistant.providers.contract import Source
from assistant.providers.meaning_features import MEANING, meaning_features
from assistant.providers.question_relations import relations_of, share_told
from assistant.providers.question_type import Kind, Question, answers_of_kind
from assistant.providers.sentence_ranking import FOUND, Evidence, Floats, Sentence, key_match

_COVERAGE = (
    "coverage",  # share of the question's words in the sentence, weighted by rarity among the sentences
    "coverage_titled",  # ... in the sentence, its title and heading
    "coverage_near",  # ... and in the sentences before and after it
    "coverage_passage",  # ... anywhere in its passage or its title
    "coverage_plain",  # the same four, every word alike
    "titled_plain",
    "near_plain",
    "passage_plain",
    "coverage_apart",  # the same four, weighted by rarity among the passages
    "titled_apart",
    "near_apart",
    "passage_apart",
)
_BEHIND = tuple(f"{name}_behind" for name in _COVERAGE)  # how far behind the best sentence's
_WORDS = (
    "names",  # share of names and numbers in the sentence or its title
    "names_here",  # ... in the sentence alone
    "pairs",  # share of neighbouring question words that are neighbours here too
    "in_order",  # share of the question's words that stand here in its order
    "predicate",  # the last plain word of the question
    "focus",  # the noun asked for: "which *country*", "*수도*는 어디"
    "first_word",  # the question's first telling word, in the sentence or what heads it
    "first_word_here",
    "second_word",
    "last_word",
    "weakest_word",  # how far the word is held that the sentence and what heads it hold least
    "weakest_near",
    "headed",  # share of the question's words in the title and headings
    "before",  # share of them in the sentence before, and in the next one
    "after",
    "about",  # share of the title's terms that the question names
    "subject",  # share of the question's words found that stand among the first words of the sentence
    "defines",  # the question asks what something is, and the sentence opens its passage with that word
    "density",  # weight of the words found for the length of the sentence
    "told",  # share of the relations asked for that the sentence speaks of
    "untold",  # share of them that it does not speak of
    "told_near",  # the best of its neighbours
    "years",  # +1: holds a year of the question, -1: only others
)
_ANSWERS = (
    "person",  # +1: holds something of the kind asked for, -1: does not; 0: another kind is asked for
    "date",
    "number",
    "place",
    "reason",
    "how_many",  # things of that kind, up to 4, as a share of 4
    "answer_near",  # how near the best of them stands to the question's words
    "answer_near_focus",
)
_ASKED = (
    "asks_person",  # 1 for the kind of the question
    "asks_date",
    "asks_number",
    "asks_place",
    "asks_reason",
    "asks_other",
    "asks_what",
    "asks_yes_or_no",
    "asks_relation",
    "asks_long",  # number of telling words
    "asks_korean",
)
_SHAPE = (
    "length",
    "short",
    "asks",
    "opens",  # first sentence of its passage
    "position",  # 1, 1/2, 1/3, ... in its passage
    "ends",  # last sentence of its passage
    "alone",  # 1 / number of sentences in its passage
    "row",  # a table row
    "points_back",  # opens with a pronoun
    "figures",
    "years_told",
    "capitals",
    "brackets",
    "commas",
    "new_words",  # share of its terms that the question does not have
    "other_language",
)
_PASSAGE = (
    "rank",  # of its passage, 1, 1/2, 1/3, ...
    "score",  # of its passage, for the best one
    "same_title",  # share of the sources with its title
)
_NEARNESS = (
    "cosine",  # to the question; 0 without an embedder, like the rest of these
    "cosine_behind",  # how far behind the best one
    "cosine_rank",
    "cosine_before",
    "cosine_after",
    "cosine_passage",  # best of its passage
    "cosine_mean",
)
FEATURES = (
    *_COVERAGE,
    *_BEHIND,
    *_WORDS,
    *_ANSWERS,
    *_ASKED,
    *_SHAPE,
    *_PASSAGE,
    *_NEARNESS,
    *MEANING,
)
AT = {name: column for column, name in enumerate(FEATURES)}

_GAP = 3  # words between two that still count as neighbours
_FIRST_TERMS = 6
_LONG_QUESTION = 4  # words: a longer one asks for more than what something is
_HEADED = 0.9  # what a word in the title counts of one in the sentence
_BEFORE, _AFTER = (
    0.8,
    0.5,
)  # the same for a word of the sentence before and of the next one: pronouns point back
_NEAR = 12.0  # characters between a word of the question and an answer at which their nearness is a half
_LEAST_RARITY = 0.2

_YES_OR_NO = re.compile(
    r"^\W*(?:is|are|was|were|do|does|did|can|could|has|have|had|will|would|should|may|must|am)\b"
    r"|(?:나요|까|까요|가요|니까|는가|은가|죠|지요)\W*$"
)
_POINTS_BACK = re.compile(
    r"^\W*(?:he|she|it|they|his|her|its|their|this|these|that|those|such|there|here|then|however|also"
    r"|그는|그의|그가|그녀|이는|이것|이러한|이들|그들|이곳|당시|이후|또한|그러나|하지만|그리고|그런데|이때|이로)\b",
    re.IGNORECASE,
)
_YEAR = re.compile(r"(?<!\d)(?:1\d{3}|20\d\d)(?!\d)")
_FIGURE = re.compile(r"\d[\d,.]*")
_CAPITAL = re.compile(r"\b[A-Z]\w+")


def features(evidence: Evidence) -> Floats:
    """One row a sentence, one column for each of FEATURES; `compare` adds what vectors say."""
    sentences = evidence.sentences
    table = np.zeros((len(sentences), len(FEATURES)))
    if not sentences or not evidence.question.words:
        return table
    owner = np.array([sentence.source for sentence in sentences])
    _cover(table, evidence, owner)
    _hold_words(table, evidence)
    _answer(table, evidence, owner)
    _ask(table, evidence.question)
    _shape(table, evidence, owner)
    _place(table, evidence, owner)
    table[:, AT[MEANING[0]] :] = meaning_features(evidence)
    return table


def compare(table: Floats, evidence: Evidence, cosines: Floats) -> Floats:
    """The table with the cosine of each sentence to the question, and what follows from it."""
    table = table.copy()
    owner = np.array([sentence.source for sentence in evidence.sentences])
    _compare(table, owner, cosines)
    return table


def _cover(table: Floats, evidence: Evidence, owner: NDArray[np.int64]) -> None:
    found, heads, words = evidence.found, evidence.heads, evidence.question.words
    titled = np.maximum(found, _HEADED * heads)
    near = _near(titled, found, owner, evidence.sentences)
    passages = np.zeros((len(evidence.sources), len(words)))
    np.maximum.at(passages, owner, titled)
    plain = np.array([word.weight for word in words])
    held = (passages >= FOUND).sum(axis=0)
    apart = np.maximum(_LEAST_RARITY, np.log((len(evidence.sources) + 1) / (held + 0.5))) * plain
    layers = (found, titled, near, passages[owner])
    for block, weights in enumerate((evidence.weights, plain, apart)):
        total = max(float(weights.sum()), 1e-9)
        for layer, values in enumerate(layers):
            table[:, 4 * block + layer] = values @ weights / total
    table[:, len(_COVERAGE) : 2 * len(_COVERAGE)] = table[:, : len(_COVERAGE)] - table[
        :, : len(_COVERAGE)
    ].max(axis=0)
    table[:, AT["weakest_word"]] = titled.min(axis=1)
    table[:, AT["weakest_near"]] = near.min(axis=1)
    special = [at for at, word in enumerate(words) if word.is_name or word.is_number]
    if special:
        table[:, AT["names"]] = titled[:, special].mean(axis=1)
        table[:, AT["names_here"]] = found[:, special].mean(axis=1)
    same = owner[1:] == owner[:-1]
    table[1:, AT["before"]] = table[:-1, AT["coverage"]] * same
    table[:-1, AT["after"]] = table[1:, AT["coverage"]] * same
    table[:, AT["first_word"]] = titled[:, 0]
    table[:, AT["first_word_here"]] = found[:, 0]
    table[:, AT["second_word"]] = titled[:, min(1, len(words) - 1)]
    table[:, AT["last_word"]] = found[:, -1]
    table[:, AT["headed"]] = heads @ plain / plain.sum()


def _near(titled: Floats, found: Floats, owner: NDArray[np.int64], sentences: Sequence[Sentence]) -> Floats:
    """Words of the neighbours count most of a word."""
    near = titled.copy()
    same = (owner[1:] == owner[:-1]) & _next_speaks_on(sentences)
    near[1:][same] = np.maximum(near[1:][same], _BEFORE * found[:-1][same])
    near[:-1][same] = np.maximum(near[:-1][same], _AFTER * found[1:][same])
    return near


def _next_speaks_on(sentences: Sequence[Sentence]) -> NDArray[np.bool_]:
    """Not where another section begins, and no row speaks of the row before it."""
    return np.array(
        [
            one.piece.section == next_.piece.section and not (one.is_row and next_.is_row)
            for one, next_ in pairwise(sentences)
        ],
        dtype=bool,
    )


def _hold_words(table: Floats, evidence: Evidence) -> None:
    question, found = evidence.question, evidence.found
    for name, at in (("predicate", question.predicate), ("focus", question.focus)):
        if at is not None:
            table[:, AT[name]] = found[:, at]
    sizes = np.array([len(sentence.terms) for sentence in evidence.sentences]) + 1.0
    table[:, AT["density"]] = found @ evidence.weights / np.sqrt(sizes) / 4
    table[:, AT["length"]] = np.log(sizes) / 4
    keys = [word.keys for word in question.words]
    asked = frozenset[str]().union(*keys)
    of_word: dict[str, list[int]] = {}
    for at, own in enumerate(keys):
        for key in own:
            of_word.setdefault(key, []).append(at)
    years = set(_YEAR.findall(question.text))
    for row, sentence in zip(table, evidence.sentences, strict=True):
        places = [(at, of_word[term]) for at, term in enumerate(sentence.terms) if term in of_word]
        row[AT["pairs"]] = _pairs(places, len(keys))
        row[AT["in_order"]] = _in_order(places, len(keys))
        first = {at for place, own in places if place < _FIRST_TERMS for at in own}
        row[AT["subject"]] = len(first) / len(keys)
        held = frozenset(sentence.terms)
        row[AT["new_words"]] = len(held - asked) / max(len(held), 1)
        if years:
            told = set(_YEAR.findall(sentence.text))
            row[AT["years"]] = 1.0 if told & years else -float(bool(told))


Places = Sequence[tuple[int, Sequence[int]]]


def _pairs(places: Places, words: int) -> float:
    """Share of neighbouring question words that stand close together, in this order, in the sentence."""
    if words < 2:  # noqa: PLR2004 - one word has no neighbour
        return 0.0
    last, close = dict[int, int](), set[int]()
    for place, own in places:
        close.update(at for at in own if at and place - last.get(at - 1, -99) in range(1, _GAP + 1))
        last.update((at, place) for at in own)
    return len(close) / (words - 1)


def _in_order(places: Places, words: int) -> float:
    """The longest run of question words, as a share of them, that stand in the question's order here."""
    best = [0] * (words + 1)
    for _, own in places:
        for at in sorted(own, reverse=True):
            best[at + 1] = max(best[at + 1], max(best[: at + 1]) + 1)
    return max(best) / words


def _answer(table: Floats, evidence: Evidence, owner: NDArray[np.int64]) -> None:
    question = evidence.question
    relations = relations_of(question.text)
    stems = [word.stem for word in question.words]
    focus = question.words[question.focus].stem if question.focus is not None else ""
    for row, sentence in zip(table, evidence.sentences, strict=True):
        if relations:
            row[AT["told"]] = share_told(relations, sentence.folded)
            row[AT["untold"]] = 1.0 - row[AT["told"]]
        if question.kind is Kind.OTHER:
            continue
        spans = answers_of_kind(question, sentence.text, sentence.folded)
        row[AT[question.kind.value]] = 1.0 if spans else -1.0
        row[AT["how_many"]] = min(len(spans), 4) / 4
        if spans:
            row[AT["answer_near"]] = _nearness(spans, [_spans(sentence.folded, stem) for stem in stems])
            row[AT["answer_near_focus"]] = _nearness(spans, [_spans(sentence.folded, focus)] if focus else [])
    same = owner[1:] == owner[:-1]
    told = table[:, AT["told"]]
    table[1:, AT["told_near"]] = told[:-1] * same
    table[:-1, AT["told_near"]] = np.maximum(table[:-1, AT["told_near"]], told[1:] * same)


Spans = Sequence[tuple[int, int]]


def _spans(text: str, word: str) -> Spans:
    found: list[tuple[int, int]] = []
    at = text.find(word)
    while at >= 0:
        found.append((at, at + len(word)))
        at = text.find(word, at + 1)
    return found


def _nearness(answers: Spans, words: Sequence[Spans]) -> float:
    """For the best of `answers`: the mean over the words that are there of 1 / (1 + distance / _NEAR)."""
    there = [spans for spans in words if spans]
    if not there:
        return 0.0
    return max(
        sum(
            1.0 / (1.0 + min(max(start - right, left - end, 0) for left, right in spans) / _NEAR)
            for spans in there
        )
        / len(there)
        for start, end in answers
    )


def _ask(table: Floats, question: Question) -> None:
    yes_or_no = question.kind is Kind.OTHER and _YES_OR_NO.search(question.text.casefold()) is not None
    table[:, AT[f"asks_{question.kind.value}"]] = 1.0
    table[:, AT["asks_what"]] = float(question.asks_what_it_is)
    table[:, AT["asks_yes_or_no"]] = float(yes_or_no and not question.asks_what_it_is)
    table[:, AT["asks_relation"]] = float(bool(relations_of(question.text)))
    table[:, AT["asks_long"]] = min(len(question.words), 12) / 12
    table[:, AT["asks_korean"]] = float(question.language == "ko")


def _shape(table: Floats, evidence: Evidence, owner: NDArray[np.int64]) -> None:
    counts = np.bincount(owner, minlength=len(evidence.sources))
    first = (np.cumsum(counts) - counts)[owner]
    place = np.arange(len(owner)) - first
    table[:, AT["position"]] = 1.0 / (place + 1.0)
    table[:, AT["ends"]] = place == counts[owner] - 1
    table[:, AT["alone"]] = 1.0 / counts[owner]
    for row, sentence in zip(table, evidence.sentences, strict=True):
        text = sentence.text
        row[AT["short"]] = float(not sentence.is_prose)
        row[AT["asks"]] = float(text.endswith(("?", "？")))
        row[AT["opens"]] = float(sentence.start == 0)
        row[AT["row"]] = float(sentence.is_row)
        row[AT["points_back"]] = float(_POINTS_BACK.match(text) is not None)
        row[AT["figures"]] = min(len(_FIGURE.findall(text)), 5) / 5
        row[AT["years_told"]] = min(len(_YEAR.findall(text)), 3) / 3
        row[AT["capitals"]] = min(len(_CAPITAL.findall(text)), 8) / 8
        row[AT["brackets"]] = float("(" in text)
        row[AT["commas"]] = min(text.count(","), 6) / 6
        row[AT["other_language"]] = float(sentence.language != evidence.question.language)


def _place(table: Floats, evidence: Evidence, owner: NDArray[np.int64]) -> None:
    question, sources = evidence.question, evidence.sources
    scores = np.array([max(source.score, 0.0) for source in sources])
    best = float(scores.max())
    table[:, AT["about"]] = np.array([_about(question, source) for source in sources])[owner]
    table[:, AT["rank"]] = 1.0 / (owner + 1.0)
    table[:, AT["score"]] = scores[owner] / best if best > 0 else 0.0
    titles = [source.title for source in sources]
    table[:, AT["same_title"]] = np.array([titles.count(title) for title in titles])[owner] / len(titles)
    if question.asks_what_it_is and len(question.words) < _LONG_QUESTION:
        headed = np.array([key_match(question, sentence.piece.key) for sentence in evidence.sentences])
        table[:, AT["defines"]] = np.maximum(table[:, AT["opens"]], headed) * table[:, AT["subject"]]


def _about(question: Question, source: Source) -> float:
    titled = frozenset(terms(source.title))
    asked = frozenset(terms(question.text))
    return len(titled & asked) / len(titled) if titled else 0.0


def _compare(table: Floats, owner: NDArray[np.int64], cosines: Floats) -> None:
    same = owner[1:] == owner[:-1]
    table[:, AT["cosine"]] = cosines
    table[:, AT["cosine_behind"]] = cosines - cosines.max()
    table[:, AT["cosine_rank"]] = 1.0 / (1.0 + np.argsort(np.argsort(-cosines, kind="stable"), kind="stable"))
    table[1:, AT["cosine_before"]] = cosines[:-1] * same
    table[:-1, AT["cosine_after"]] = cosines[1:] * same
    for source in np.unique(owner):
        own = owner == source
        table[own, AT["cosine_passage"]] = cosines[own].max()
        table[own, AT["cosine_mean"]] = cosines[own].mean()
