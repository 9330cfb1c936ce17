"""By which words does a question ask for a sum, a count, a difference? In English and in Korean.

Each list holds patterns of normalised text. What they match is accounted for; every other word that says
something must be found in the table.
"""

from __future__ import annotations

import re
from enum import StrEnum


class Wanted(StrEnum):
    """What is wanted of the table."""

    SUM = "sum"
    AVERAGE = "average"
    COUNT = "count"
    MOST = "most"
    LEAST = "least"
    DIFFERENCE = "difference"
    SHARE = "share"  # of all rows, in percent
    RATIO = "ratio"  # how many times the other
    CELL = "cell"  # one figure as it stands there


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns))


_COUNTERS = r"(?:개사|개국|군데|사람|종류|가지|개|명|곳|건|대|종|분|팀|회|번|사|권|동|점)"
_HIGH = r"(?:비싼|비싸|비쌌|많|높|큰|컸|크(?=[나죠고지]|\s)|긴|길)"
_LOW = r"(?:싼|싸|저렴|적은|적|낮|작|짧)"

OPERATIONS: tuple[tuple[Wanted, re.Pattern[str]], ...] = (
    (
        Wanted.SUM,
        _any(
            r"총\s?합계?(?:는|은|가|이|를|을)?|합계(?:는|가|를|액은|액)?|총액(?:은|이|을)?|총계(?:는|가|를)?",
            r"합산(?:하면|해|한)?|총\s?금액(?:은|이)?|합(?:은|이|을)(?=\s|$)",
            r"(?:모두|전부|다)\s*(?:합|더)(?:치|쳐|하|해)[가-힣]*|더하면|(?:(?<=\s)|^)총(?=\s)",
            r"\b(?:the )?(?:grand )?(?:sum|total)(?: amount| sum)?\b",
            r"\b(?:in total|altogether|combined|add(?:ed|s)? up(?: to)?)\b",
        ),
    ),
    (
        Wanted.AVERAGE,
        _any(
            r"평균(?:값|치)?(?:은|이|을|적으로|으로)?",
            r"\b(?:on |the )?(?:average|mean|avg)\b",
        ),
    ),
    (
        Wanted.MOST,
        _any(
            rf"(?:가장|제일)\s*{_HIGH}[가-힣]*|최[댓대]값(?:은|이)?|최고[가액](?:는|가|은|이)?",
            r"\b(?:the )?(?:most expensive|priciest|costliest|highest|largest|biggest|greatest)\b",
            r"\b(?:the )?(?:maximum|max|longest|most)\b",
        ),
    ),
    (
        Wanted.LEAST,
        _any(
            rf"(?:가장|제일)\s*{_LOW}[가-힣]*|최[솟소]값(?:은|이)?|최저가(?:는|가)?",
            r"\b(?:the )?(?:least expensive|cheapest|lowest|smallest|minimum|min|fewest|shortest|least)\b",
        ),
    ),
    (
        Wanted.RATIO,
        _any(r"몇\s*배(?:나|예요|인가요|가|입니까|죠|야|에요)?", r"\bhow many times\b"),
    ),
    (
        Wanted.SHARE,
        _any(
            r"(?:차지하는\s*)?(?:비율|비중)(?:은|이|을)?(?:\s*차지[가-힣]*)?|차지[가-힣]*",
            r"몇\s*(?:%|퍼센트|프로)(?:를|나|을|인가요|예요|야|죠)?(?:\s*차지[가-힣]*)?",
            r"\b(?:what )?(?:percentage|percent|share|proportion)(?: of)?\b|\baccounts? for\b",
        ),
    ),
    (
        Wanted.DIFFERENCE,
        _any(
            r"(?:차이|격차|차액)(?:는|가|를|의|나[가-힣]*|점?)?",
            rf"얼마나\s*더\s*(?:{_HIGH}|{_LOW})[가-힣]*",
            r"\b(?:the )?difference(?: in| between)?\b",
            r"\bhow much (?:more|less|higher|lower|larger|smaller|bigger)\b",
        ),
    ),
    (
        Wanted.COUNT,
        _any(
            rf"(?:모두\s*|총\s*)?몇\s*{_COUNTERS}"
            r"(?:이나|나|인가요|이에요|예요|에요|입니까|이죠|죠|이|가|야|이야|을|를)?(?![가-힣])",
            r"(?:개수|갯수)(?:는|가|를)?",
            r"\bhow many\b|\b(?:the )?number of\b",
        ),
    ),
)
# What excludes, limits, groups or looks into the future is no calculation that is known here.
REFUSED = _any(
    r"제외|빼고|뺀|말고|아닌|없는|않은|이상|이하|초과|미만|넘는|넘은|또는|별로|[가-힣]별\s|만약|왜|어떻게|언제|며칠|부터",
    r"상위|하위|순위|증가|감소|성장|늘|줄|추이|예상하|전망",
    r"\b(?:except|excluding|without|not|other than|more than \d|less than \d|over \d|under \d|above|below)\b",
    r"\b(?:at least|at most|or|by (?:department|region|team|month|year)|each|if|why|when|since|until)\b",
    r"\bper (?!second|minute|hour|night|person|head|request|unit)",
    r"\b(?:how (?:do|does|can|should|to|long|often|far)|top \d|second|rank|growth|grow|grew|increase[sd]?)\b",
    r"\b(?:decrease[sd]?|change[sd]?|trend|forecast)\b",
)
OF_ALL = _any(r"(?:전체|총)(?:에서|의|\s|$)?", r"\b(?:of )?(?:the )?(?:total|all|whole|overall)\b")
COSTS = _any(r"비싼|비싸|비쌌|싼|싸|저렴|최고가|최저가|expensive|priciest|costliest|cheapest")
ASKS_WHICH = _any(
    r"(?:어느|어떤|무슨)\s+(?P<ko>[가-힣A-Za-z]+)|\b(?:which|what) (?P<en>[a-z]+)",
    r"(?P<ko2>[가-힣A-Za-z]+?)(?:은|는|이|가)\s*(?:무엇|뭐|누구|어디|어느)",
)
ASKS_FOR_ONE = _any(
    r"얼마|몇|무엇|뭐|누구|어디|[은는](?:요)?\s*[?？]?$",
    r"\b(?:what|how much|how many|who|where|which)\b",
)


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


NEUTRAL = _words("""
    우리 저희 회사 사내 총 모두 모든 전부 다 각 각각 얼마 얼마나 얼마예요 얼마에요 얼마인가요 얼마인지 얼마죠
    얼마야
    얼마였죠 얼마였나요 얼마입니까 얼마나요 얼마지 몇 무엇 무엇인가요 무엇입니까 뭐 뭔가요 뭐예요 뭐에요 뭐야
    뭐죠 뭐지 어느 어떤 무슨 것 거 게 수 알려줘 알려 알려줘요 알려주세요 주세요 줘 줘요 계산해 계산 계산해줘
    계산해주세요 계산하면
    해줘 해주세요 구해줘 구해 구해주세요 구하면 보여줘 보여주세요 있나요 있어요 있는 있습니까 있지 있죠
    있는지 인가요
    되나요 되죠 돼요 됩니까 되는지 합니까 하나요 이에요 예요 입니까 나요 중 중에 중에서 가운데 값 값은 사이
    간 더 표
    표에서 좀 그럼 제가 지금 현재 나와 나오나요 나온 적힌 누구 누구예요 누구인가요 누구죠 누가 어디 어디예요
    어디인가요 어디죠 곳 인지 일까요 궁금해요 궁금합니다 되어 된 했나요 했어요 하면 쓴 나간 든 들어간 인 이 그
    a an the of in on at to for from by with about into as and is are was were be been being do does did has
    have had having this that these those there here it its our we us my me i you your company please tell
    give
    show what what's which who whose where how much many can could would should will all every overall table
    listed get got whats value figure between among than calculate compute find work out s t
""")
GENERIC = _words("""
    항목 건 행 줄 내역 item items row rows entry entries record records line lines amount amounts one ones
""")
ENDINGS = tuple(
    sorted(
        _words("""
            은 는 이 가 을 를 의 에 에서 에게 으로 로 과 와 랑 이랑 하고 도 만 나 이나 에는 에서는 에서의
            에만 에도 께서
            인 인가요 인가 인지 이에요 예요 이야 야 입니까 일까요 일까 이죠 죠 이지 까지 까지의 부터 보다 중
            중에 중에서
            들 들은 들이 들을 들의 이었나요 였나요 이었죠 였죠 이었어요 였어요 하는 한 된 되는 으로는 로는
            라는 이라는 란 이란
        """),
        key=lambda ending: (-len(ending), ending),
    )
)
