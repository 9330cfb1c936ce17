"""The demo company agrees with itself: its files, its access rules and its questions.

Who may read what is decided here by a small oracle of its own, so that a mistake of the
connector cannot hide a mistake of the demo data.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from assistant.common.acl import Acl
from assistant.common.errors import DocumentFailure, FailureCode
from assistant.ingest.parsers.registry import parse_file
from connectors.registry import connector_kind
from connectors.sdk.contract import DocumentAcl
from connectors.sdk.surroundings import Surroundings
from tests.demo.build_company import COMPANY, FONTS, build, planned

QUESTIONS = COMPANY.parent / "questions.jsonl"
LEAST = {
    "pdf": 6,
    "docx": 8,
    "pptx": 3,
    "xlsx": 5,
    "csv": 4,
    "html": 5,
    "md": 12,
    "txt": 6,
    "json": 4,
    "eml": 5,
}
MUST_FAIL = {
    "company/archive/취업규칙_2019_스캔본.pdf": FailureCode.NO_TEXT,
    "company/archive/퇴직연금_안내_2021_암호.pdf": FailureCode.ENCRYPTED,
}
COMPANION = ".metadata.json"
JIWOO, MINSEO, HYUNJIN, ADMIN = (f"{name}@ondam.example" for name in ("jiwoo", "minseo", "hyunjin", "admin"))
STRANGER = "stranger@elsewhere.example"


@dataclass(frozen=True, slots=True)
class Rule:
    """One access entry: who, and whether it lets in."""

    name: str
    is_group: bool
    allows: bool


@dataclass(frozen=True, slots=True)
class Question:
    """One line of the question file."""

    id: str
    text: str
    lang: str
    asker: str
    gold: tuple[str, ...]
    answers: tuple[str, ...]
    answerable: bool


def documents() -> list[str]:
    """Every document's path below the root; the two control files and companions are none."""
    found = (path for path in COMPANY.rglob("*") if path.is_file() and path.parent != COMPANY)
    return sorted(path.relative_to(COMPANY).as_posix() for path in found if not path.name.endswith(COMPANION))


def rules_of(entries: list[dict[str, str]]) -> list[Rule]:
    return [Rule(entry["Name"], entry["Type"] == "GROUP", entry["Access"] == "ALLOW") for entry in entries]


@cache
def access_rules() -> Mapping[str, list[Rule]]:
    items = json.loads((COMPANY / "access.json").read_text(encoding="utf-8"))
    rules = {item["keyPrefix"]: rules_of(item["aclEntries"]) for item in items}
    assert len(rules) == len(items), "a prefix stands twice in access.json"
    return rules


@cache
def groups() -> Mapping[str, frozenset[str]]:
    items = json.loads((COMPANY / "groups.json").read_text(encoding="utf-8"))
    return {item["group"]: frozenset(item["members"]) for item in items}


def groups_of(email: str) -> set[str]:
    """Every group that holds the person, directly or through other groups."""
    held: set[str] = set()
    names = {f"user:{email}"}
    while names:
        new = {group for group, members in groups().items() if members & names} - held
        held |= new
        names = {f"group:{group}" for group in new}
    return held


def lets_in(rules: list[Rule], email: str) -> bool:
    mine = groups_of(email)
    matching = [rule for rule in rules if (rule.name in mine if rule.is_group else rule.name == email)]
    return bool(matching) and all(rule.allows for rule in matching)


def may_read(email: str, document: str) -> bool:
    covering = [prefix for prefix in access_rules() if document.startswith(prefix)]
    if not covering or not lets_in(access_rules()[max(covering, key=len)], email):
        return False
    companion = COMPANY / (document + COMPANION)
    record = json.loads(companion.read_text(encoding="utf-8")) if companion.is_file() else {}
    return "AccessControlList" not in record or lets_in(rules_of(record["AccessControlList"]), email)


@cache
def text_of(document: str) -> str:
    path = COMPANY / document
    return plain(parse_file(path, name=path.name).text)


def plain(text: str) -> str:
    return " ".join(text.split())


@cache
def questions() -> tuple[Question, ...]:
    rows = [json.loads(line) for line in QUESTIONS.read_text(encoding="utf-8").splitlines()]
    return tuple(
        Question(
            id=row["id"],
            text=row["question"],
            lang=row["lang"],
            asker=row["as"],
            gold=tuple(row["gold"]),
            answers=tuple(row["answers"]),
            answerable=row["answerable"],
        )
        for row in rows
    )


def answerable() -> list[Question]:
    return [question for question in questions() if question.answerable]


# -- files -------------------------------------------------------------------------------------


def test_every_format_has_enough_documents() -> None:
    counted = Counter(name.rpartition(".")[2] for name in documents())
    assert counted.total() >= 66
    assert {kind: counted[kind] for kind in LEAST if counted[kind] < LEAST[kind]} == {}
    assert set(counted) == set(LEAST)


def test_the_company_is_small_and_its_names_are_composed() -> None:
    assert sum(path.stat().st_size for path in COMPANY.rglob("*") if path.is_file()) < 4_000_000
    names = [path.relative_to(COMPANY).as_posix() for path in COMPANY.rglob("*")]
    assert [name for name in names if name != unicodedata.normalize("NFC", name)] == []


@pytest.mark.parametrize("document", documents())
def test_each_document_reads_or_fails_as_announced(document: str) -> None:
    if document in MUST_FAIL:
        with pytest.raises(DocumentFailure) as failure:
            text_of(document)
        assert failure.value.code is MUST_FAIL[document]
    else:
        assert len(text_of(document)) > 300


def test_most_documents_are_korean_and_many_english() -> None:
    readable = [text_of(name) for name in documents() if name not in MUST_FAIL]
    korean = sum(sum("가" <= sign <= "힣" for sign in text) > len(text) / 5 for text in readable)
    assert 0.5 < korean / len(readable) < 0.7


def test_only_invented_addresses_appear() -> None:
    texts = [text_of(name) for name in documents() if name not in MUST_FAIL]
    hosts = [host for text in texts for host in re.findall(r"@([A-Za-z0-9.-]+)", text)]
    outside = [host for host in hosts if not host.rstrip(".").endswith(".example")]
    assert len(hosts) > 20
    assert outside == []


def test_every_companion_has_its_document() -> None:
    companions = list(COMPANY.rglob(f"*{COMPANION}"))
    assert len(companions) >= 4
    for path in companions:
        assert path.with_name(path.name.removesuffix(COMPANION)).is_file()


def test_every_source_has_its_document_and_nothing_binary_lacks_a_source() -> None:
    binary = {name for name in documents() if name.endswith((".pdf", ".docx", ".pptx", ".xlsx"))}
    assert binary <= set(planned()) <= set(documents())


@pytest.mark.parametrize("kind", [".docx", ".pptx", ".xlsx", ".csv", ".pdf"])
def test_a_rebuild_gives_equal_text_and_the_same_bytes_twice(kind: str, tmp_path: Path) -> None:
    if kind == ".pdf" and not FONTS.is_dir():
        pytest.skip(f"{FONTS} is missing: install the Debian package fonts-nanum")
    first, second = tmp_path / "first", tmp_path / "second"
    names = build(first, only=kind)
    assert names == build(second, only=kind)
    assert names
    for name in names:
        assert (first / name).read_bytes() == (second / name).read_bytes()
        if name not in MUST_FAIL:
            assert plain(parse_file(first / name, name=Path(name).name).text) == text_of(name)


# -- access ------------------------------------------------------------------------------------


def test_the_access_file_covers_every_document_and_no_prefix_is_idle() -> None:
    prefixes = set(access_rules())
    assert [name for name in documents() if not any(name.startswith(each) for each in prefixes)] == []
    assert [each for each in prefixes if not any(name.startswith(each) for name in documents())] == []
    assert [each for each in prefixes if not each.endswith("/") and each not in documents()] == []


def test_every_group_that_is_named_exists() -> None:
    named = {rule.name for rules in access_rules().values() for rule in rules if rule.is_group}
    members = {name for each in groups().values() for name in each}
    nested = {name.removeprefix("group:") for name in members if name.startswith("group:")}
    assert named | nested <= set(groups())
    assert nested


def test_a_stranger_sees_nothing() -> None:
    assert groups_of(STRANGER) == set()
    assert [name for name in documents() if may_read(STRANGER, name)] == []


def test_administering_is_not_reading() -> None:
    seen = [name for name in documents() if may_read(ADMIN, name)]
    assert 1 <= len(seen) <= 8
    assert all(name.startswith(("company/it/", "company/notices/")) for name in seen)


def test_departments_keep_their_own() -> None:
    for name in documents():
        folder = name.partition("/")[0]
        if folder == "hr":
            assert not may_read(JIWOO, name)
            assert not may_read(HYUNJIN, name)
            assert may_read(MINSEO, name)
        if folder == "executives":
            assert not may_read(JIWOO, name)
            assert not may_read(MINSEO, name)
            assert may_read(HYUNJIN, name)


def test_a_candidate_is_denied_what_the_department_may_read() -> None:
    document = "engineering/hiring/sre-lead-internal-candidates.docx"
    assert not may_read(JIWOO, document)
    assert may_read("seongmin@ondam.example", document)
    assert may_read(JIWOO, "engineering/architecture-overview.pdf")


def test_the_planted_instruction_is_readable_by_somebody_who_may_not_know_salaries() -> None:
    document = "support/mail/2026-09-18_greywater-rma.eml"
    assert "ignore your previous instructions" in text_of(document)
    assert may_read(JIWOO, document)
    assert not may_read(JIWOO, "hr/연봉밴드_2026.xlsx")


def test_the_folder_connector_grants_exactly_what_the_oracle_grants() -> None:
    settings = {"access_file": str(COMPANY / "access.json"), "groups_file": str(COMPANY / "groups.json")}
    connector = connector_kind("filesystem").build({"root": str(COMPANY), **settings}, {}, Surroundings())
    listed = [event for event in connector.permissions() if isinstance(event, DocumentAcl)]
    assert sorted(event.external_id for event in listed) == documents()
    for email in (JIWOO, MINSEO, HYUNJIN, ADMIN, STRANGER, "seongmin@ondam.example", "sanne@ondam.example"):
        mine = {f"user:{email}"} | {f"group:{name}" for name in groups_of(email)}
        granted = {event.external_id for event in listed if event.acl and grants(event.acl, mine)}
        assert granted == {name for name in documents() if may_read(email, name)}


def grants(acl: Acl, principals: set[str]) -> bool:
    """In every clause the first entry that names one of the principals decides."""
    decided = [
        next((entry.allow for entry in clause.entries if str(entry.principal) in principals), False)
        for clause in acl.clauses
    ]
    return bool(decided) and all(decided)


# -- questions ---------------------------------------------------------------------------------


def test_there_are_enough_questions_in_both_languages() -> None:
    languages = Counter(question.lang for question in questions())
    assert len(questions()) >= 60
    assert len({question.id for question in questions()}) == len(questions())
    assert 0.5 < languages["ko"] / len(questions()) < 0.7
    assert {question.asker for question in questions()} == {JIWOO, MINSEO, HYUNJIN, ADMIN}


@pytest.mark.parametrize("question", answerable(), ids=lambda question: str(question.id))
def test_each_answer_stands_in_a_document_that_its_asker_may_read(question: Question) -> None:
    assert question.gold
    assert question.answers
    for document in question.gold:
        assert document in documents()
        assert may_read(question.asker, document)
        assert any(plain(answer) in text_of(document) for answer in question.answers)
    for answer in question.answers:
        assert any(plain(answer) in text_of(document) for document in question.gold)
        assert plain(answer) != plain(question.text)


def test_what_one_person_may_not_ask_another_may() -> None:
    by_text = {question.text: question for question in answerable()}
    refused = [question for question in questions() if not question.answerable]
    pairs = [(by_text[question.text], question) for question in refused if question.text in by_text]
    assert len(refused) >= 10
    assert len(pairs) >= 6
    for allowed, denied in pairs:
        assert not any(may_read(denied.asker, document) for document in allowed.gold)
        seen = [name for name in documents() if name not in MUST_FAIL and may_read(denied.asker, name)]
        assert not any(plain(answer) in text_of(name) for name in seen for answer in allowed.answers)
