"""Conversations, turns, the stored events of each turn, and what an answer cites.

Events are stored before they are shown, so that a stream survives a reload, a
second tab and a lost line. Text of documents stands here only as part of an
answer, and each reading of it passes the door again.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from assistant.documents.models import Document
from assistant.providers.wishes import MOST_INSTRUCTIONS, Audience, Length, Scope, Tone

ONLY_ROW = 1


class Conversation(models.Model):
    """One person's thread of turns. Nobody else may know that it exists."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="conversations")
    title = models.CharField(max_length=120)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["user", "-updated_at"])]

    def __str__(self) -> str:
        return f"conversation {self.pk}"


class TurnState(models.TextChoices):
    """How far a turn is. The last four never change again."""

    PENDING = "pending", "pending"
    RUNNING = "running", "running"
    DONE = "done", "done"
    STOPPED = "stopped", "stopped"
    BLOCKED = "blocked", "blocked"
    FAILED = "failed", "failed"


class TurnMode(models.TextChoices):
    """What the person wants: an answer from documents, or a draft, without or with documents."""

    ANSWER = "answer", "answer"
    DRAFT = "draft", "draft"
    DRAFT_FROM_DOCUMENTS = "draft_from_documents", "draft from documents"


class FilesAsked(models.TextChoices):
    """What part a conversation's own files have in a turn."""

    NONE = "", "none"
    JOINED = "joined", "files and company documents"
    ONLY = "only", "files only"


class Turn(models.Model):
    """A question and its answer."""

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="turns")
    question = models.TextField()
    language = models.CharField(max_length=5)
    state = models.CharField(max_length=10, choices=TurnState.choices, default=TurnState.PENDING)
    model = models.CharField(max_length=120)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    lease_until = models.DateTimeField(null=True)  # a running turn whose lease ran out has lost its process
    stop_requested = models.BooleanField(default=False)
    # Documents whose passages the model was given: a sentence that cites none may stand on any of them.
    read_documents = models.JSONField(default=list)
    # What the person narrowed the search to (`retrieval.filters.as_stored`); empty: nothing.
    filters = models.JSONField(default=dict, blank=True)
    mode = models.CharField(max_length=20, choices=TurnMode.choices, default=TurnMode.ANSWER)
    # Documents that earlier answers stand on which a language model was told: without one of them nothing
    # of this turn may be shown.
    carried_documents = models.JSONField(default=list)
    # Ids of other accounts who saw it asked and see what is answered; the answer is made for all of them.
    seen_by = models.JSONField(default=list)
    masked = models.BooleanField(default=False)  # whether guardrails masked anything in the question
    files = models.CharField(max_length=10, choices=FilesAsked.choices, default=FilesAsked.NONE, blank=True)
    # What others said before the question where it was asked (`condensing.Overheard`), until it is answered.
    overheard = models.JSONField(default=list, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(files__in=FilesAsked.values), name="turn_files_known"),
            models.CheckConstraint(condition=Q(state__in=TurnState.values), name="turn_state_known"),
            models.CheckConstraint(condition=Q(mode__in=TurnMode.values), name="turn_mode_known"),
        ]

    def __str__(self) -> str:
        return f"turn {self.pk}"

    def was_seen_by(self, others: Collection[int]) -> bool:
        """Whether it was asked before all of these accounts. Its owner saw it anyhow."""
        return set(others) <= set(self.seen_by)


class StoredEvent(models.Model):
    """One event of a turn, in the order of `seq` (1, 2, ...)."""

    turn = models.ForeignKey(Turn, on_delete=models.CASCADE, related_name="events")
    seq = models.PositiveIntegerField()
    kind = models.CharField(max_length=20)
    payload = models.JSONField(default=dict)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["turn", "seq"], name="stored_event_once"),
        ]
        ordering: ClassVar = ["seq"]

    def __str__(self) -> str:
        return f"{self.kind} {self.seq} of turn {self.turn_id}"


class Citation(models.Model):
    """Passage `n` of an answer: where it stands in which version of a document."""

    turn = models.ForeignKey(Turn, on_delete=models.CASCADE, related_name="citations")
    n = models.PositiveIntegerField()
    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="+")
    version = models.PositiveIntegerField()
    start = models.PositiveIntegerField()  # of the passage, in the body's text
    end = models.PositiveIntegerField()
    place = models.CharField(max_length=200, blank=True)
    headings = models.TextField(blank=True)
    quotes = models.JSONField(default=list)  # [[start, end], ...] in the body's text; none: only read
    # [[document id, version, reason], ...] of what is folded under it; titles are asked for when shown.
    folded = models.JSONField(default=list)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["turn", "n"], name="citation_number_once"),
        ]
        ordering: ClassVar = ["n"]

    def __str__(self) -> str:
        return f"citation {self.n} of turn {self.turn_id}"


class Share(models.Model):
    """The link by which colleagues may open a conversation's turns up to and including `until`.

    Ending a share deletes its row, so that an ended link and one that never was are the same. The token is
    kept as it is: its owner must see the link again, and alone it opens nothing. Whoever follows the link is
    signed in, and each answer passes the door for them.
    """

    conversation = models.OneToOneField(Conversation, on_delete=models.CASCADE, related_name="share")
    token = models.CharField(max_length=64, unique=True)
    until = models.ForeignKey(Turn, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return f"share {self.pk} of conversation {self.conversation_id}"


class FeedbackReason(models.TextChoices):
    """Why an answer was not useful."""

    WRONG = "wrong", "something in it is wrong"
    INCOMPLETE = "incomplete", "something is missing"
    OUTDATED = "outdated", "it is out of date"
    SOURCES = "sources", "it stands on the wrong documents"
    UNCLEAR = "unclear", "it is hard to understand"
    OTHER = "other", "something else"


class Feedback(models.Model):
    """What a person says of an answer."""

    turn = models.ForeignKey(Turn, on_delete=models.CASCADE, related_name="feedback")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    useful = models.BooleanField()
    reasons = models.JSONField(default=list)  # of `FeedbackReason`
    comment = models.TextField(blank=True)
    given_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["turn", "user"], name="feedback_once"),
        ]

    def __str__(self) -> str:
        return f"feedback on turn {self.turn_id}"


def _choices(kind: type[Length] | type[Tone] | type[Audience] | type[Scope]) -> list[tuple[str, str]]:
    return [(one.value, one.value) for one in kind]


class AnswerPolicy(models.Model):
    """What administrators have set for all answers: the one row; without it the defaults hold."""

    scope = models.CharField(max_length=10, choices=_choices(Scope), default=Scope.COMPANY)
    drafts = models.BooleanField(default=False)  # people may ask for drafts
    length = models.CharField(max_length=10, choices=_choices(Length), default=Length.NORMAL)
    tone = models.CharField(max_length=10, choices=_choices(Tone), default=Tone.NEUTRAL)
    audience = models.CharField(max_length=10, choices=_choices(Audience), default=Audience.EVERYBODY)
    instructions = models.TextField(max_length=MOST_INSTRUCTIONS, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(pk=ONLY_ROW), name="answer_policy_once"),
            models.CheckConstraint(condition=Q(scope__in=list(Scope)), name="answer_policy_scope_known"),
        ]

    def __str__(self) -> str:
        return "answer policy"


class PersonalStyle(models.Model):
    """How one person wants answers to be written. Empty: as the company has it."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.CASCADE, related_name="+"
    )
    length = models.CharField(max_length=10, choices=_choices(Length), blank=True)
    tone = models.CharField(max_length=10, choices=_choices(Tone), blank=True)
    audience = models.CharField(max_length=10, choices=_choices(Audience), blank=True)
    instructions = models.TextField(max_length=MOST_INSTRUCTIONS, blank=True)

    def __str__(self) -> str:
        return f"style of {self.user_id}"


class FileState(models.TextChoices):
    """How far a file of a conversation is."""

    READING = "reading", "being read"
    READY = "ready", "ready"
    FAILED = "failed", "cannot be used"


class ChatFile(models.Model):
    """A file that a person added to a conversation. Its text is a private document of theirs.

    The row is the queue: a file in state `reading` is read by whoever holds its lease, and by somebody else
    once that is over. The bytes lie in `files_kept` until it is read.
    """

    document = models.OneToOneField(
        Document, primary_key=True, on_delete=models.CASCADE, related_name="chat_file"
    )
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="files")
    name = models.CharField(max_length=200)
    media_type = models.CharField(max_length=120, blank=True)
    size = models.PositiveBigIntegerField()  # bytes
    kept_as = models.CharField(max_length=40, unique=True)
    state = models.CharField(max_length=10, choices=FileState.choices, default=FileState.READING)
    failure = models.CharField(
        max_length=40, blank=True
    )  # why it cannot be used (`common.errors.FailureCode`)
    attempts = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(state__in=FileState.values), name="chat_file_state_known"),
        ]
        ordering: ClassVar = ["document_id"]

    def __str__(self) -> str:
        return f"file {self.document_id} of conversation {self.conversation_id}"
