"""Which part have a conversation's own files in a question? Pure decisions on its words and their names.

A question that points at the files ("this file", "이 문서") is asked of them alone, unless it also speaks of
the company's rules; a summary or a comparison of them reads them from their beginnings and searches nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from assistant.chat.planning import MOST_PARTS, TurnPlan
from assistant.common.analysis import normalise, query_terms
from assistant.providers.wishes import Part, Task

_LEAST_NAMED = 3  # characters of a name without its extension that say which file is meant
_LONGEST = 300  # characters of a question that asks for a summary or a comparison

_THING = r"(?:files?|documents?|attachments?|uploads?|pdfs?|spreadsheets?|slides?|presentations?|reports?)"
_POINTS = re.compile(
    rf"\b(?:this|these|both|my|attached|uploaded|added)\s+(?:two\s+|three\s+|attached\s+|uploaded\s+)*(?:\w+\s+)?{_THING}\b"
    r"|\b(?:the|all|each)\s+(?:of\s+the\s+)?(?:\w+\s+)?(?:files?|attachments?|uploads?)\b"
    r"|(?:(?<![가-힣])(?:이|그|저|두|세|네|각|위|해당)|첨부(?:한|된|해\s?준)?|올린|올려\s?준|업로드(?:한|된)?|추가한)\s*"
    r"(?:(?:두|세|네|\d)\s*)?(?:개의?\s*)?(?:파일|문서|자료|첨부|보고서|엑셀|슬라이드)|첨부\s?파일|(?<![가-힣])파일(?:들)?(?:을|를|의|에|은|이)?(?![가-힣])",
    re.IGNORECASE,
)
_COMPANY = re.compile(
    r"\b(?:polic(?:y|ies)|compan(?:y|ies)|internal|handbook|regulations?|guidelines?|our"
    r"|compl(?:y|ies|iant|iance))\b"
    r"|회사|사내|사규|규정|지침|정책|내규|우리",
    re.IGNORECASE,
)
_SUMMARY = re.compile(
    r"\bsummar(?:y|i[sz]e[sd]?|ies)\b|\bsum\s+up\b|\boverview\b|\btl;?dr\b|\b(?:key|main)\s+points?\b|\bnutshell\b"
    r"|\bwhat(?:'s|’s| is| are) (?:this|these) (?:files?|documents?)\s+about\b"
    r"|요약|간추|핵심\s?(?:만|을|내용)?\s?정리|주요\s?내용|무슨\s?내용|어떤\s?내용|내용(?:을|이)?\s?(?:정리|알려|뭐)",
    re.IGNORECASE,
)
_COMPARISON = re.compile(
    r"\bcompar(?:e|ison)\b|\bdiffer(?:s|ences?|ent)?\b|비교|차이|다른\s?(?:점|부분)|달라", re.IGNORECASE
)
_BARE = re.compile(
    r"\W*(?:please\s+|can you\s+|could you\s+)*"
    r"(?:summari[sz]e|sum up|give me (?:a |the )?(?:summary|overview)|tl;?dr)"
    r"(?:\s+(?:it|this|that|these|them|both|all))?(?:\s+(?:please|briefly|for me))?\W*"
    r"|\W*(?:(?:이것|이거|내용|전체|이)(?:을|를)?\s*)?(?:간단히|간략히|짧게)?\s*"
    r"(?:요약|핵심\s?정리)(?:을|를)?\s*(?:해|부탁|좀)?\s*(?:줘|주세요|주십시오|드려요|드립니다|줄래요?|요)?\W*",
    re.IGNORECASE,
)


_BEFORE = r"(?:\b(?:according to|in|of|from|by)\s+)?(?:\bthe\s+)?[\"'“‘]?"
_AFTER = r"[\"'”’]?(?:(?:에서는|에서|에는|에|의|은|는|이|가|을|를)(?=\s|$))?"


@dataclass(frozen=True, slots=True)
class AskedFile:
    """A file that can be searched: its private document and its name."""

    document_id: int
    name: str


@dataclass(frozen=True, slots=True)
class AskedFiles:
    """The files that a turn is asked over. `only`: nothing else is searched.

    `read`: for each part of the plan the files that are read from their beginning; empty: they are searched.
    `left_out`: how many of the conversation's files could not be read.
    """

    files: tuple[AskedFile, ...] = ()
    only: bool = False
    read: tuple[tuple[int, ...], ...] = ()
    left_out: int = 0

    @property
    def ids(self) -> tuple[int, ...]:
        """The documents of all files."""
        return tuple(one.document_id for one in self.files)

    def of_part(self, number: int) -> tuple[int, ...]:
        """What is read for a part, counted from 1; empty: it is searched."""
        return self.read[number - 1] if 0 < number <= len(self.read) else ()


NO_FILES = AskedFiles()


def is_about_files(question: str, names: Sequence[str]) -> bool:
    """Whether the question is asked of the conversation's files, of these names, and of nothing else."""
    if not names:
        return False
    text = normalise(question)
    if _BARE.fullmatch(text):
        return True
    points = _POINTS.search(text) is not None or bool(_named(text, names))
    return points and _COMPANY.search(_without_names(text, names)) is None


def without_names(question: str, names: Sequence[str]) -> str:
    """The question as it is searched for: which file is meant says nothing of what stands in it.

    As it was, where hardly anything is left.
    """
    left = unicodedata.normalize("NFC", question)
    for name in sorted(names, key=len, reverse=True):
        if len(name) >= _LEAST_NAMED:
            left = re.sub(rf"{_BEFORE}{re.escape(name)}{_AFTER}", " ", left, flags=re.IGNORECASE)
    left = " ".join(left.split())
    return left if len(query_terms(left)) > 1 else question


def planned(question: str, plan: TurnPlan, asked: AskedFiles) -> tuple[TurnPlan, AskedFiles]:
    """The plan over the files, where the question wants them summarised or compared; else as it was.

    A question that names files is asked of those.
    """
    text = normalise(question)
    if not asked.files or not asked.only or plan.task is Task.CREATE:
        return plan, asked
    named = [asked.files[at] for at in _named(text, [one.name for one in asked.files])]
    chosen = named or list(asked.files)
    if len(text) > _LONGEST:
        return plan, replace(asked, files=tuple(chosen))
    summary, comparison = _SUMMARY.search(text) or _BARE.fullmatch(text), _COMPARISON.search(text)
    if comparison and 1 < len(chosen) <= MOST_PARTS:
        return _by_file(Task.COMPARE, chosen, asked)
    if summary and 1 < len(chosen) <= MOST_PARTS:
        return _by_file(Task.SUMMARISE, chosen, asked)
    if summary:
        ids = tuple(one.document_id for one in chosen)
        return TurnPlan(Task.SUMMARISE, (Part("", chosen[0].name),)), replace(asked, read=(ids,))
    return plan, replace(asked, files=tuple(chosen))


def _by_file(task: Task, chosen: Sequence[AskedFile], asked: AskedFiles) -> tuple[TurnPlan, AskedFiles]:
    plan = TurnPlan(task, tuple(Part(one.name, one.name) for one in chosen))
    return plan, replace(asked, read=tuple((one.document_id,) for one in chosen))


def _named(text: str, names: Sequence[str]) -> list[int]:
    """The places of the names that the question holds, whole or without their extension."""
    return [at for at, name in enumerate(names) if any(one in text for one in _spellings(name))]


def _without_names(text: str, names: Sequence[str]) -> str:
    """A file called "travel policy.pdf" speaks of no company's policy by being named."""
    for spelling in sorted((one for name in names for one in _spellings(name)), key=len, reverse=True):
        text = text.replace(spelling, " ")
    return text


def _spellings(name: str) -> tuple[str, ...]:
    whole = normalise(name)
    stem = PurePosixPath(whole).stem
    return tuple(one for one in (whole, stem) if len(one) >= _LEAST_NAMED)
