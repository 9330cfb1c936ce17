"""Derives the table of Korean words that comes with the product: `assistant/providers/korean_meaning.npz`.

    pip install -r tests/bench/requirements.txt
    python -m tests.bench.korean_vectors [--out FILE]

Kiwi's contextual n-gram model holds a vector for each morpheme. Its interface tells cosines only, but those
to 400 morphemes give every vector back up to a rotation (they have 256 dimensions), exactly: the greatest
error of 2,000 cosines is told at the end. What all vectors share is taken off (their mean and three
directions, which tell how frequent a word is), and the 64 strongest directions of the rest are kept, in
bytes. Verbs and adjectives are listed in the forms that Kiwi inflects them to.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from assistant.common.analysis import _CUTS
from assistant.guardrails.checks.particles import _ENDINGS as _ENDINGS_LISTED
from assistant.guardrails.checks.particles import _PARTICLES
from assistant.providers.korean_meaning import FILE

Floats = NDArray[np.float64]

ANCHORS = 400
FREQUENT = 40_000  # ids are in the order of frequency: anchors come from these
KEPT = 50_000  # words beyond are names that no two texts share
DIMENSIONS = 64
_OWN = 256  # dimensions of the model
_SHARED = 3  # directions that tell how frequent a word is
_LEARNT = slice(200, 30_000)  # ids from which directions are taken
_RARE = 150  # id from which a word begins to tell something
_ALL = 1_000_000
_CONTENT = frozenset({"NNG", "NNP", "VV", "VA", "XR", "MAG", "NR"})
_INFLECTED = frozenset({"VV", "VA"})
# ending, its tag, and how many syllables of the joined form are the ending's alone
_ENDINGS = (
    ("어", "EC", 0),
    ("ᆫ", "ETM", 0),
    ("ᆯ", "ETM", 0),
    ("ᆷ", "ETN", 0),
    ("었", "EP", 0),
    ("는", "ETM", 1),
    ("니", "EC", 1),
    ("고", "EC", 1),
    ("ᆸ니다", "EF", 2),
)
# Kiwi's own particles and endings come in one form each (을 also for 를), uncontracted: these stand beside.
_MORE_ENDINGS = ("습니다", "합니다", "했", "되", "있", "없", "겠", "시", "였", "이었", "하", "돼")
_JOINED = _CUTS | _PARTICLES | _ENDINGS_LISTED | frozenset(_MORE_ENDINGS)
# Words that ask, point or carry another word: their likeness says nothing.
_EMPTY_LISTED = """
    하 되 있 없 이 무엇 누구 언제 어디 때문 위하 대하 알리 좀 얼마 얼마나 어떻 뭐 왜 또 어떠 보이 궁금 관하
    않 못 말 주
"""
_EMPTY = frozenset(_EMPTY_LISTED.split())


class Morpheme(NamedTuple):
    form: str
    tag: str  # without what follows a hyphen


class Words(NamedTuple):
    """Surface forms with the id of their morpheme, -1 for what carries no meaning, and their costs."""

    ids: Mapping[str, int]
    costs: Mapping[str, float]


def morphemes(kiwi: Any) -> dict[int, Morpheme]:
    """Every morpheme of the model by its id."""
    found = kiwi.most_similar_morphemes(("사랑", "NNG"), top_n=_ALL)
    return {one.id: Morpheme(one.form, one.tag.partition("-")[0]) for one in found}


def vectors(kiwi: Any, ids: list[int]) -> Floats:
    """Unit vectors by id, zeros where there is none, shape (highest id + 1, 256)."""
    draw = random.Random(1)
    anchors = sorted(draw.sample([at for at in ids if at < FREQUENT], ANCHORS))
    cosines = np.full((max(ids) + 1, ANCHORS), np.nan)
    for column, anchor in enumerate(anchors):
        for one in kiwi.most_similar_morphemes(anchor, top_n=_ALL):
            cosines[one.id, column] = one.score if one.score > -2 else np.nan
        cosines[anchor, column] = kiwi.morpheme_similarity(anchor, anchor)
    between = cosines[anchors]
    values, directions = np.linalg.eigh((between + between.T) / 2)
    strongest = np.argsort(-values)[:_OWN]
    known = np.isfinite(cosines).all(axis=1)
    found = np.zeros((len(cosines), _OWN))
    found[known] = cosines[known] @ (directions[:, strongest] / np.sqrt(values[strongest]))
    return found


def centred(full: Floats) -> Floats:
    """What tells words apart, in the strongest directions, of length 1; zeros stay zeros."""
    known = np.any(full != 0, axis=1)
    apart = full - full[known].mean(axis=0)
    shared = np.linalg.svd(apart[_LEARNT], full_matrices=False)[2][:_SHARED]
    apart -= apart @ shared.T @ shared
    apart[~known] = 0
    apart[KEPT:] = 0
    apart = _unit(apart)
    return _unit(apart @ np.linalg.svd(apart[_LEARNT], full_matrices=False)[2][:DIMENSIONS].T)


def _unit(some: Floats) -> Floats:
    return np.asarray(some / np.maximum(np.linalg.norm(some, axis=1, keepdims=True), 1e-9))


def words(kiwi: Any, known: Mapping[int, Morpheme]) -> Words:
    """What a text is cut into. The cost is that of the most frequent reading."""
    first: dict[str, int] = {}
    for at in sorted(known):
        first.setdefault(known[at].form, at)
    ids: dict[str, int] = {}
    costs: dict[str, float] = {}
    for at in sorted(known):
        if at >= KEPT or known[at].tag not in _CONTENT or not _is_hangul(known[at].form):
            continue
        for surface in _surfaces(kiwi, known[at]):
            inflected = surface != known[at].form
            cost = float(np.log(at + 30) + 2.5 + inflected + 2.0 * (len(surface) == 1))
            if cost < costs.get(surface, np.inf):
                ids[surface], costs[surface] = at, cost
    for surface, own in list(ids.items()):
        at = first.get(surface, KEPT)
        if known[own].form in _EMPTY:
            ids[surface] = -1
        elif at < own and known[at].tag not in _CONTENT:
            costs[surface] = float(np.log(at + 30) + 2.5 + 2.0 * (len(surface) == 1))
            ids[surface] = -1
    return Words(ids, costs)


def _surfaces(kiwi: Any, one: Morpheme) -> set[str]:
    if one.tag not in _INFLECTED:
        return {one.form}
    found = {one.form}
    for ending, tag, own in _ENDINGS:
        joined = kiwi.join([(one.form, one.tag), (ending, tag)]).replace(" ", "")
        more = joined.endswith("습니다") and ending == "ᆸ니다"  # after a consonant the ending is longer
        found.add(joined[: len(joined) - own - more])
    return {surface for surface in found if _is_hangul(surface)}


def _is_hangul(text: str) -> bool:
    return bool(text) and all("가" <= character <= "힣" for character in text)


def write(out: Path, found: Words, known: Mapping[int, Morpheme], reduced: Floats) -> int:
    """The file that `korean_meaning.table` reads; how many rows it has."""
    used = sorted({at for at in found.ids.values() if at >= 0 and reduced[at].any()})
    row_of = {at: row for row, at in enumerate(used)}
    surfaces = sorted(found.ids)
    endings = sorted(
        {one.form for one in known.values() if one.tag[:1] in {"J", "E"} and _is_hangul(one.form)} | _JOINED
    )
    highest = np.abs(reduced[used]).max(axis=1, keepdims=True)

    def text(some: list[str]) -> NDArray[np.uint8]:
        return np.frombuffer("\n".join(some).encode(), dtype=np.uint8)

    np.savez_compressed(
        out,
        surfaces=text(surfaces),
        rows=np.array([row_of.get(found.ids[surface], -1) for surface in surfaces], dtype=np.int32),
        costs=np.array([found.costs[surface] for surface in surfaces], dtype=np.float16),
        endings=text(endings),
        forms=text([known[at].form for at in used]),
        vectors=np.round(reduced[used] / highest * 127).astype(np.int8),
        rarity=np.log1p(np.array(used) / _RARE).astype(np.float16),
    )
    return len(used)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=FILE, help="file to write")
    out: Path = parser.parse_args().out
    from kiwipiepy import Kiwi  # noqa: PLC0415 - only installed for this

    begun = time.perf_counter()
    kiwi = Kiwi(num_workers=1)
    known = morphemes(kiwi)
    full = vectors(kiwi, sorted(known))
    draw = random.Random(2)
    pairs = [draw.sample(sorted(known), 2) for _ in range(2000)]
    error = max(abs(kiwi.morpheme_similarity(a, b) - float(full[a] @ full[b])) for a, b in pairs)
    rows = write(out, words(kiwi, known), known, centred(full))
    size, seconds = out.stat().st_size / 1e6, time.perf_counter() - begun
    told = f"{rows:,} words, {size:.1f} MB, greatest error of a cosine {error:.1e}, {seconds:.0f} s"
    print(told, file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
