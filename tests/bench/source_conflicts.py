"""Which sources that disagree are found, which are falsely accused, and which versions are told apart?

    python -m tests.bench.source_conflicts [--data DIR] [--half learnt|held-out] [--most N] [--show N]

Prints Markdown. A question of a public set, its gold passage, and a twin of it that a seeded program made
stand among passages of the same set that share most words with the question. The sentence with the gold
answer is what an answer cites. In the twin:

- `value`: the answer's figure, date or amount is another one, word for word otherwise;
- `reworded`: the same, with an opening put in, a subordinate clause left out and other verbs;
- `denied`: the sentence denies what it affirmed.

Nothing may be found where the twin is a plain copy (`copy`), where a value of another kind than asked for
was changed (`elsewhere`), where a name was changed too (`other name`), where the twin's title is of another
year (`other year`), and where there is no twin at all (`none`), with every sentence of the gold passage cited
in turn (`any sentence`). Where another value of the kind asked for was changed (`beside`), the sources
disagree on what the answer quotes though not on what was asked; it counts as neither. Rules are tuned on the
learnt half of the documents.

Versions are made of openings as companies write them, in both languages, with pairs that are none.
"""

from __future__ import annotations

import argparse
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from assistant.common.analysis import language_of, normalise, query_terms, terms
from assistant.providers.contract import Source
from assistant.providers.question_type import Kind, question_of
from assistant.providers.source_conflicts import OF_KIND, Statement, conflicts, statements_of
from assistant.providers.source_dates import DocumentHead, standing_of
from assistant.providers.source_versions import replaced_by
from assistant.providers.stated_values import values_of
from tests.bench.answer_cases import LANGUAGES, SHARED, Asked, Passage, load, plain

SETS = ("squad2-dev", "tydiqa-en-train", "tydiqa-ko-train")
AROUND = 7
TWINS = ("value", "reworded", "denied")
BESIDE = "beside"
FALSE = ("copy", "elsewhere", "other name", "other year", "none", "any sentence")
_NUMBER = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")
_NAME = re.compile(r"(?<=[a-z,] )[A-Z][a-z]{3,}")
_NAMES = ("Bergen", "Tartu", "Ostrava", "Leipzig", "Porto")
_TODAY = date(2026, 11, 22)
_AFFIRMED = {
    "en": ((" is ", " is not "), (" was ", " was not "), (" are ", " are not "), (" were ", " were not ")),
    "ko": (
        ("이다.", "이 아니다."),
        ("있다.", "없다."),
        ("하였다.", "하지 않았다."),
        ("했다.", "하지 않았다."),
        ("한다.", "하지 않는다."),
        ("되었다.", "되지 않았다."),
        ("된다.", "되지 않는다."),
    ),
}
_REWORDED = {
    "en": (
        (" was ", " had been "),
        (" began ", " started "),
        (" over ", " above "),
        (" because ", " since "),
    ),
    "ko": (("하였다", "했다"), ("되었다", "됐다"), ("이며", "이고"), ("그리고 ", "")),
}
_OPENED = {"en": "According to the minutes, ", "ko": "회의록에 따르면 "}


@dataclass(frozen=True, slots=True)
class Made:
    """A question, its sources, and the statement of the first one that an answer cites."""

    kind: str
    language: str
    question: str
    sources: tuple[Source, ...]
    cited: tuple[Statement, ...]


class Nearby:
    """The passages of a set that share most words with a question."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self._passages = passages
        self._holding: dict[str, list[int]] = defaultdict(list)
        for at, passage in enumerate(passages):
            for term in set(terms(f"{passage.title} {passage.text}")):
                self._holding[term].append(at)

    def of(self, question: str, gold: frozenset[str]) -> list[Passage]:
        """The best that are not gold."""
        worth: Counter[int] = Counter()
        for term in set(query_terms(question)):
            for at in self._holding.get(term, ()):
                worth[at] += 1_000_000 // len(self._holding[term])
        best = (self._passages[at] for at, _ in worth.most_common(4 * AROUND))
        return [passage for passage in best if passage.id not in gold][:AROUND]


def made_cases(name: str, folder: Path, *, held_out: bool, most: int) -> Iterator[Made]:
    """The cases of one set."""
    passages, asked = load(folder, name)
    known = {passage.id: passage for passage in passages}
    nearby = Nearby(passages)
    questions = [one for one in asked if one.gold and one.held_out == held_out][:most]
    for one in questions:
        chance = random.Random(one.id)
        gold = known[min(one.gold)]
        around = tuple(Source(0, p.title, "", p.text) for p in nearby.of(one.text, one.gold))
        yield from _of_question(one, gold, around, LANGUAGES[name], chance)


def _of_question(
    asked: Asked, gold: Passage, around: tuple[Source, ...], language: str, chance: random.Random
) -> Iterator[Made]:
    own = Source(0, gold.title, "", gold.text)
    statements = statements_of(own, 0)
    holding = [
        one for one in statements if any(plain(answer) in plain(one.shown) for answer in asked.answers)
    ]

    def case(kind: str, twin: Source | None, cited: Sequence[Statement]) -> Made:
        others = [*around, twin] if twin is not None else list(around)
        chance.shuffle(others)
        return Made(kind, language, asked.text, (own, *others), tuple(cited))

    yield case("any sentence", None, statements)
    if not holding:
        return
    sentence = holding[0]
    cited = [sentence]
    yield case("none", None, cited)
    yield case("copy", _twin(own, sentence, gold.text[sentence.start : sentence.end], chance), cited)
    written = gold.text[sentence.start : sentence.end]
    if (denied := _denied(written, language)) is not None:
        yield case("denied", _twin(own, sentence, denied, chance), cited)
    answer = next((one for one in asked.answers if one in written and len(values_of(one)) == 1), None)
    if answer is None or (other := _other_value(answer, chance)) is None:
        return
    changed = written.replace(answer, other)
    twin = _twin(own, sentence, changed, chance)
    yield case("value", twin, cited)
    yield case("reworded", _twin(own, sentence, _reworded(changed, language), chance), cited)
    first, second = replace(own, title=f"{own.title} 2024"), replace(twin, title=f"{own.title} 2025")
    yield Made("other year", language, asked.text, (first, second, *around), tuple(cited))
    if (named := _renamed(changed, asked.text, chance)) is not None:
        yield case("other name", _twin(own, sentence, named, chance), cited)
    for kind, beside in _beside(asked.text, written, answer, chance):
        yield case(kind, _twin(own, sentence, beside, chance), cited)


def _beside(question: str, written: str, answer: str, chance: random.Random) -> Iterator[tuple[str, str]]:
    """The sentence with another value changed than that of the answer: of a kind asked for, or of none."""
    start = normalise(written).find(normalise(answer))
    if len(normalise(written)) != len(written) or start < 0:
        return
    wanted = OF_KIND.get(question_of(question, language_of(question)).kind, OF_KIND[Kind.OTHER])
    for value in values_of(written):
        changed = _other_value(written[value.start : value.end], chance)
        if changed is not None and (value.end <= start or value.start >= start + len(answer)):
            kind = "beside" if value.kind in wanted else "elsewhere"
            yield kind, written[: value.start] + changed + written[value.end :]
            return


def _twin(own: Source, sentence: Statement, written: str, chance: random.Random) -> Source:
    """The passage with another sentence, a part of the others, and another title."""
    rest = [one for one in statements_of(own, 0) if one.start != sentence.start and chance.random() < 0.6]
    at = chance.randint(0, len(rest))
    texts = [own.text[one.start : one.end] for one in rest]
    return Source(0, own.title, "", " ".join([*texts[:at], written, *texts[at:]]))


def _other_value(text: str, chance: random.Random) -> str | None:
    """The text with its first number changed a little, years by some years."""
    found = _NUMBER.search(text)
    if found is None:
        return None
    figure = found.group().replace(",", "")
    whole = int(figure.partition(".")[0])
    step = chance.choice((1, 2, 3)) if whole < 32 else chance.randint(2, max(3, min(whole // 5, 40)))
    other = whole + (step if whole + step not in (13, 32) else -1)
    shown = f"{other:,}" if "," in found.group() else str(other)
    return text[: found.start()] + shown + figure[len(str(whole)) :] + text[found.end() :]


def _reworded(text: str, language: str) -> str:
    for one, other in _REWORDED[language]:
        text = text.replace(one, other)
    text = re.sub(r" \([^()\d]*\)", "", text)
    lowered = text if language == "ko" or re.match(r"[A-Z]\w*\s[A-Z]", text) else text[:1].lower() + text[1:]
    return _OPENED[language] + lowered


def _denied(text: str, language: str) -> str | None:
    for one, other in _AFFIRMED[language]:
        if text.count(one) == 1 and not re.search(r"\bnot\b|않|없|아니", text):
            return text.replace(one, other)
    return None


def _renamed(text: str, question: str, chance: random.Random) -> str | None:
    """A name of the question in the sentence becomes another one."""
    shared = [name for name in _NAME.findall(text) if name in question]
    if not shared:
        return None
    return text.replace(shared[0], chance.choice(_NAMES))


VERSIONS: tuple[tuple[str, str, str, str, str, bool], ...] = tuple(
    (language, old_title, old, new_title, new, replaces)
    for language, old_title, old, new_title, new, replaces in (
        (
            "en",
            "Travel policy 2024",
            "In force from 1 January 2024.",
            "Travel policy 2025",
            "In force from 1 January 2025.",
            True,
        ),
        ("en", "Home office", "Document HR-7-1.0", "Working remotely", "Document HR-7-2.0", True),
        (
            "en",
            "Home office",
            "Superseded by Working remotely on 3 May 2025.",
            "Working remotely",
            "Effective 3 May 2025.",
            True,
        ),
        (
            "en",
            "Home office",
            "",
            "Working remotely",
            "This guideline replaces “Home office”. Effective 3 May 2025.",
            True,
        ),
        ("en", "Office guide Seoul 2024", "", "Office guide Busan 2025", "", False),
        ("en", "Minutes 2025-03", "", "Minutes 2025-04", "", False),
        ("en", "Home office", "Document HR-7-1.0", "Home visits", "Document HR-8-2.0", False),
        (
            "en",
            "Home office",
            "",
            "Home office equipment",
            "This page replaces the printed list. Effective 3 May 2025.",
            False,
        ),
        (
            "en",
            "Home office",
            "Effective 3 May 2025.",
            "Working remotely",
            "This draft replaces “Home office” from 1 January 2027. Effective 1 January 2027.",
            False,
        ),
        (
            "ko",
            "출장 규정 (2024)",
            "시행일 2024년 1월 1일",
            "출장 규정 (2025)",
            "시행일 2025년 1월 1일",
            True,
        ),
        ("ko", "재택근무 안내", "문서번호 HR-RW-1.0", "원격근무 지침", "문서번호 HR-RW-1.1", True),
        (
            "ko",
            "재택근무 안내",
            "폐지됨. 2025년 5월 3일부터 ‘원격근무 지침’으로 대체되었습니다.",
            "원격근무 지침",
            "시행일: 2025.05.03",
            True,
        ),
        ("ko", "재택근무 안내", "", "원격근무 지침", "시행일: 2025.05.03 (재택근무 안내를 대체)", True),
        ("ko", "사무실 안내 성수", "", "사무실 안내 대전 2025", "", False),
        ("ko", "회의록 2025-03", "", "회의록 2025-04", "", False),
        (
            "ko",
            "재택근무 안내",
            "신청은 2025년 5월 3일까지 받습니다.",
            "원격근무 지침",
            "시행일: 2025.05.03",
            False,
        ),
        ("ko", "재택근무 안내", "", "원격근무 지침", "시행일: 2027.05.03 (재택근무 안내를 대체)", False),
        (
            "ko+en",
            "Remote work guide",
            "Replaced on 2 March 2025 by “원격근무 지침”.",
            "원격근무 지침",
            "시행일: 2025.03.02",
            True,
        ),
        ("ko+en", "Remote work guide", "Document HR-RW-1.0", "원격근무 지침", "문서번호 HR-RW-2.0", True),
        (
            "ko+en",
            "재택근무 안내",
            "2024년판",
            "Remote work guide",
            "Effective 3 May 2025. Replaces 재택근무 안내.",
            True,
        ),
        (
            "ko+en",
            "재택근무 안내",
            "",
            "Remote work guide",
            "Summary of 재택근무 안내. Effective 3 May 2025.",
            False,
        ),
    )
)


def _source(title: str, opening: str) -> Source:
    standing = standing_of(DocumentHead(title, opening=opening), today=_TODAY)
    return Source(0, title, "", opening, standing=standing)


def _versions() -> Iterator[str]:
    yield "| versions | told as such | no versions | taken for some |"
    yield "|---|---|---|---|"
    for language in ("en", "ko", "ko+en"):
        true, false = Counter[bool](), Counter[bool]()
        for one, old_title, old, new_title, new, replaces in VERSIONS:
            if one == language:
                told = replaced_by(_source(old_title, old), _source(new_title, new)) is not None
                (true if replaces else false)[told] += 1
        yield f"| {language} | {true[True]} of {true.total()} | | {false[True]} of {false.total()} |"


def _measured(cases: Iterator[Made], show: int) -> dict[str, Counter[bool]]:
    counts: dict[str, Counter[bool]] = defaultdict(Counter)
    for case in cases:
        found = conflicts(case.question, case.sources, case.cited)
        counts[case.kind][bool(found)] += 1
        if show and bool(found) != (case.kind in TWINS):
            show -= 1
            print(f"\n{case.kind}: {case.question}\n   {case.cited[0].shown}")
            for one in found:
                print(f"   = {one.one.shown}\n   ! {one.other.shown}")
            if not found:
                twin = case.sources[1:]
                near = [s.shown for at, t in enumerate(twin, 1) for s in statements_of(t, at)]
                words = set(terms(case.cited[0].shown))
                print("   ?", max(near, key=lambda text: len(words & set(terms(text))), default=""))
    return counts


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description="Conflicts and versions: found, and falsely found.")
    parser.add_argument("--data", type=Path, default=SHARED)
    parser.add_argument("--half", choices=("learnt", "held-out"), default="held-out")
    parser.add_argument("--most", type=int, default=800)
    parser.add_argument("--show", type=int, default=0)
    parser.add_argument("--sets", nargs="*", default=SETS)
    given = parser.parse_args()
    lines = [f"| {given.half} half | {' | '.join((*TWINS, BESIDE, *FALSE))} | precision |"]
    lines.append("|---" * (len(TWINS) + len(FALSE) + 3) + "|")
    for name in given.sets:
        cases = made_cases(name, given.data, held_out=given.half == "held-out", most=given.most)
        counts = _measured(cases, given.show)
        cells = [f"{counts[kind][True]}/{counts[kind].total()}" for kind in (*TWINS, BESIDE, *FALSE)]
        right = sum(counts[kind][True] for kind in TWINS)
        wrong = sum(counts[kind][True] for kind in FALSE)
        lines.append(f"| {name} | {' | '.join(cells)} | {right / max(1, right + wrong):.3f} |")
    print("\n".join([*lines, "", *_versions()]))


if __name__ == "__main__":
    main()
