"""What does a question ask to be done? Pure decisions on its words; nothing is looked up here.

In doubt it is one plain question: a comparison or a split that nobody asked for is worse than none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from assistant.chat.condensing import JOINT, Exchange, condensed
from assistant.chat.plan_patterns import PATTERNS
from assistant.common.analysis import language_of
from assistant.providers.question_type import question_of
from assistant.providers.wishes import Part, Task

MOST_PARTS = 4
_LONGEST = 300  # characters of a question that asks for one of these
_LONGEST_SIDE = 60  # characters of what is compared
_LONGEST_TITLE = 120


@dataclass(frozen=True, slots=True)
class TurnPlan:
    """The task and its parts, at least one. A single part has no title, except that of a list."""

    task: Task
    parts: tuple[Part, ...]


_ARTICLE = re.compile(r"^(?:the|our|a|an|this|저희|우리|이)\s+", re.IGNORECASE)
# "가" ends many nouns too: 휴가, 병가, 평가, 허가.
_KOREAN_PARTICLE = re.compile(
    r"(?<=[가-힣A-Za-z0-9)])(?:의|은|는|을|를|(?<=[^휴병평허인국물단원추참증문공월연반외 ])가"
    r"|(?<=[^차높넓깊길 ])이)$"
)
_VERSUS = re.compile(r"\b(?:vs|versus)\b", re.IGNORECASE)
_LEADS = re.compile(r"^(?:and|also|then|그리고|또|또한|그럼)[\s,]+", re.IGNORECASE)
_QUOTES = "\"'“”‘’「」『』《》 "
_THIS = re.compile(
    r"^(?:this|that|it|the)?\s*(?:document|file|page)?$|^(?:이|그|해당)?\s*(?:문서|파일|내용|이것|그것)?$",
    re.IGNORECASE,
)


def plan_of(question: str) -> TurnPlan:
    """The plan for a question that can be understood alone."""
    text = " ".join(question.split())
    several = _several(question)
    if several:
        return TurnPlan(Task.SEVERAL, several)
    language = language_of(text)
    makers = _MAKERS if len(text) <= _LONGEST else ()
    for task, make in makers:
        for pattern in PATTERNS[task][language]:
            match = pattern.fullmatch(text)
            parts = make(match, language) if match is not None else ()
            if parts:
                return TurnPlan(task, parts)
    return TurnPlan(Task.ANSWER, (Part("", question),))


def _several(question: str) -> tuple[Part, ...]:
    """The questions, where each of two to four is one by its mark and names something."""
    pieces = [piece.strip() for piece in re.findall(r"[^?？]+[?？]+", question)]
    rest = re.sub(r"[^?？]+[?？]+", "", question).strip(" .!\n")
    if not 2 <= len(pieces) <= MOST_PARTS or rest or JOINT in question:  # noqa: PLR2004 - several
        return ()
    asked = [_LEADS.sub("", piece) for piece in pieces]
    if any(
        len(piece) > _LONGEST_TITLE or not question_of(piece, language_of(piece)).words for piece in asked
    ):
        return ()
    whole = [
        condensed(piece, [Exchange(earlier) for earlier in asked[:at]]) for at, piece in enumerate(asked)
    ]
    return tuple(Part(piece, text) for piece, text in zip(asked, whole, strict=True))


def _sides(match: re.Match[str], language: str) -> tuple[Part, ...]:
    found = match.groupdict()
    a = _named(found["a"])
    if language == "ko":
        b, respect = _korean_side(a, found["rest"])
    else:
        b, respect = _named(found["b"]), _named(found.get("respect") or found.get("respect1") or "")
        a = a if _ARTICLE.match(found["b"]) or _VERSUS.search(match.group()) else _with_head(a, b)
    if not a or not b or a.casefold() == b.casefold() or max(len(a), len(b)) > _LONGEST_SIDE:
        return ()
    return tuple(Part(side, f"{side} {respect}".strip()) for side in (a, b))


def _korean_side(a: str, rest: str) -> tuple[str, str]:
    """The other side, and in what respect: after its "의", or after the noun that both sides share."""
    words, last = rest.split(), a.rsplit(maxsplit=1)[-1]
    shared = [at for at, word in enumerate(words) if _without_particle(word) == last]
    owning = [at for at, word in enumerate(words) if word.endswith("의")]
    ends = (shared or owning or [len(words) - 1])[0] + 1
    b, respect = " ".join(words[:ends]), " ".join(words[ends:])
    return _named(_without_particle(b)), _named(_without_particle(respect))


def _without_particle(words: str) -> str:
    return _KOREAN_PARTICLE.sub("", words.strip())


def _with_head(a: str, b: str) -> str:
    """ "annual" beside "sick leave" is "annual leave"."""
    first, _, head = b.partition(" ")
    shares = first and head and " " not in head and " " not in a and a.islower()
    return f"{a} {head}" if shares else a


def _one_part(match: re.Match[str], _language: str) -> tuple[Part, ...]:
    what = _named(match["what"])
    return (Part(what, what),) if what and len(what) <= _LONGEST_TITLE else ()


def _summary(match: re.Match[str], _language: str) -> tuple[Part, ...]:
    """What is summarised; nothing where only "this document" is named, which no words can be searched for."""
    what = _named(match["what"])
    return (Part("", what),) if what and not _THIS.match(what) and len(what) <= _LONGEST_TITLE else ()


def _named(text: str) -> str:
    return _ARTICLE.sub("", text.strip(_QUOTES)).strip(_QUOTES)


_MAKERS = ((Task.COMPARE, _sides), (Task.LIST, _one_part), (Task.SUMMARISE, _summary))
