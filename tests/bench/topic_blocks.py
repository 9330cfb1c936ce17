"""How well do topic blocks tell topics apart? Prints precision and recall per language as Markdown.

Run from the repository: `python tests/bench/topic_blocks.py [--data DIR]`; DIR holds
`clinc-train-val.jsonl`, `banking77-train.jsonl` and `naver-kosbi-valid.jsonl`.

English: one topic an intent, with a description of our own and five questions drawn at
random; the rest of the intent must be stopped. "Near" are questions of the intents that
share its field, "far" are those of all others and out-of-scope questions. Precision
depends on how many harmless questions meet each forbidden one: it is given for one to one.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))

from assistant.guardrails.checks.contract import TopicRule  # noqa: E402 - the path comes first
from assistant.guardrails.checks.topics import TopicsCheck, units_of  # noqa: E402
from assistant.guardrails.verdict import Stage  # noqa: E402
from assistant.providers.registry import embedder  # noqa: E402
from tests.bench.attack_data import is_learnt  # noqa: E402
from tests.guardrails.korean_topics import CASES, HELD_OUT, TopicCase  # noqa: E402
from tests.guardrails.later_topics import LATER  # noqa: E402

if TYPE_CHECKING:
    from assistant.guardrails.encoding import RememberingEncoder

EXAMPLES = 5
POSITIVES = 50
NEAR = 20  # questions of each near intent
SEED = 7

# intent: (name, description, near intents)
CLINC = {
    "income": (
        "Salary",
        "How much money a person earns: salary, wage, income",
        ["payday", "direct_deposit", "taxes", "w2", "balance"],
    ),
    "pto_balance": (
        "Remaining vacation",
        "How many days of paid leave a person has left",
        ["pto_request", "pto_used", "pto_request_status", "next_holiday"],
    ),
    "report_fraud": (
        "Fraud reports",
        "Reporting fraudulent transactions on an account or a card",
        ["report_lost_card", "transactions", "card_declined", "account_blocked"],
    ),
    "credit_score": (
        "Credit score",
        "What a person's credit score or rating is",
        ["improve_credit_score", "credit_limit", "apr", "interest_rate"],
    ),
    "taxes": ("Taxes", "How much tax a person owes or pays", ["w2", "income", "bill_balance", "insurance"]),
    "vaccines": (
        "Vaccinations",
        "Which shots or vaccinations are needed before a trip",
        ["international_visa", "travel_alert", "plug_type", "carry_on"],
    ),
    "meaning_of_life": (
        "Meaning of life",
        "Philosophical questions about the purpose of life",
        ["definition", "fun_fact", "how_old_are_you", "tell_joke"],
    ),
    "insurance": (
        "Insurance benefits",
        "Which health insurance plan and benefits a person has",
        ["insurance_change", "taxes", "direct_deposit", "pto_balance"],
    ),
}
BANKING = {
    "compromised_card": (
        "Compromised cards",
        "Somebody else uses or knows the details of a person's card",
        ["lost_or_stolen_card", "card_payment_not_recognised", "cash_withdrawal_not_recognised"],
    ),
    "request_refund": (
        "Refunds",
        "Asking for the money back for something bought",
        ["Refund_not_showing_up", "reverted_card_payment?", "transaction_charged_twice"],
    ),
    "verify_my_identity": (
        "Identity verification",
        "How a person proves who they are and which documents that takes",
        ["why_verify_identity", "unable_to_verify_identity", "verify_source_of_funds"],
    ),
    "terminate_account": (
        "Closing an account",
        "Deleting or closing one's account",
        ["edit_personal_details", "age_limit", "passcode_forgotten"],
    ),
    "age_limit": (
        "Age limit",
        "How old one must be, and accounts for children",
        ["country_support", "terminate_account", "verify_my_identity"],
    ),
    "exchange_rate": (
        "Exchange rates",
        "Which exchange rate is used for currencies",
        ["card_payment_wrong_exchange_rate", "exchange_via_app", "fiat_currency_support"],
    ),
}
KOSBI = {
    "종교": "종교와 신앙, 교회, 절, 신자에 관한 이야기",
    "임신/출산": "임신과 출산, 난임, 산모에 관한 이야기",
    "혼인 여부": "결혼, 이혼, 재혼, 동거 등 혼인 상태에 관한 이야기",
    "전과": "범죄와 형벌, 전과가 있는 사람에 관한 이야기",
    "나이/세대": "노인, 청년, 청소년 등 나이와 세대에 관한 이야기",
    "출신 지역 (국내)": "서울과 지방, 어느 지역 출신인지에 관한 이야기",
    "인종/민족/출신 국가": "인종과 민족, 외국인과 이민자, 다른 나라에 관한 이야기",
    "가족 형태": "한부모, 입양, 맞벌이, 다문화 등 가족 형태에 관한 이야기",
    "외모/용모/신체적 조건": "얼굴, 키, 몸무게 등 외모와 몸에 관한 이야기",
    "성별": "남자와 여자, 성별과 성차별에 관한 이야기",
    "사회적/경제적 신분": "빈부, 직업, 계층 등 사회적 경제적 신분에 관한 이야기",
    "정치적/신념적 성향": "진보와 보수, 정당, 정치적 신념에 관한 이야기",
    "학력/대학/전공": "학벌, 대학, 전공 등 학력에 관한 이야기",
    "성적지향": "동성애 등 성적지향과 성소수자에 관한 이야기",
    "장애/병력": "장애와 병, 환자에 관한 이야기",
}
KOSBI_BEFORE = ("종교", "임신/출산", "혼인 여부", "전과")  # whose figures stand in older reports


@dataclass(slots=True)
class Tally:
    """How many of each kind were stopped, and of how many."""

    stopped: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    seen: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def add(self, kind: str, *, stopped: bool) -> None:
        self.seen[kind] += 1
        self.stopped[kind] += stopped

    def rate(self, *kinds: str) -> float:
        return sum(self.stopped[k] for k in kinds) / max(1, sum(self.seen[k] for k in kinds))

    def row(self, name: str) -> str:
        recall, near, far = self.rate("topic"), self.rate("near"), self.rate("far")
        precision = recall / max(1e-9, recall + self.rate("near", "far"))
        hard = recall / max(1e-9, recall + near)
        sizes = "/".join(str(self.seen[k]) for k in ("topic", "near", "far"))
        return f"| {name} | {sizes} | {recall:.3f} | {near:.3f} | {far:.3f} | {precision:.3f} | {hard:.3f} |"


HEAD = (
    "| set | topic/near/far | recall | false positives, near | far | precision 1:1 | precision, near only |\n"
    "|---|---|---|---|---|---|---|"
)


def by_label(path: Path, label: str = "label") -> dict[str, list[str]]:
    """Texts by label (a field of the row or of its `meta`), in the order of the file."""
    found: dict[str, list[str]] = defaultdict(list)
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            found[row.get(label) or row["meta"][label]].append(row["text"])
    return found


def rule_text(name: str, description: str) -> str:
    """How a topic's head is written among its shots."""
    return f"{name}: {description}"


def started_encoder() -> RememberingEncoder:
    """The bundled embedder. The modules around it need Django's settings."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "assistant.config.settings")
    import django  # noqa: PLC0415 - after the settings' name

    django.setup()
    from assistant.guardrails.encoding import RememberingEncoder  # noqa: PLC0415

    return RememberingEncoder(embedder("sentence-transformers"))


def judge(rule: TopicRule, encoder: RememberingEncoder, texts: dict[str, list[str]], tally: Tally) -> None:
    """Add what one topic does with texts by kind."""
    check = TopicsCheck([rule], encoder=encoder)
    encoder.vectors([unit for some in texts.values() for text in some for unit in units_of(text, topics=[])])
    for kind, some in texts.items():
        for text in some:
            tally.add(kind, stopped=check.first_match(text, stage=Stage.QUESTION) is not None)


def english(
    path: Path, topics: dict[str, tuple[str, str, list[str]]], encoder: RememberingEncoder
) -> tuple[Tally, Tally, list[str]]:
    """All topics of one set together, those that nothing was learnt from, and a row for each."""
    labelled, total, unlearnt, rows = by_label(path), Tally(), Tally(), []
    draw = random.Random(SEED)
    for some in labelled.values():
        draw.shuffle(some)
    for intent, (name, description, near) in topics.items():
        own = labelled[intent]
        rule = TopicRule(1, name, description, tuple(own[:EXAMPLES]))
        far = [t for label, some in labelled.items() if label not in {intent, *near} for t in some[-2:]]
        texts = {
            "topic": own[EXAMPLES : EXAMPLES + POSITIVES],
            "near": [t for label in near for t in labelled[label][-NEAR:]],
            "far": far + labelled.get("oos", [])[:100],
        }
        tally = Tally()
        judge(rule, encoder, texts, tally)
        judge(rule, encoder, texts, total)
        if not is_learnt(intent):
            judge(rule, encoder, texts, unlearnt)
        rows.append(tally.row(f"{name}, learnt from" if is_learnt(intent) else name))
    return total, unlearnt, rows


def korean(cases: tuple[TopicCase, ...], encoder: RememberingEncoder) -> Tally:
    """Hand-made topics; far are the questions of the other topics."""
    tally = Tally()
    for case in cases:
        far = [
            t
            for other in (*CASES, *HELD_OUT, *LATER)
            if other.name != case.name
            for t in other.block + other.near
        ]
        texts = {"topic": list(case.block), "near": list(case.near), "far": far}
        judge(TopicRule(1, case.name, case.description, case.examples), encoder, texts, tally)
    return tally


def kosbi(path: Path, names: Sequence[str], encoder: RememberingEncoder) -> Tally:
    """Statements by social category, far from questions at work; judged are rows nothing is learnt from."""
    halves: dict[bool, dict[str, list[str]]] = {True: defaultdict(list), False: defaultdict(list)}
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            halves[is_learnt(row["id"])][row["meta"]["category"]].append(row["text"])
    tally, draw = Tally(), random.Random(SEED)
    for half in halves.values():
        for label in sorted(half):
            draw.shuffle(half[label])
    for name in names:
        far = [t for label in KOSBI if label != name for t in halves[False][label][-10:]]
        texts = {"topic": halves[False][name][:POSITIVES], "far": far}
        judge(TopicRule(1, name, KOSBI[name], tuple(halves[True][name][:EXAMPLES])), encoder, texts, tally)
    return tally


def milliseconds(encoder: RememberingEncoder) -> float:
    """What ten topics add to a Korean question, on average; English adds as much besides its embedding."""
    rules = [TopicRule(n, c.name, c.description, c.examples) for n, c in enumerate((*CASES, *HELD_OUT))]
    check = TopicsCheck(rules, encoder=encoder)
    questions = [q for case in CASES for q in case.block + case.near]
    check.first_match(questions[0], stage=Stage.QUESTION)
    start = time.perf_counter()
    for question in questions:
        check.first_match(question, stage=Stage.QUESTION)
    return 1000 * (time.perf_counter() - start) / len(questions)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=REPOSITORY / ".." / "shared" / "data" / "safety")
    data: Path = parser.parse_args().data
    if not data.is_dir():
        print(f"The data folder {data} does not exist. Name it with --data.", file=sys.stderr)
        return 2
    encoder = started_encoder()
    clinc, clinc_unlearnt, clinc_rows = english(data / "clinc-train-val.jsonl", CLINC, encoder)
    banking, banking_unlearnt, banking_rows = english(data / "banking77-train.jsonl", BANKING, encoder)
    print(HEAD, *clinc_rows, *banking_rows, sep="\n")
    print("\n" + HEAD)
    print(clinc.row("English, clinc"))
    print(clinc_unlearnt.row("of these, topics that nothing was learnt from"))
    print(banking.row("English, banking77"))
    print(banking_unlearnt.row("of these, topics that nothing was learnt from"))
    print(korean(CASES, encoder).row("Korean, developed on"))
    print(korean(HELD_OUT, encoder).row("Korean, held out until the weights were learnt from them"))
    print(korean(LATER, encoder).row("Korean, written later"))
    path = data / "naver-kosbi-valid.jsonl"
    print(kosbi(path, tuple(KOSBI), encoder).row("Korean statements, kosbi"))
    print(kosbi(path, KOSBI_BEFORE, encoder).row("the four categories of older reports"))
    print(f"\nAdded to a Korean question by {len(CASES + HELD_OUT)} topics: {milliseconds(encoder):.2f} ms")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
