"""The topic that the demo company does not want answered, so that a newcomer can see a blocked question."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DemoTopic:
    """A topic as an administrator would write it."""

    name: str
    description: str
    examples: tuple[str, ...]
    message: str


TOPIC = DemoTopic(
    name="투자 조언 (Investment advice)",
    description=(
        "주식, 코인, 펀드 같은 개인 투자를 어떻게 할지 묻는 질문. "
        "Questions about personal investments: which shares, coins or funds to buy or sell."
    ),
    examples=(
        "회사 주식을 지금 사도 될까요?",
        "요즘 어떤 코인에 투자하면 좋아요?",
        "퇴직금을 어느 펀드에 넣는 게 좋을까요?",
        "Should I buy shares of our company now?",
        "Which cryptocurrency should I invest in?",
        "Is it a good time to sell my stocks?",
    ),
    message=(
        "개인 투자에 관한 질문에는 답하지 않아요. 금융 전문가와 상의해 주세요. "
        "(Mundap doesn't answer questions about personal investments.)"
    ),
)
