"""What does a follow-up ask, put so that it can be searched for alone?

By rules, from the person's own earlier questions and what others said where it was asked, and nothing
else: "그럼 계약직은요?" after "연차는 며칠인가요?" becomes "연차는 며칠인가요? — 계약직은요?", and "How long
does it take?" gets the words that were asked about. A question that names its subject is left as it is, and
begins a subject of its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from assistant.common.analysis import language_of, normalise, terms
from assistant.providers.question_type import question_of

JOINT = " — "
MOST_CARRIED = 12  # words of earlier questions

_CONNECTIVE = {
    "en": re.compile(
        r"^\W*(?:(?:and|but|so|then|also|ok(?:ay)?|yes|no|well|thanks?(?: you)?|great|alright|right|i see"
        r"|sure|what about|how about|and then|what if)\b[\s,.!:;-]*)+",
        re.IGNORECASE,
    ),
    "ko": re.compile(
        r"^\W*(?:(?:그럼|그러면|그런데|근데|그리고|그렇다면|하지만|그래도|아니면|그렇군요|알겠어요"
        r"|알겠습니다|네|아니요|아뇨|또|혹시)"
        r"(?=[\s,.!])[\s,.!]*)+"
    ),
}
_POINTS_BACK = {
    "en": re.compile(
        r"\b(?:it|its|they|them|their|theirs|he|she|him|his|hers?|the same|instead|as well|otherwise|either"
        r"|neither|the (?:former|latter|above|other one)|that one|this one)\b"
        r"|\b(?:this|that|these|those)(?=\s*(?:$|[?.,!]|is\b|are\b|was\b|were\b|will\b|also\b|too\b|work|apply"
        r"|appl|include|cost|take|mean|happen|cover|count|change|go\b|be\b|have\b|do\b))"
        r"|\b(?:do|does|did|for|about|of|with|to|after|before|like|than|is|are|was|in|from|get|need|use"
        r"|have) "
        r"(?:this|that|these|those)\b(?! (?:i|you|we|they|is|are)\b)"
        r"|\b(?:from|over|in|out|go|get|work|apply|live) there\b",
        re.IGNORECASE,
    ),
    "ko": re.compile(
        r"(?:^|\s)(?:그건|그게|그것|그걸|그거|그럴|그렇게|그러려면|이건|이게|이것|이걸|이거|저건|저게"
        r"|저것|거기|거긴|여기서|그곳|그때|그날|그분|그중|이때|방금|아까|위에서|앞에서|같은)(?:[가-힣]{0,3})(?=[\s?.,!]|$)"
        r"|(?:^|\s)(?:그|해당)\s[가-힣]"
        r"|(?:^|\s)(?:이|저)\s(?:경우|규정|문서|제도|휴가|기간|기한|금액|절차|서류|양식|내용|것|때)"
    ),
}
_ASKS = {
    "en": re.compile(
        r"\b(?:what|which|who|whom|whose|when|where|why|how)\b(?! about\b| if\b)"
        r"|^\W*(?:is|are|was|were|do|does|did|can|could|may|must|should|shall|will|would|has|have|had|am|tell"
        r"|give|list|show|explain|describe|compare|summari[sz]e|find)\b"
        r"|\b(?:can|could|may|must|should|do|does|did|will|would|is|are) (?:i|we|you|they|it|he|she|one)\b",
        re.IGNORECASE,
    ),
    "ko": re.compile(
        r"무엇|무슨|뭐|뭘|뭔|누구|누가|누굴|언제|어디|어느|어떤|어떻|몇|며칠|얼마|왜"
        r"|(?:나요|까요?|[는은]가요?|인가요?|인지|[해돼줘봐써워려와가어아쳐져]요|[해돼줘]줘|니까|되죠|하죠|있죠"
        r"|주세요|세요|니|냐|지요|래요|데요)"
        r"\W*$"
    ),
}
_LAST_ENDING = re.compile(
    r"(?:이?라면|이면|일\s?때|에서는|에게는|한테는|에서도|에는|으로는|로는|은|는|도)?\s*(?:요|죠)?[\s?!.]*$"
)
_ABOUT = re.compile(r"^(?:for|about|with|on|in|the|our|a|an)\s+", re.IGNORECASE)
_LINKS_LISTED = """
    a an the of for is are do does many much my our in on to and or be what which
"""
_LINKS = frozenset(_LINKS_LISTED.split())
_NO_SUBJECT_LISTED = """
    long much many often far soon take cost apply need get make work happen mean require pay find know want
    like help include allow change start end begin deadline process step steps rule rules way limit form cover
    requirement requirements eligible eligibility qualify option options more information detail details thing
    things case example another other exception exceptions use go happens
    기간 기한 금액 비용 절차 방법 서류 양식 조건 대상 신청 승인 담당 담당자 예외 한도 최대 최소 경우 이유
    시간 날짜 필요 가능 사용 제출 처리 내용 자세히 설명 문의 다른 추가 언제부터 언제까지 얼마나 걸려 걸리
    걸리나 받 받을 쓰 써
"""
_NO_SUBJECT = frozenset(_NO_SUBJECT_LISTED.split())  # words that many questions have: alone they name nothing


@dataclass(frozen=True, slots=True)
class Overheard:
    """What somebody else wrote, where the question was asked and before it."""

    by: str
    text: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """An earlier turn as the person may see it now: what they asked, and what was answered from what.

    `by`: who else said it, where it is a message of somebody and was not asked of us.
    """

    question: str
    answer: str = ""
    documents: frozenset[int] = frozenset()
    by: str = ""


@dataclass(frozen=True, slots=True)
class _Thread:
    """What the conversation is about: the last question that asks by itself, and the words of the subject."""

    carrier: str = ""
    subject: tuple[str, ...] = ()


def condensed(question: str, history: Sequence[Exchange]) -> str:
    """The question as it can be searched for alone; itself where it needs nothing of the conversation."""
    thread = _Thread()
    for exchange in history:
        _, thread = _read(exchange.question, thread)
    return _read(question, thread)[0]


def stands_alone(question: str) -> bool:
    """Whether the question names its subject, as far as rules can tell."""
    language = language_of(question)
    if _CONNECTIVE[language].match(question) or _POINTS_BACK[language].search(question):
        return False
    return not _is_fragment(question, language) and _names_a_subject(question)


def _read(question: str, thread: _Thread) -> tuple[str, _Thread]:
    """The question made whole by the thread, and the thread with it."""
    words = _content_words(question)
    if not thread.subject or stands_alone(question):
        return question, _Thread(question, words or thread.subject)
    language = language_of(question)
    own = _CONNECTIVE[language].sub("", question).strip() or question.strip()
    subject = _joined([word for word in words if word not in _NO_SUBJECT], thread.subject)
    if _is_fragment(question, language) and thread.carrier:
        swapped = _swapped(thread.carrier, own)
        return swapped or f"{thread.carrier}{JOINT}{own}", _Thread(swapped or thread.carrier, subject)
    known = _keys(question)
    carried = [word for word in thread.subject if not _keys(word) <= known]
    whole = f"{own}{JOINT}{' '.join(carried)}" if carried else own
    return whole, _Thread(own if _asks(question) else thread.carrier, subject)


def _is_fragment(question: str, language: str) -> bool:
    """Whether it only names something, so that the question before is asked of it: "and for contractors?"."""
    rest = _CONNECTIVE[language].sub("", question).strip()
    if not rest or _ASKS[language].search(rest):
        return False
    if language == "ko":
        return _LAST_ENDING.search(rest) is not None and len(rest.split()) <= 4  # noqa: PLR2004 - words
    return len(rest.split()) <= 6  # noqa: PLR2004 - words


def _swapped(carrier: str, fragment: str) -> str:
    """The carrier with the fragment in the place of what has the same last word; empty where nothing has it.

    "해외 출장은요?" makes "국내 출장 일비는 얼마예요?" into "해외 출장 일비는 얼마예요?".
    """
    named = _ABOUT.sub("", _LAST_ENDING.sub("", fragment)).split()
    if not 2 <= len(named) <= 4:  # noqa: PLR2004 - a word that qualifies, and one that it qualifies
        return ""
    words = carrier.split()
    head = re.compile(rf"{re.escape(named[-1])}(?:[은는이가을를의도에]?\W*)", re.IGNORECASE)
    for at, word in enumerate(words):
        first = at - len(named) + 1
        replaced = words[max(first, 0) : at]
        if head.fullmatch(word) and first >= 0 and not any(one.casefold() in _LINKS for one in replaced):
            return " ".join([*words[:first], *named[:-1], *words[at:]])
    return ""


def _asks(question: str) -> bool:
    return _ASKS[language_of(question)].search(question) is not None


def _content_words(question: str) -> tuple[str, ...]:
    """The words that tell what it is about, as they are written but without particles."""
    found = question_of(question, language_of(question)).words
    return tuple(word.stem for word in found if word.weight == 1.0)[:MOST_CARRIED]


def _names_a_subject(question: str) -> bool:
    found = question_of(question, language_of(question)).words
    return any(word.weight == 1.0 and word.stem not in _NO_SUBJECT for word in found)


def _joined(words: Sequence[str], earlier: Sequence[str]) -> tuple[str, ...]:
    known = {normalise(word) for word in words}
    return (*words, *(word for word in earlier if normalise(word) not in known))[:MOST_CARRIED]


def _keys(text: str) -> frozenset[str]:
    return frozenset(terms(text))
