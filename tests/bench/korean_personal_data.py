"""Korean sentences with made personal data, and with numbers that only look like it. Equal in every run.

Check digits are computed here from the published rules, apart from the code that is measured.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

SEED = 20261122


@dataclass(frozen=True, slots=True)
class Sample:
    """A sentence; `kind` is None where it holds no personal data, else `text[start:end]` is of that kind."""

    text: str
    kind: str | None
    start: int = 0
    end: int = 0
    decoy: str = ""  # what a harmless sentence imitates


_R = random.Random


def _digits(draw: _R, count: int) -> str:
    return "".join(draw.choices("0123456789", k=count))


def _mobile(draw: _R) -> str:
    a, b = _digits(draw, 4), _digits(draw, 4)
    return draw.choice(
        [f"010-{a}-{b}", f"010{a}{b}", f"010.{a}.{b}", f"010 {a} {b}", f"+82-10-{a}-{b}", f"+82 10 {a} {b}"]
    )


def _landline(draw: _R) -> str:
    area = draw.choice(["02", "031", "042", "051", "053", "062", "064", "070"])
    a, b = str(draw.randrange(200, 9999)), _digits(draw, 4)
    return draw.choice([f"{area}-{a}-{b}", f"({area}) {a}-{b}", f"{area}){a}-{b}", f"{area}.{a}.{b}"])


def _disguised_mobile(draw: _R) -> str:
    number = f"010-{_digits(draw, 4)}-{_digits(draw, 4)}"
    way = draw.randrange(4)
    if way == 0:
        return "".join(chr(ord(c) + 0xFEE0) for c in number)
    if way == 1:
        return number.replace("0", "O", 2).replace("-", " - ")
    if way == 2:
        return "\u200b".join(number)
    return " ".join(number.replace("-", ""))


def _birth(draw: _R, first: int, last: int) -> tuple[int, str]:
    year = draw.randrange(first, last)
    return year, f"{year % 100:02}{draw.randrange(1, 13):02}{draw.randrange(1, 29):02}"


def _with_check(front: str, base: int) -> str:
    total = sum(int(d) * w for d, w in zip(front, [2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5], strict=True))
    return front + str((base - total % 11) % 10)


def _resident(draw: _R, *, right: bool = True, foreign: bool = False) -> str:
    year, birth = _birth(draw, 1940, 2020)
    gender = draw.choice("12" if year < 2000 else "34")
    if foreign:
        gender = str(int(gender) + 4)
    number = _with_check(birth + gender + _digits(draw, 5), 13 if foreign else 11)
    if not right:
        number = number[:12] + str((int(number[12]) + draw.randrange(1, 10)) % 10)
    return number


def _hyphened(number: str) -> str:
    return f"{number[:6]}-{number[6:]}"


def _old_resident(draw: _R) -> str:
    number = _resident(draw)
    return draw.choice([_hyphened(number), number, f"{number[:6]} - {number[6:]}"])


def _new_resident(draw: _R) -> str:
    """Born or renumbered since October 2020: nothing after the digit of gender follows a rule."""
    return _hyphened(_resident(draw, right=False))


def _foreigner(draw: _R) -> str:
    number = _resident(draw, foreign=True)
    return draw.choice([_hyphened(number), number])


def _luhn(front: str) -> str:
    total = 0
    for place, digit in enumerate(reversed(front)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return front + str(-total % 10)


def _card(draw: _R) -> str:
    number = _luhn(draw.choice(["4", "51", "55", "9410", "3566"]).ljust(2, "6") + _digits(draw, 13))[:16]
    number = _luhn(number[:15])
    groups = [number[i : i + 4] for i in range(0, 16, 4)]
    return draw.choice(["-", " ", ""]).join(groups)


def _business(draw: _R, *, right: bool = True) -> str:
    front = f"{draw.randrange(101, 900)}{draw.randrange(10, 90)}{draw.randrange(1, 9999):04}"
    total = sum(int(d) * w for d, w in zip(front, [1, 3, 7, 1, 3, 7, 1, 3, 5], strict=True))
    check = (10 - (total + int(front[8]) * 5 // 10) % 10) % 10
    number = front + str(check if right else (check + draw.randrange(1, 10)) % 10)
    return f"{number[:3]}-{number[3:5]}-{number[5:]}"


def _account(draw: _R) -> str:
    shapes = [(6, 2, 6), (3, 3, 6), (3, 2, 6, 1), (4, 2, 7), (3, 4, 4, 2), (3, 6, 2, 3), (14,), (13,)]
    return "-".join(_digits(draw, size) for size in draw.choice(shapes))


def _licence(draw: _R) -> str:
    return f"{draw.randrange(11, 27)}-{_digits(draw, 2)}-{_digits(draw, 6)}-{_digits(draw, 2)}"


def _passport(draw: _R) -> str:
    head = draw.choice("MSRD")
    return draw.choice(
        [head + _digits(draw, 8), f"{head}{_digits(draw, 3)}{draw.choice('ABCDEF')}{_digits(draw, 4)}"]
    )


def _email(draw: _R) -> str:
    name = draw.choice(["kim.minsu", "lee_jh", "park88", "hr", "choi.y", "jiwoo-han"])
    domain = draw.choice(["example.com", "mail.example.co.kr", "corp.example.org"])
    return f"{name}{draw.randrange(100)}@{domain}"


def _address(draw: _R) -> str:
    place = draw.choice(
        [
            "서울특별시 마포구",
            "서울 송파구",
            "부산광역시 해운대구",
            "경기도 수원시 영통구",
            "대전 유성구",
            "전북특별자치도 전주시 덕진구",
        ]
    )
    road = draw.choice(["월드컵북로", "올림픽로", "센텀중앙로", "광교중앙로248번길", "대학로", "백제대로"])
    lot = draw.choice(["상암동", "잠실동", "우동", "이의동", "봉명동", "덕진동2가"])
    number = f"{draw.randrange(1, 600)}" + draw.choice(["", f"-{draw.randrange(1, 40)}"])
    detail = draw.choice(
        ["", f", {draw.randrange(1, 30)}층", f", {draw.randrange(101, 120)}동 {draw.randrange(101, 2000)}호"]
    )
    return draw.choice(
        [f"{place} {road} {number}{detail}", f"{place} {lot} {number}{draw.choice(['', '번지'])}"]
    )


_Maker = Callable[[_R], str]
# kind: (its name in the table, maker of values, sentences; "{v}" is the value, particles follow directly).
MADE: tuple[tuple[str, str, _Maker, tuple[str, ...]], ...] = (
    (
        "phone",
        "mobile",
        _mobile,
        ("{v}로 전화 주세요.", "담당자 번호는 {v}입니다", "문의: {v}", "저는 {v} 쓰고 있어요"),
    ),
    ("phone", "landline", _landline, ("대표번호 {v}로 연락 바랍니다.", "{v}입니다.", "사무실은 {v}예요")),
    ("phone", "disguised", _disguised_mobile, ("{v} 로 연락해", "제 번호예요 {v} 꼭 저장하세요")),
    (
        "email",
        "email",
        _email,
        ("{v}로 회신해 주세요.", "메일은 {v}입니다", "받는 사람:{v}", "{v}, 참조 없음"),
    ),
    (
        "kr_resident_number",
        "with check digit",
        _old_resident,
        ("주민등록번호는 {v}입니다.", "{v} 홍 사원", "본인 확인: {v}로 조회"),
    ),
    (
        "kr_resident_number",
        "since 2020",
        _new_resident,
        ("주민번호 {v}를 적었다", "{v} 신규 입사자", "확인했습니다. {v}"),
    ),
    (
        "kr_foreigner_number",
        "foreigner",
        _foreigner,
        ("외국인등록번호 {v}로 등록", "{v}번으로 신고했습니다", "등록번호: {v}"),
    ),
    ("card", "card", _card, ("법인카드 {v}로 결제", "{v} 유효기간 12/28", "카드번호는 {v}이고요")),
    (
        "kr_business_number",
        "business",
        _business,
        ("사업자등록번호 {v}입니다.", "공급자 {v} 세금계산서", "{v}로 발행해 주세요"),
    ),
    (
        "bank_account",
        "account",
        _account,
        (
            "국민은행 {v}로 입금해 주세요",
            "계좌번호는 {v}입니다",
            "급여 계좌: 신한 {v}",
            "농협 {v} 예금주 홍길동",
        ),
    ),
    ("driving_licence", "licence", _licence, ("운전면허 번호 {v}입니다", "면허 {v} 갱신", "{v} 1종 보통")),
    (
        "passport",
        "passport",
        _passport,
        ("여권번호 {v}로 예약", "여권({v})을 가져오세요", "출장자 여권은 {v}입니다"),
    ),
    ("address", "address", _address, ("주소는 {v}입니다.", "{v}로 보내 주세요", "배송지: {v}")),
)


def _decoys(draw: _R) -> tuple[tuple[str, str], ...]:
    n, d = draw.randrange, partial(_digits, draw)
    year, month, day = n(1990, 2030), n(1, 13), n(1, 29)
    amount = f"{n(1, 999)},{d(3)},{d(3)}"
    card = _luhn("4" + d(14))
    wrong_card = card[:15] + str((int(card[15]) + 3) % 10)
    number = _resident(draw)
    return (
        (
            "date",
            f"{year}-{month:02}-{day:02} {n(24)}:{n(60):02}에 회의가 있습니다.",
        ),
        ("date", f"{year}. {month}. {day}.까지 제출해 주세요."),
        ("amount", f"예산은 {amount}원이고 집행률은 {n(100)}.{d(2)}%입니다."),
        ("amount", f"전화 요금으로 {d(6).lstrip('0') or '1'}원이 나왔습니다."),
        (
            "law",
            f"제{n(1, 99)}조제{n(1, 9)}항에 따라 {n(1, 90)}일 이내",
        ),
        ("code", f"문서 번호는 HR-{year}-{d(4)}이고 사번은 EMP{d(6)}입니다."),
        (
            "code",
            f"배송 조회 번호 {d(4)}-{d(5)}-{d(4)}-{d(3)}",
        ),
        ("code", f"주문 번호 {year}{month:02}{day:02}{d(8)}를 확인해 주세요."),
        ("code", f"바코드 880{d(10)} 재고 {n(500)}개"),
        (
            "wrong check digit",
            f"{wrong_card[:4]}-{wrong_card[4:8]}-{wrong_card[8:12]}-{wrong_card[12:]} 시험용",
        ),
        ("wrong check digit", f"{_business(draw, right=False)} 번은 예시입니다."),
        ("impossible birth", f"{number[:2]}13{number[4:6]}-{number[6:]} 형식 예시"),
        ("company register", f"법인등록번호 110111-{d(7)}"),
        (
            "version",
            f"버전 {n(9)}.{n(20)}.{n(30)} 빌드 {d(5)}",
        ),
        (
            "place",
            f"종로 {n(1, 6)}가에서 {n(2, 30)}명이 모여 앞으로 {n(1, 9)}번 더",
        ),
        ("account without a word", f"일련번호 {d(3)}-{d(3)}-{d(6)} 장비"),
        ("passport without a word", f"부품 M{d(8)} 교체"),
        ("table", " ".join(str(n(1, 2000)) for _ in range(12))),
    )


def samples(count: int = 3_000) -> list[Sample]:
    """Two thirds hold a value of a kind, one third only imitate one."""
    draw = random.Random(SEED)
    made: list[Sample] = []
    for number in range(count):
        if number % 3 == 2:
            decoy, text = draw.choice(_decoys(draw))
            made.append(Sample(text, None, decoy=decoy))
            continue
        kind, name, maker, sentences = MADE[(number - number // 3) % len(MADE)]
        value = maker(draw)
        before, after = draw.choice(sentences).split("{v}")
        start = len(before)
        made.append(Sample(before + value + after, kind, start, start + len(value), name))
    return made
