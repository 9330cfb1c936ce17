"""What does a question ask for: which words must the evidence speak of, and what kind of answer is wanted?"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import Enum

from assistant.common.analysis import normalise, terms

_WORD = re.compile(r"[^\W_]+(?:['’.&/-][^\W_]+)*")
_HANGUL = re.compile(r"[가-힣]")


class Kind(Enum):
    """The kind of thing that answers a question."""

    PERSON = "person"
    DATE = "date"
    NUMBER = "number"
    PLACE = "place"
    REASON = "reason"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the question that evidence can be checked for. `keys` are its search terms."""

    stem: str
    keys: frozenset[str]
    is_name: bool
    is_number: bool
    weight: float = 1.0  # less for an inflected verb, which a text seldom has in the same form


@dataclass(frozen=True, slots=True)
class Question:
    """A question taken apart. `focus` and `predicate` are positions in `words`, None where there is none."""

    text: str
    language: str
    kind: Kind
    words: tuple[Word, ...]
    focus: int | None
    predicate: int | None
    asks_what_it_is: bool


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ENGLISH_EMPTY = _words("""
    a an the of in on at to for from by with about into as and or but if than then that this these those
    there is are was were be been being am do does did done has have had having can could may might shall
    should will would must what which who whom whose when where why how i me my we us our you your he him
    his she her it its they them their not no so also any some s t other another please tell give many
    much
""")
_KOREAN_EMPTY = _words("""
    무엇 무엇인 무엇이 뭐 뭔 누구 누가 언제 어디 어느 몇 얼마 얼마나 왜 어떻 어떻게 어떤 무슨 어떠 무엇을
    등 및 그 이 저 것 수 때 중 또는 그리고 있 있는 있었 있었던 하 하는 했 한 할 되 되는 된 될 이다 인 입니
    대해 대한 대하여 관한 위한 위해 알려 알려주세요 주세요 제가 저희 우리 어떠한 뭐예요 뭐야 무엇이었
    어디에 몇개 몇명 몇년 있을 해야 하면 경우 며칠 몇시 언제쯤 얼마쯤 얼마짜리 안 못 더 꼭 다 건 거 게 좀 님
    제 내 올해 작년 지난해 내년
    지금 현재 이번 요즘 오늘 돼요 되고 되죠 있죠 없나 없는 됐 어떻게요 뭘 누굴 무엇인지
""")
_PARTICLES = sorted(
    _words("""
    에서는 에서의 에서도 으로는 으로서 으로써 으로부터 로부터 에게서 까지는 부터는 에서 에게 에는 에도
    으로 까지 부터 보다 처럼 마다 라는 라고 이라는 이라고 이란 이며 이고 이나 은 는 이 가 을 를 의 에 와
    과 도 로 만 란 나 들은 들이 들을 들의 들 께서 한테 이었는가 이었나요 이었나 이었습니까 였는가 였나요
    였나 였습니까 인가요 인가 입니까 일까요 일까 인지 이에요 예요 이야 죠 지요 되었는가 되었나요 되었나
    되었습니까 됐나요 됐나 되는가 되나요 되나 됩니까 된 되는 될까요 될까 되었을까 하였는가 하였나요 하였나
    하였습니까 했는가 했나요 했나 했습니까 하는가 하나요 하나 합니까 할까요 할까 한 하는 했던 하던 할 하면
    하려면 하기 해야 하여 했을까 한다면 었는가 었나요 었나 았는가 았나요 았나 었습니까 았습니까 습니까
    는가 는가요 나요 은가 은가요 을까 을까요 던가 었을까 았을까 었던 았던
    이었죠 였죠 이죠 이었어요 였어요 이었지요 였지요 이면 이라면 인데 까지죠 까지예요 부터예요
    해요 해서 하는데 하면서 해도 했죠 했어요 하죠 하지요 하려고 하고 했을 하려 하지 하기로 했는지 하는지
    돼요 되면 되려면 돼야 되어야 됐죠 됐어요 되죠 되는데 되었죠 되나 됐는지 되는지
    """),
    key=len,
    reverse=True,
)

# Endings that only a verb or an adjective of its own has: what comes before them is no noun.
_KOREAN_VERB = re.compile(
    r"(?:[나어아해와워줘봐려써내켜쳐져가]요|[을를할될갈쓸줄볼올낼]까요?|[가-힣]나요?|는데|은데|던데|려면|으면|려고|면서"
    r"|[어아여와워써내해줘켜쳐져]야|[어아여와워써내해줘켜쳐져]서|[어아여와워]도|거나|니까|다가|다고|습니까|[쓸낼볼줄살갈올릴])$"
)
_VERB_WEIGHT = 0.7
_ABOUT_A_WORD = re.compile(
    r"무슨\s*(?:뜻|말|의미|약자)|(?:뜻|의미)(?:이|가|은|는)|\bstands? for\b|\bwhat does .+ mean\b"
)
_MEANING = _words("뜻 말 의미 약자 mean means meaning stand stands")

_KIND_OF = {
    "en": (
        (
            Kind.PERSON,
            r"\b(?:who|whom|whose)\b|\b(?:what|which) (?:\w+ )?(?:person|man|woman|name|team|leader|king)\b",
        ),
        (
            Kind.DATE,
            r"\bwhen\b|\bhow (?:long|often|soon|old)\b"
            r"|\b(?:what|which|in what|in which) (?:\w+ )?(?:years?|dates?|days?|months?|centur\w+"
            r"|decades?|times?|periods?)\b"
            r"|\b(?:deadline|due date|how far in advance)\b",
        ),
        (
            Kind.NUMBER,
            r"\bhow (?:many|much|far|large|big|high|tall|deep|fast|few|wide|heavy)\b"
            r"|\b(?:what|which) (?:\w+ ){0,2}(?:numbers?|amounts?|percent\w*|rates?|prices?|costs?|size"
            r"|population"
            r"|temperature|speed|limit|maximum|minimum|budget|salary|fee|score|total|age|weight|length"
            r"|height)\b",
        ),
        (
            Kind.PLACE,
            r"\bwhere\b|\b(?:what|which) (?:\w+ ){0,2}(?:country|countries|city|cities|town|state|place"
            r"|region|area"
            r"|location|continent|river|building|room|office|floor|street|island|county|province|district)\b",
        ),
        (Kind.REASON, r"\bwhy\b|\b(?:what|which) (?:\w+ ){0,2}(?:reasons?|causes?|purpose)\b|\bhow come\b"),
    ),
    "ko": (
        (
            Kind.PERSON,
            r"누구|누가|누굴|(?:이름|담당자|저자|작가|감독|대통령|왕)(?:은|는|이|가)\s*(?:누|무엇)",
        ),
        (
            Kind.DATE,
            r"언제|며칠|몇\s*(?:년|월|일|시|세기|주|달|개월|분|살|세)|어느\s*(?:해|날)|(?<![가-힣])기한|얼마\s*동안"
            r"|얼마나\s*(?:오래|자주|걸)",
        ),
        (
            Kind.PLACE,
            r"어디|어느\s*(?:나라|도시|지역|곳|국가|대륙|역|건물|층)|무슨\s*(?:나라|도시)|(?:수도|위치"
            r"|장소)(?:는|은|가)",
        ),
        (Kind.REASON, r"왜|이유|원인|까닭|때문|어째서|목적"),
        (
            Kind.NUMBER,
            r"몇|얼마|(?:금액|비용|가격|수|인구|면적|넓이|높이|길이|무게|크기|비율|한도|온도|속도|나이"
            r"|개수|점수|지름|거리)"
            r"(?:은|는|이|가)",
        ),
    ),
}
_PATTERNS = {
    language: tuple((kind, re.compile(pattern)) for kind, pattern in kinds)
    for language, kinds in _KIND_OF.items()
}

_MONTHS = "january|february|march|april|may|june|july|august|september|october|november|december"
_NUMBER_WORDS = (
    "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty"
    "|sixty|ninety"
    "|hundreds?|thousands?|millions?|billions?|dozens?|half|twice|third|quarter|several|once"
)
_EVIDENCE = {
    Kind.DATE: re.compile(
        rf"\b1\d{{3}}s?\b|\b20\d\ds?\b|\b(?:{_MONTHS})\b|centur(?:y|ies)|\b(?:mon|tues|wednes|thurs|fri"
        rf"|satur|sun)day"
        rf"|(?:\d|\b(?:{_NUMBER_WORDS}))[\s-]*(?:years?|months?|weeks?|days?|hours?|minutes?|a\.?m|p\.?m)\b"
        r"|\b(?:annually|monthly|weekly|daily|quarterly|\d+ bc|ad \d+|\d{1,2}:\d\d)\b"
        r"|\d+\s*(?:년|월|(?:영업|근무|역)?일|시|세기|주|개월|분|살|세|초)|매[년월주일]|분기|세기|당시|(?:사흘|이틀|열흘"
        r"|하루|보름|당일|전날|다음\s?날|말일|[월화수목금토일]요일)|\d{1,2}:\d\d|(?:19|20)\d\d-\d\d|\bd[+-]\d",
    ),
    Kind.NUMBER: re.compile(
        rf"\d[\d,.]*|\b(?:{_NUMBER_WORDS})\b|[한두세네열]\s?(?:명|개|번|차례|곳|가지|마리|편)|수[십백천만]"
        rf"|절반"
    ),
    Kind.REASON: re.compile(
        r"\b(?:because|due to|since|so that|in order to|as a result|caus\w+|reason|therefore|thus|to avoid"
        r"|led to|owing"
        r"|for the purpose)\b|때문|위해|위하여|따라|므로|이유|원인|까닭|인해|목적|덕분|으로써|라서"
    ),
    Kind.PLACE: re.compile(
        r"(?:시|도|군|구|동|국|섬|산|강|역|대학교|지역|나라|건물|층|사무실|본사|주|읍|면|반도|대륙|공원"
        r"|지방|왕국|제국|리아|니아|랜드)"
        r"(?=에|의|로|이|은|는|을|를|와|과|[\s.,)]|$)"
    ),
    Kind.PERSON: re.compile(
        r"[가-힣·]{2,}\s?(?:씨|대표|부장|팀장|과장|교수|박사|대통령|감독|왕|장군|선생|작가|의원|장관|총리"
        r"|사장|담당자|팀|위원|황제|여왕|선수|학자)"
        r"|[가-힣]+\s[가-힣]*[즈스트드르크프]?(?:이|가|은|는)\s|[가-힣]{2,4}\s?\([一-鿿]{2,4}"
        r"|[가-힣]{2,4}(?:이|가|에 의해)\s"
    ),
}
_CAPITALISED = re.compile(r"(?<![.!?]\s)(?<!^)\b[A-Z][\w'’.-]+(?:\s(?:of |the |de |van )?[A-Z][\w'’.-]+)*")
_FOCUS = {
    "en": re.compile(
        r"\b(?:what|which|how many|how much)\s+(?:(?:kind|type|sort|name)s?\s+of\s+)?([a-z'-]+)"
    ),
    "ko": re.compile(
        r"(?:무슨|어느|어떤|몇)\s*([가-힣]+)|([가-힣]{2,})(?:은|는|이|가)\s*(?:무엇|누구|언제|어디|얼마|몇"
        r"|뭐)"
    ),
}

_WHAT_IT_IS = re.compile(
    r"무슨\s*(?:뜻|말|의미)|(?:뜻|의미)(?:이|가|은|는)|\bstands? for\b|\bwhat does .+ mean\b"
    r"|^\W*(?:what|who)(?:'s| is| are| was| were)\b|(?:무엇|누구|뭐)(?:인가|입니까|인가요|예요|야|이었|였"
    r"|인지|니|\W*$)|(?:이란|란)\W*$"
)


def question_of(text: str, language: str) -> Question:
    """Take `text`, asked in `language` ("ko" or "en"), apart."""
    folded = normalise(text)
    about_a_word = _ABOUT_A_WORD.search(folded) is not None
    words: list[Word] = []
    counts = False  # the word before was "몇": what follows is a unit
    for position, match in enumerate(_WORD.finditer(text)):
        word = _content_word(match.group(), sentence_start=position == 0)
        is_unit, counts = counts, match.group() == "몇"
        if word is None or (about_a_word and word.stem in _MEANING):
            continue
        if is_unit and len(word.stem) == 1:
            word = replace(word, weight=_VERB_WEIGHT)
        if word.stem not in {known.stem for known in words}:
            words.append(word)
    patterns = _PATTERNS["ko" if language == "ko" else "en"]
    kind = next((kind for kind, pattern in patterns if pattern.search(folded)), Kind.OTHER)
    plain = [at for at, word in enumerate(words) if not (word.is_name or word.is_number)]
    last = plain[-1] if plain else None
    what = _WHAT_IT_IS.search(folded) is not None
    return Question(text, language, kind, tuple(words), _focus(folded, language, words), last, what)


def _content_word(surface: str, *, sentence_start: bool) -> Word | None:
    folded = normalise(surface).replace("’", "'").removesuffix("'s")
    weight = 1.0
    if _HANGUL.search(folded):
        stem = _korean_stem(folded)
        if stem in _KOREAN_EMPTY or folded in _KOREAN_EMPTY:
            return None
        weight = _VERB_WEIGHT if stem == folded and _KOREAN_VERB.search(folded) else 1.0
    else:
        stem = folded
        if stem in _ENGLISH_EMPTY:
            return None
    keys = frozenset(terms(stem))
    if not keys:
        return None
    is_number = any(character.isdigit() for character in stem)
    is_name = surface[0].isupper() and (not sentence_start or surface[1:2].isupper())
    return Word(stem, keys, is_name and not is_number, is_number, weight)


def _korean_stem(word: str) -> str:
    for particle in _PARTICLES:
        if word.endswith(particle) and len(word) - len(particle) >= (1 if len(particle) > 1 else 2):
            return word[: -len(particle)]
    return word


def _focus(folded: str, language: str, words: list[Word]) -> int | None:
    match = _FOCUS["ko" if language == "ko" else "en"].search(folded)
    if match is None:
        return None
    keys = frozenset(terms(_korean_stem(next(group for group in match.groups() if group))))
    return next((at for at, word in enumerate(words) if word.keys == keys), None)


def answers_of_kind(question: Question, sentence: str, folded: str) -> list[tuple[int, int]]:
    """Where `sentence` holds things of the kind asked for that the question does not already say: spans.

    `folded` is the sentence normalised; spans are of one or the other, which differ by little. None of a kind
    that shows no pattern.
    """
    if question.kind is Kind.OTHER:
        return []
    asked = normalise(question.text)
    if not _HANGUL.search(folded) and question.kind in {Kind.PERSON, Kind.PLACE}:
        names = _CAPITALISED.finditer(sentence)
        return [name.span() for name in names if normalise(name.group()) not in asked]
    return [one.span() for one in _EVIDENCE[question.kind].finditer(folded) if one.group() not in asked]
