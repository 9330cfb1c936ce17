"""Does a sentence state the figure that a question over records asks for?

Which record is the largest, what all of them add up to, what they are on average: that is calculated or
stated somewhere. A sentence that only holds the question's words, one of the records for instance, answers
with whatever it happens to say. Judged by words alone, in English and in Korean.
"""

from __future__ import annotations

import re
from enum import Enum

from assistant.common.analysis import normalise


class OverRecords(Enum):
    """What a question wants of all records together."""

    PRICIEST = "priciest"
    CHEAPEST = "cheapest"
    MOST = "most"
    LEAST = "least"
    SUM = "sum"
    AVERAGE = "average"


_BEST = r"(?:가장|제일)\s*"
_HIGH = r"(?:많|높|큰|컸|크(?=[나죠고지]|\s)|긴|길)"
_LOW = r"(?:적은|적었|적나|적죠|낮|작|짧)"
_ASKED = tuple(
    (wanted, re.compile(pattern))
    for wanted, pattern in (
        (
            OverRecords.PRICIEST,
            rf"{_BEST}비[싼싸쌌]|최고가(?![가-힣]{{2}})|\b(?:most expensive|priciest|costliest)\b",
        ),
        (
            OverRecords.CHEAPEST,
            rf"{_BEST}(?:싼|싸|저렴)|최저가(?![가-힣]{{2}})|\b(?:least expensive|cheapest)\b",
        ),
        (
            OverRecords.MOST,
            rf"{_BEST}{_HIGH}|최[댓대]값|\b(?:highest|largest|biggest|greatest|longest)\b"
            r"|\b(?:has|have) the most\b",
        ),
        (
            OverRecords.LEAST,
            rf"{_BEST}{_LOW}|최[솟소]값|\b(?:lowest|smallest|shortest|fewest)\b|\b(?:has|have) the least\b",
        ),
        (OverRecords.SUM, r"합계|총합|총계|합산|\b(?:sum|grand total) of\b"),
        (OverRecords.AVERAGE, r"평균|\b(?:average|(?:the|a) mean)\b(?! by\b)"),
    )
)
_ALONE = (
    (OverRecords.SUM, re.compile(r"^(?:sum|total)s?$")),
    (OverRecords.MOST, re.compile(r"^(?:가장|제일)$")),
)
# A figure, or one of the records, is asked for: not whether something is so, nor why.
_ASKS_FOR_ONE = re.compile(
    r"무엇|뭐|뭔|어느|어떤|무슨|누구|누가|어디|얼마|몇|알려\s?[주줘]|구해|[은는](?:요)?\s*[?？]?\s*$"
    r"|^[^?？.]{1,30}(?<!다)$"
    r"|\b(?:what|which|who|whose|how much|how many|where)\b"
)
# Without saying of what: it may be the most or the least.
_FOREMOST = (
    r"최[고대다장상저소단하]|으뜸|유일|주요|1위|일위|순으로|에 이르|달하|달했"
    r"|\b(?:most|least|only|top|leading|record|main|rang\w+|peak\w*|maximum|minimum|max|min)\b"
)
_UTMOST_HIGH = (
    rf"(?:가장|제일)[^.]{{0,12}}?(?:많|높|큰|컸|크|긴|길|넓|깊|거대|무거)|{_FOREMOST}"
    r"|\b(?:larg|high|bigg|great|long|tall|wid|deep|heavi|strong|busi|rich)est\b"
)
_UTMOST_LOW = (
    rf"(?:가장|제일)[^.]{{0,12}}?(?:적|낮|작|짧|좁|얕|가벼)|{_FOREMOST}"
    r"|\b(?:low|small|short|few|narrow|light|shallow|weak|poor)est\b"
)
_UTMOST = rf"가장|제일|{_UTMOST_HIGH}|{_UTMOST_LOW}|\bcheapest\b"
_EVERY = r"합계|합|총|모두|전체|누계|도합|\b(?:sums?|totals?|totall\w+|altogether|combined|overall|all)\b"
_PRICE = r"비[싼싸쌌]|싼|저렴|가격|요금|단가|[고저정원]가|\b(?:expensive|cheap\w*|pric\w+|cost\w*)\b"
_STATED = {
    OverRecords.PRICIEST: (_UTMOST, _PRICE),
    OverRecords.CHEAPEST: (_UTMOST, _PRICE),
    OverRecords.MOST: (_UTMOST_HIGH,),
    OverRecords.LEAST: (_UTMOST_LOW,),
    OverRecords.SUM: (_EVERY,),
    OverRecords.AVERAGE: (
        r"평균|중앙값|당\s|정도|내외|안팎|\b(?:average\w*|mean|median|typical\w*|usual\w*|about|approximately|per)\b",
    ),
}
_COMPILED = {wanted: tuple(re.compile(one) for one in patterns) for wanted, patterns in _STATED.items()}


def wanted_over_records(question: str) -> OverRecords | None:
    """What the question wants of all records; None where it plainly asks for nothing of the kind."""
    text = " ".join(normalise(question).split())
    if not _ASKS_FOR_ONE.search(text):
        return None
    return next((wanted for wanted, pattern in _ASKED if pattern.search(text)), None)


def asks_over_records(word: str) -> bool:
    """Whether a word of the question says by itself what is wanted of all records: "합계", "average"."""
    return any(pattern.search(word) for _, pattern in (*_ASKED, *_ALONE))


def states(wanted: OverRecords, sentence: str) -> bool:
    """Whether the sentence says of something that it is the most, the sum, the average."""
    text = normalise(sentence)
    return all(pattern.search(text) for pattern in _COMPILED[wanted])
