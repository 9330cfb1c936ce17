"""What people read in place of what a rule found, in the text's language: labels and messages.

Neither tells anything of what was found.
"""

from __future__ import annotations

from assistant.guardrails.detecting import PATTERN
from assistant.guardrails.rules import Kind, Rule
from assistant.guardrails.verdict import Stage

# By kind of a finding, else by kind of the rule.
_LABELS = {
    "email": ("email address", "이메일 주소"),
    "phone": ("phone number", "전화번호"),
    "card": ("card number", "카드 번호"),
    "iban": ("account number", "계좌 번호"),
    "passport": ("passport number", "여권 번호"),
    "kr_resident_number": ("resident number", "주민등록번호"),
    "kr_foreigner_number": ("foreigner number", "외국인등록번호"),
    "driving_licence": ("driving licence", "운전면허 번호"),
    "bank_account": ("account number", "계좌 번호"),
    "kr_business_number": ("business number", "사업자등록번호"),
    "address": ("address", "주소"),
    "us_social_security_number": ("social security number", "사회보장번호"),
    "ip_address": ("IP address", "IP 주소"),
    Kind.PERSONAL_DATA.value: ("personal data", "개인정보"),
    Kind.WORDS.value: ("hidden", "가림"),
    Kind.HARMFUL.value: ("inappropriate content", "부적절한 표현"),
    Kind.HIDDEN_INSTRUCTIONS.value: ("instruction left out", "지시문 제외"),
}
_LANGUAGES = ("en", "ko")


_ABOUT_A_TOPIC = {
    "en": "Questions about “{name}” are not answered here. Please ask the department in charge.",
    "ko": "‘{name}’에 관한 내용은 여기에서 답해 드리지 않습니다. 필요하시면 담당 부서에 문의해 주세요.",
}
_MESSAGES = {
    (Kind.PERSONAL_DATA, Stage.QUESTION): {
        "en": "Your question holds personal data. Leave it out and ask again.",
        "ko": "질문에 개인정보가 들어 있어요. 개인정보를 빼고 다시 물어봐 주세요.",
    },
    (Kind.PERSONAL_DATA, Stage.ANSWER): {
        "en": "The answer ends here: what follows would have shown personal data.",
        "ko": "이어지는 내용에 개인정보가 들어 있어 여기까지만 답할게요.",
    },
    (Kind.HARMFUL, Stage.QUESTION): {
        "en": "Mundap doesn’t answer questions put like this. Please ask in other words.",
        "ko": "이런 표현이 담긴 질문에는 답하지 않아요. 다른 말로 물어봐 주세요.",
    },
    (Kind.HARMFUL, Stage.ANSWER): {
        "en": "The answer ends here: what follows isn’t fit to be shown.",
        "ko": "이어지는 내용은 보여 드리기에 알맞지 않아 여기까지만 답할게요.",
    },
    (Kind.PROMPT_ATTACK, Stage.QUESTION): {
        "en": "This reads like an order to work by other rules. Please ask about your documents.",
        "ko": "정해진 규칙을 바꾸라는 요청처럼 보여서 답하지 않았어요. 문서에 관해 물어봐 주세요.",
    },
    (Kind.GROUNDING, Stage.ANSWER): {
        "en": "The answer ends here: too little of what follows stands in your documents.",
        "ko": "이어지는 내용은 문서에서 근거를 찾기 어려워 여기까지만 답할게요.",
    },
}


def label_for(kind: str, *, rule_kind: Kind, language: str) -> str:
    """`[phone number]` or `[전화번호]`; for an own pattern its name."""
    if kind.startswith(PATTERN):
        return f"[{kind.removeprefix(PATTERN)}]"
    words = _LABELS.get(kind) or _LABELS[rule_kind.value]
    return f"[{words[_LANGUAGES.index(language)]}]"


def message_for(rule: Rule, *, stage: Stage, language: str) -> str:
    """What a person reads if the rule's author wrote no message."""
    words = _MESSAGES.get((rule.kind, stage), _ABOUT_A_TOPIC)
    return words[language].format(name=rule.name)
