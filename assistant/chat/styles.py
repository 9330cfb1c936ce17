"""How are answers to be written: what the company has set, what each person wishes, and what a turn gets.

Asked of the database for each turn, so that a change counts from the next question on in every process.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from django.db import transaction

from assistant.access.roles import require
from assistant.access.viewer import Viewer
from assistant.accounts.roles import Right
from assistant.audit.trail import Event, record
from assistant.catalogue.entries import Origin
from assistant.catalogue.selectors import models_for
from assistant.chat.manner import Manner
from assistant.chat.models import ONLY_ROW, AnswerPolicy, PersonalStyle, Turn, TurnMode
from assistant.chat.past import overheard, past
from assistant.common.errors import UsageError
from assistant.providers.wishes import MOST_INSTRUCTIONS, Audience, Length, Scope, Style, Tone


@dataclass(frozen=True, slots=True)
class Policy:
    """What holds for everybody. `drafts`: people may ask for drafts.

    Raises:
        UsageError: instructions of more than 1,000 characters.
    """

    scope: Scope = Scope.COMPANY
    drafts: bool = False
    length: Length = Length.NORMAL
    tone: Tone = Tone.NEUTRAL
    audience: Audience = Audience.EVERYBODY
    instructions: str = ""

    def __post_init__(self) -> None:
        """Refuse instructions that are too long."""
        checked_instructions(self.instructions)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What one person wants otherwise; None: as the company has it.

    Raises:
        UsageError: instructions of more than 1,000 characters.
    """

    length: Length | None = None
    tone: Tone | None = None
    audience: Audience | None = None
    instructions: str = ""

    def __post_init__(self) -> None:
        """Refuse instructions that are too long."""
        checked_instructions(self.instructions)


def checked_instructions(text: str) -> str:
    """The text itself.

    Raises:
        UsageError: it is too long.
    """
    if len(text) > MOST_INSTRUCTIONS:
        raise UsageError(f"The instructions have {len(text)} characters; at most {MOST_INSTRUCTIONS} fit.")
    return text


def policy_in_force() -> Policy:
    """What the database holds now."""
    row = AnswerPolicy.objects.filter(pk=ONLY_ROW).first()
    if row is None:
        return Policy()
    return Policy(
        scope=Scope(row.scope),
        drafts=row.drafts,
        length=Length(row.length),
        tone=Tone(row.tone),
        audience=Audience(row.audience),
        instructions=row.instructions,
    )


def set_policy(policy: Policy, *, viewer: Viewer) -> None:
    """Let this hold from the next question on, and audit it. What holds already is no change.

    Raises:
        NotFound: the viewer may not set it.
    """
    require(viewer, Right.MANAGE_ANSWERS)
    with transaction.atomic():
        before = policy_in_force()
        AnswerPolicy.objects.update_or_create(pk=ONLY_ROW, defaults=asdict(policy))
        if policy != before:
            record(
                Event.ANSWERS_CHANGED,
                actor_id=viewer.user_id,
                actor=viewer.email,
                before=asdict(before),
                after=asdict(policy),
            )


def has_language_model(viewer: Viewer) -> bool:
    """Whether there is a model that words its answers and that the person may use now."""
    return any(entry.origin is not Origin.BUILT_IN for entry in models_for(viewer))


def wishes_of(viewer: Viewer) -> Wishes:
    """What the person wants otherwise than the company; nothing where others read what is answered."""
    if viewer.beside:
        return Wishes()
    row = PersonalStyle.objects.filter(user_id=viewer.user_id).first()
    if row is None:
        return Wishes()
    return Wishes(
        length=Length(row.length) if row.length else None,
        tone=Tone(row.tone) if row.tone else None,
        audience=Audience(row.audience) if row.audience else None,
        instructions=row.instructions,
    )


def set_wishes(wishes: Wishes, *, viewer: Viewer) -> None:
    """Keep what the person wants, for their own questions."""
    kept = {name: value or "" for name, value in asdict(wishes).items()}
    PersonalStyle.objects.update_or_create(user_id=viewer.user_id, defaults=kept)


def style_for(policy: Policy, wishes: Wishes) -> Style:
    """The person's wishes over what the company has set; instructions of both."""
    return Style(
        length=wishes.length or policy.length,
        tone=wishes.tone or policy.tone,
        audience=wishes.audience or policy.audience,
        instructions=tuple(text for text in (policy.instructions, wishes.instructions) if text.strip()),
    )


def manner_for(viewer: Viewer, mode: str = TurnMode.ANSWER) -> Manner:
    """How a question outside any conversation is answered at this moment.

    Raises:
        UsageError: it asks for a draft, and drafts are not offered; or there is no such mode.
    """
    policy = policy_in_force()
    drafts = _drafts(mode, policy)
    return Manner(
        style=style_for(policy, wishes_of(viewer)),
        scope=policy.scope,
        drafts=drafts,
        searches=mode != TurnMode.DRAFT,
    )


def manner_of(turn: Turn, *, viewer: Viewer) -> Manner:
    """How a stored question is answered at this moment.

    Raises:
        UsageError: it asks for a draft, and drafts are not offered any more.
    """
    policy = policy_in_force()
    drafts = _drafts(turn.mode, policy)
    return Manner(
        history=(*overheard(turn), *past(viewer, turn)),
        style=style_for(policy, wishes_of(viewer)),
        scope=policy.scope,
        drafts=drafts,
        searches=turn.mode != TurnMode.DRAFT,
    )


def _drafts(mode: str, policy: Policy) -> bool:
    """Whether this mode wants a draft, which must be offered."""
    drafts = mode != TurnMode.ANSWER
    if drafts and (mode not in TurnMode.values or not policy.drafts):
        raise UsageError("Drafts are not offered here. Ask for an answer instead.")
    return drafts
