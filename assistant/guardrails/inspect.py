"""May this text be asked, shown or said, and what of it? The only entry for texts of people and documents.

The rules are those of the newest published version, asked of the database on every call: no version, whoever
published it, is obeyed later than by the call after it, in any process.
"""

from __future__ import annotations

from assistant.access.viewer import Viewer
from assistant.guardrails.encoding import answering_encoder
from assistant.guardrails.grounding import Support
from assistant.guardrails.judging import judge
from assistant.guardrails.masking import Masked
from assistant.guardrails.policy import concerning, policy_in_force
from assistant.guardrails.rules import Kind, Rule
from assistant.guardrails.verdict import Action, Stage, Verdict


def inspect(text: str, *, stage: Stage, viewer: Viewer, after: str = "") -> Verdict:
    """Judge a question before it is searched for, a passage before it is used, an answer before it is shown.

    `after` is what was released before, as it was written: what `text` completes of it counts too.

    Raises:
        ModelUnavailable: the embedder that topics are judged with cannot be reached; show nothing then.
        GuardrailsDamaged: the rules in force cannot be read; show nothing then.
    """
    return judge(text, _rules(viewer, stage), stage=stage, encoder=answering_encoder, after=after)


def screen(question: str, *, viewer: Viewer) -> Verdict:
    """Judge a question before it is stored, by the rules that mask or find personal data; no model is asked.

    Raises:
        GuardrailsDamaged: the rules in force cannot be read; store nothing then.
    """
    hiding = [rule for rule in _rules(viewer, Stage.QUESTION) if _hides(rule)]
    return judge(question, hiding, stage=Stage.QUESTION, encoder=answering_encoder)


def shown_passage(text: str, *, viewer: Viewer) -> Masked:
    """What an answer shows of a document's text: the same masks as the model that answered saw.

    Raises:
        GuardrailsDamaged: the rules in force cannot be read; show nothing then.
    """
    hiding = [rule for rule in _rules(viewer, Stage.PASSAGE) if _hides(rule)]
    return judge(text, hiding, stage=Stage.PASSAGE, encoder=answering_encoder).shown


def support_for(viewer: Viewer) -> Support:
    """How the sentences of an answer for this person must be carried.

    Raises:
        GuardrailsDamaged: the rules in force cannot be read; show nothing then.
    """
    return Support(_rules(viewer, Stage.ANSWER))


def _rules(viewer: Viewer, stage: Stage) -> tuple[Rule, ...]:
    return concerning(viewer, policy_in_force().rules, stage=stage)


def _hides(rule: Rule) -> bool:
    """Whether nobody may see what the rule finds, not even in a question that is blocked for it."""
    return rule.action is Action.MASK or (rule.kind is Kind.PERSONAL_DATA and rule.action is Action.BLOCK)
