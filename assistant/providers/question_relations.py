"""Which words of a text answer to which words of a question?

"When was she born?" is answered by "(1901 - 1974)" too, "창업주는" by "설립하였다": a question names a
relation by one word and a text by another. Each has two lists of patterns, parted by white space: one
for normalised questions and one for normalised sentences, English and Korean alike.
"""

from __future__ import annotations

import re
from functools import lru_cache

from assistant.common.analysis import normalise

Pattern = re.Pattern[str]

_RELATIONS: dict[str, tuple[str, str]] = {
    "birth": (
        r"""
        \bborn\b birth 태어 출생 생일 생년 고향
        """,
        r"""
        \bborn\b birth 태어 출생 태생 \(\d{3,4}\s?년?[^()]{0,24}[~–—-]\s*\)?
        """,
    ),
    "death": (
        r"""
        \bdie[ds]?\b \bdeath\b \bdead\b killed 죽 사망 돌아가 서거 별세
        """,
        r"""
        \bdie[ds]?\b \bdeaths?\b killed executed assassinat succumb suicide drown 사망 죽 서거 별세 타계
        자살 전사 처형 \d{3,4}\s?년?[^()]{0,24}[~–—-]\s*\)?\s*\d{3,4}
        """,
    ),
    "beginning": (
        r"""
        found establish creat start began begin form(?:ed)?\b origin invent built?\b 설립 창립 창단 창업
        창시 건국 세워 세운 시작 만들 생긴 생겼 기원 출범 결성 개교 발명 제작 건설 지어 지은 창건
        """,
        r"""
        found establish creat start began begin form(?:ed|ation)\b origin launch open(?:ed|ing)?\b
        incorporat invent construct built introduc 설립 창립 창단 창업 창시 창설 창건 건국 건립 세워
        세웠 세운 시작 만들 기원 출범 결성 발족 개교 발명 제작 건설 개발 고안 지어 시초 유래
        """,
    ),
    "end": (
        r"""
        \bend(?:ed|s)?\b finish stop clos dissol fall\b fell\b 끝 종료 멸망 해체 폐지 종전 망한 망했
        """,
        r"""
        \bend(?:ed|s|ing)?\b finish ceas clos dissol disband fall\b fell\b defeat surrender abolish
        until 끝 종료 멸망 해체 폐지 종전 종결 항복 붕괴 패망 해산
        \d{3,4}\s?년?[^()]{0,24}[~–—-]\s*\)?\s*\d
        """,
    ),
    "place": (
        r"""
        \bwhere\b located location 어디 위치 소재
        """,
        r"""
        locat situat \blies\b headquarter based\sin \bnear\b region 위치 소재 자리\s?잡 있는 지역 일대
        걸쳐 에\s있
        """,
    ),
    "capital": (
        r"""
        \bcapital\b 수도
        """,
        r"""
        \bcapital\b 수도
        """,
    ),
    "inhabitants": (
        r"""
        population how\smany\s(?:people|inhabitants|residents) 인구 주민
        """,
        r"""
        population inhabitants residents \bpeople\b 인구 주민 만\s?명
        """,
    ),
    "area": (
        r"""
        how\s(?:big|large) \barea\b \bsize\b 면적 넓이 크기
        """,
        r"""
        square \bkm2?\b km² ㎢ acres? hectares? \bsq\b larg 면적 넓이 크기 제곱 평방 헥타르
        """,
    ),
    "extent": (
        r"""
        how\s(?:long|tall|high|deep|wide|far) \bheight\b \blength\b \bdepth\b \bdistance\b 길이 높이
        키[는가] 깊이 거리 지름 둘레
        """,
        r"""
        \d\W?(?:k?m|cm|mm|ft|mi|in)\b kilomet met(?:re|er)s miles?\b feet \bfoot\b inch \blong\b
        \btall\b \bhigh\b 길이 높이 깊이 거리 지름 미터 킬로 해발 \d\s?(?:km|m|cm)
        """,
    ),
    "duration": (
        r"""
        how\s(?:long|old) duration 얼마나\s오래 얼마\s?동안 기간 나이 몇\s?살 며칠
        """,
        r"""
        (?:years?|months?|weeks?|days?|hours?|minutes?|seconds?|decades?)\b 동안 기간 개월
        \d\s?(?:년간|일간|시간|분|초|살|세|주|일)
        """,
    ),
    "speed": (
        r"""
        how\s(?:fast) \bspeed\b 속도 속력
        """,
        r"""
        mph km/h m/s per\s(?:hour|second) speed knots? 속도 속력 시속 초속
        """,
    ),
    "weight": (
        r"""
        weigh \bmass\b 무게 질량 체중
        """,
        r"""
        \d\s?(?:kg|g|lbs?|tons?|tonnes?|pounds?)\b weigh mass 무게 질량 체중 킬로그램 그램 톤
        """,
    ),
    "temperature": (
        r"""
        temperature how\s(?:hot|cold) 온도 기온 끓는점 녹는점
        """,
        r"""
        ° degrees? celsius kelvin ℃ 온도 기온 도
        """,
    ),
    "money": (
        r"""
        how\smuch \bcosts?\b \bprice\b salary budget \bpaid?\b \bfee\b worth 얼마 비용 가격 금액 요금
        연봉 급여 예산 화폐
        """,
        r"""
        [$€£¥₩] dollars? euros? pounds? won\b yen\b usd million billion
        \d\s?(?:만|억|천|조)?\s?(?:원|달러|유로|엔|위안) 금액 비용 가격 요금
        """,
    ),
    "share": (
        r"""
        percent proportion \brate\b 비율 퍼센트 몇\s?% 확률 율[은이]
        """,
        r"""
        % percent per\scent 퍼센트 프로\b
        """,
    ),
    "author": (
        r"""
        \bwr(?:ite|ote|itten)\b author novel 저자 작가 쓴 지은이 집필
        """,
        r"""
        \bwr(?:ite|ote|itten)\b author novelist penned publish 저자 작가 쓴 지은 저술 집필 소설가 \bby\b
        """,
    ),
    "director": (
        r"""
        direct 감독 연출
        """,
        r"""
        direct 감독 연출
        """,
    ),
    "discovery": (
        r"""
        invent discover first\s(?:found|observed|identified|described) 발견 발명 알아낸
        """,
        r"""
        invent discover isolat identif observ detect described found\b 발견 발명 관찰 고안 개발 알아냈
        규명 분리
        """,
    ),
    "release": (
        r"""
        releas publish \bair(?:ed)?\b premier debut come\sout came\sout 출시 발매 개봉 방영 방송 출판
        발표 데뷔 연재 출간
        """,
        r"""
        releas publish \bair(?:ed)?\b premier debut broadcast launch screened 출시 발매 개봉 방영 방송
        출판 발표 데뷔 연재 출간 첫\s?선 공개
        """,
    ),
    "head": (
        r"""
        \bceo\b \bhead\b president leader \bruler?s?\b \bking\b minister \bchief\b in\scharge
        responsible 대표 사장 회장 총리 대통령 지도자 왕[은이] 담당 책임
        """,
        r"""
        \bceo\b \bhead(?:ed)?\b president leader \bled\b ruler? \bking\b emperor minister \bchief\b
        chair director governor responsible elected 대표 사장 회장 총리 대통령 지도자 왕 황제 담당 책임
        수반 취임 당선
        """,
    ),
    "name": (
        r"""
        \bmean(?:s|ing)?\b stands?\sfor \bname\b \bcalled\b known\sas definition 뜻 의미 이름 명칭 별명
        본명 약자 정의
        """,
        r"""
        \bmean(?:s|ing)?\b stands?\sfor \bname[ds]?\b \bcalled\b known\sas refers? derive defined 뜻
        의미 이름 명칭 별명 본명 라고 라는 일컫 가리키 부르 불리 약자 정의
        """,
    ),
    "victory": (
        r"""
        \b(?:win|won|winner|champion) 우승 승자 승리 이긴 이겼 수상
        """,
        r"""
        \b(?:win|won|winn\w+|champion\w*|victor\w*|defeat\w*|beat)\b award 우승 승리 이겼 이긴 꺾 수상
        제패 챔피언
        """,
    ),
    "cause": (
        r"""
        \bwhy\b reason \bcause[ds]?\b \bhow\scome\b 왜 이유 원인 까닭 계기
        """,
        r"""
        because due\sto \bsince\b so\sthat in\sorder as\sa\sresult caus\w+ reason therefore led\sto
        owing result(?:ed|s)\s(?:in|from) 때문 위해 위하여 므로 이유 원인 까닭 인해 덕분 라서 계기 기인
        비롯
        """,
    ),
    "use": (
        r"""
        \buse[ds]?\b purpose function \brole\b what\s(?:does|do|did)\s.*\sdo\b 용도 기능 역할 목적 사용
        쓰이 쓰임
        """,
        r"""
        \buse[ds]?\b using purpose function \brole\b serve[sd]?\b designed\sto responsible\sfor 용도
        기능 역할 목적 사용 쓰이 쓰인 담당 위한 위해
        """,
    ),
    "kinds": (
        r"""
        (?:what|which)\s(?:kinds?|types?|sorts?) how\smany\s(?:kinds?|types?) examples? 종류 유형 구성
        이루어 포함
        """,
        r"""
        kinds?\b types?\b such\sas includ consist compris compos example 종류 유형 구성 이루어 포함 나뉜
        나누 분류 [,、·][^,、·]{1,20}[,、·]
        """,
    ),
    "first": (
        r"""
        \bfirst\b oldest earliest 처음 최초 첫 초대 가장\s오래
        """,
        r"""
        \bfirst\b oldest earliest initial original 처음 최초 첫 초대 제1 1대 시초 가장\s오래
        """,
    ),
    "last": (
        r"""
        \blast\b latest final 마지막 최후 최종
        """,
        r"""
        \blast\b latest final most\srecent 마지막 최후 최종
        """,
    ),
    "most": (
        r"""
        largest biggest most highest longest tallest best greatest 가장 제일 최대 최고 최장
        """,
        r"""
        largest biggest \bmost\b highest longest tallest best greatest \btop\b 가장 제일 최대 최고 최장
        으뜸 1위
        """,
    ),
    "least": (
        r"""
        smallest least lowest shortest 가장\s(?:작|낮|적|짧) 최소 최저
        """,
        r"""
        smallest least lowest shortest minimum 가장\s(?:작|낮|적|짧) 최소 최저
        """,
    ),
    "religion": (
        r"""
        religio 종교
        """,
        r"""
        religio christian islam muslim buddh catholic protestant hindu jew 종교 기독교 불교 이슬람
        가톨릭 개신교 힌두 신앙
        """,
    ),
    "marriage": (
        r"""
        marri wife husband spouse 결혼 아내 부인 남편 배우자
        """,
        r"""
        marri wife husband spouse widow 결혼 아내 부인 남편 배우자 혼인
        """,
    ),
    "family": (
        r"""
        father mother parent \bson\b daughter child sibling brother sister 아버지 어머니 부모 아들 딸
        자녀 자식 형제 누나 동생
        """,
        r"""
        father mother parent \bsons?\b daughter child sibling brother sister born\sto 아버지 어머니 부모
        아들 딸 자녀 자식 형제 누나 동생 부친 모친 남\s?\d녀 째
        """,
    ),
    "education": (
        r"""
        school universit college educat study studied graduat 학교 대학 졸업 출신 전공 학력
        """,
        r"""
        school universit college educat study studied graduat degree attend 학교 대학 졸업 전공 학위
        입학 수학 공부 들어가
        """,
    ),
    "language": (
        r"""
        language 언어 공용어
        """,
        r"""
        language speak spoken 언어 공용어 어를 어가 어이
        """,
    ),
    "country": (
        r"""
        nationality what\scountry which\scountry 어느\s나라 국적 나라\s사람
        """,
        r"""
        \w+(?:ian|ish|ese|can)\b 국적 의\s 출신 태생 나라 국가 왕국 공화국 제국
        """,
    ),
    "deadline": (
        r"""
        deadline due\b how\ssoon how\soften 기한 마감 까지 얼마나\s자주 주기
        """,
        r"""
        within \bby\b before no\slater deadline \bdue\b every annual monthly weekly daily quarter 이내
        까지 전까지 기한 마감 이전 매[년월주일] 마다 분기 주기
        """,
    ),
    "procedure": (
        r"""
        how\s(?:do|can|should|to)\b 방법 어떻게 절차 하려면 신청
        """,
        r"""
        \bby\b using must should submit apply request through \bvia\b 방법 신청 제출 통해 승인 절차 해야
        으로써 이용 작성 요청 하면
        """,
    ),
}


def _any_of(patterns: str) -> Pattern:
    return re.compile("|".join(patterns.split()))


_COMPILED = tuple((_any_of(asks), _any_of(says)) for asks, says in _RELATIONS.values())


@lru_cache(maxsize=512)
def relations_of(question: str) -> tuple[Pattern, ...]:
    """What a sentence must say to speak of what `question` asks for: a pattern for each relation it names."""
    folded = normalise(question)
    return tuple(says for asks, says in _COMPILED if asks.search(folded))


def share_told(relations: tuple[Pattern, ...], folded: str) -> float:
    """Of the relations, the share that the normalised sentence speaks of; 0 where none is asked for."""
    if not relations:
        return 0.0
    return sum(says.search(folded) is not None for says in relations) / len(relations)
