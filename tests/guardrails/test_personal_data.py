"""Personal data is found in the forms that people write, and what only looks like it is left alone."""

from __future__ import annotations

import pytest

from assistant.guardrails.checks.personal_data import DEFAULT_KINDS, KINDS, OFF_BY_DEFAULT, findings

ALL = {kind for kind, _ in KINDS}


def found(text: str) -> list[tuple[str, str]]:
    return [(f.kind, text[f.start : f.end]) for f in findings(text, ALL)]


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("hong.gildong@example.co.kr로 보내 주세요", "email", "hong.gildong@example.co.kr"),
        ("메일은hong@example.com입니다", "email", "hong@example.com"),
        ("ｈｏｎｇ＠ｅｘａｍｐｌｅ．ｃｏｍ", "email", "ｈｏｎｇ＠ｅｘａｍｐｌｅ．ｃｏｍ"),
        ("ho\u200bng@exam\u200bple.com", "email", "ho\u200bng@exam\u200bple.com"),
        ("write to h\u043eng@example.com", "email", "h\u043eng@example.com"),
        ("user (at) example (dot) com", "email", "user (at) example (dot) com"),
        ("hong 골뱅이 naver.com", "email", "hong 골뱅이 naver.com"),
        ("<hong+news@mail.example.org>", "email", "hong+news@mail.example.org"),
        ("010-1234-5678로 전화 주세요", "phone", "010-1234-5678"),
        ("01012345678입니다", "phone", "01012345678"),
        ("010.1234.5678", "phone", "010.1234.5678"),
        ("010 1234 5678", "phone", "010 1234 5678"),
        ("010)1234-5678", "phone", "010)1234-5678"),
        ("０１０－１２３４－５６７８", "phone", "０１０－１２３４－５６７８"),
        ("O1O-1234-5678", "phone", "O1O-1234-5678"),
        ("0 1 0 1 2 3 4 5 6 7 8", "phone", "0 1 0 1 2 3 4 5 6 7 8"),
        ("0\u200b10-12\u200b34-5678", "phone", "0\u200b10-12\u200b34-5678"),
        ("010–1234—5678", "phone", "010–1234—5678"),
        ("٠١٠-١٢٣٤-٥٦٧٨", "phone", "٠١٠-١٢٣٤-٥٦٧٨"),
        ("공일공 일이삼사 오육칠팔", "phone", "공일공 일이삼사 오육칠팔"),
        ("011-123-4567", "phone", "011-123-4567"),
        ("(02) 123-4567", "phone", "(02) 123-4567"),
        ("02)123-4567 내선 321", "phone", "02)123-4567 내선 321"),
        ("010-1234-\n5678", "phone", "010-1234-\n5678"),
        ("|홍길동|010-1234-5678|과장|", "phone", "010-1234-5678"),
        ("HP010-1234-5678", "phone", "010-1234-5678"),
        ("0507-1234-5678", "phone", "0507-1234-5678"),
        ("고객센터 1588-3000으로", "phone", "1588-3000"),
        ("+82 10 1234 5678", "phone", "+82 10 1234 5678"),
        ("+82-(0)10-1234-5678", "phone", "+82-(0)10-1234-5678"),
        ("+44 20 7946 0958", "phone", "+44 20 7946 0958"),
        ("0049 30 901820", "phone", "0049 30 901820"),
        ("(978)645-9740x114", "phone", "(978)645-9740x114"),
        ("650-253-0000", "phone", "650-253-0000"),
        ("Phone: 785 8949", "phone", "785 8949"),
        ("연락처는 123-4567", "phone", "123-4567"),
        ("4111-1111-1111-1111", "card", "4111-1111-1111-1111"),
        ("카드 5555 5555 5555 4444로", "card", "5555 5555 5555 4444"),
        ("카드 4222222222222", "card", "4222222222222"),
        ("판교역로146번길 20, 3층", "address", "판교역로146번길 20, 3층"),
        ("378282246310005", "card", "378282246310005"),
        ("3782 822463 10005", "card", "3782 822463 10005"),
        ("DE89 3704 0044 0532 0130 00 from", "iban", "DE89 3704 0044 0532 0130 00"),
        ("gb82west12345698765432", "iban", "gb82west12345698765432"),
        ("여권번호는 M12345678이고", "passport", "M12345678"),
        ("새 여권 M123A4567", "passport", "M123A4567"),
        ("passport number: X1234567", "passport", "X1234567"),
        ("주민번호 900101-1234568", "kr_resident_number", "900101-1234568"),
        ("9001011234568", "kr_resident_number", "9001011234568"),
        ("210105-3123450", "kr_resident_number", "210105-3123450"),
        ("9 0 0 1 0 1 1 2 3 4 5 6 8", "kr_resident_number", "9 0 0 1 0 1 1 2 3 4 5 6 8"),
        ("외국인등록번호 900101-5234567", "kr_foreigner_number", "900101-5234567"),
        ("11-12-123456-12", "driving_licence", "11-12-123456-12"),
        ("면허번호 111212345612", "driving_licence", "111212345612"),
        ("서울 12-123456-12", "driving_licence", "서울 12-123456-12"),
        ("my driver's license number is A5631933", "driving_licence", "A5631933"),
        ("124-81-00998", "kr_business_number", "124-81-00998"),
        ("사업자등록번호 1248100998", "kr_business_number", "1248100998"),
        ("국민은행 123456-01-123456", "bank_account", "123456-01-123456"),
        ("신한 110-123-456789로 입금", "bank_account", "110-123-456789"),
        ("계좌번호: 11012345678901", "bank_account", "11012345678901"),
        ("account number 12345678", "bank_account", "12345678"),
        ("308-63-0237", "us_social_security_number", "308-63-0237"),
        ("SSN 308630237", "us_social_security_number", "308630237"),
        ("서울특별시 강남구 테헤란로 152, 12층", "address", "서울특별시 강남구 테헤란로 152, 12층"),
        ("경기 성남시 분당구 판교역로146번길 20에", "address", "경기 성남시 분당구 판교역로146번길 20"),
        ("강남구 역삼동 736-1번지로", "address", "강남구 역삼동 736-1번지"),
        ("세종특별자치시 한누리대로 2130", "address", "세종특별자치시 한누리대로 2130"),
        ("123 Main Street, Springfield, IL 62704", "address", "123 Main Street, Springfield, IL 62704"),
        ("10 Downing Street, London SW1A 2AA", "address", "10 Downing Street, London SW1A 2AA"),
        ("5 Star Drive, Apt 4", "address", "5 Star Drive, Apt 4"),
        ("from 192.168.0.1 today", "ip_address", "192.168.0.1"),
        ("fe80::1", "ip_address", "fe80::1"),
    ],
)
def test_it_is_found_as_it_is_written(text: str, kind: str, value: str) -> None:
    assert (kind, value) in found(text)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22 12:30에 회의",
        "2020. 12. 31.까지",
        "제12조제3항 제1호부터 제15호까지",
        "1592-1598년 임진왜란",
        "1600-1644",
        "HR-2024-0017",
        "ABC-010-1234-5678",
        "문서 번호 12345-67890-1234-56789",
        "3.1415926535",
        "12,345,678원",
        "전화 요금 1200000원",
        "call me on 2026-11-22",
        "4111-1111-1111-1112",
        "0000 0000 0000 0000",
        "주민등록번호는 뒷자리를 적지 않습니다",
        "991301-1234567",
        "001321-3112621",
        "290101-3123456",
        "법인등록번호 110111-3123456",
        "124-81-00999",
        "M12345678",
        "110-123-456789",
        "DE89 3704 0044 0532 0130 01",
        "000-12-3456",
        "다시 앞으로 3명",
        "서울로 10번 갔다",
        "강남구 활동 10건",
        "5 Star Drive",
        "아폴로 11호",
        "https://example.com/articles/4409607962387-Copy",
        "cell adhesion (GO:0042127)",
        "10 days way",
        "version 1.2.3",
        "user@localhost",
        "3 @ 5",
        "ㅇㅇ",
        "",
    ],
)
def test_what_only_looks_like_it_is_left_alone(text: str) -> None:
    assert found(text) == []


def test_a_score_of_one_is_kept_for_what_is_proved() -> None:
    scores = {f.kind: f.score for f in findings("4111111111111111, 124-81-00998, 010-1234-5678")}
    assert scores["card"] == scores["kr_business_number"] == 1.0
    assert scores["phone"] < 1.0


def test_only_the_kinds_that_are_asked_for_are_found() -> None:
    text = "hong@example.com 010-1234-5678"
    assert [f.kind for f in findings(text, {"phone"})] == ["phone"]
    assert findings(text, set()) == []


def test_ip_addresses_are_looked_for_only_when_asked() -> None:
    assert {"ip_address"} == OFF_BY_DEFAULT
    assert findings("192.168.0.1", DEFAULT_KINDS) == []


def test_an_unknown_kind_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"fingerprint.*email"):
        findings("text", {"fingerprint"})
