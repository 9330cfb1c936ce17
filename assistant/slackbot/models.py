"""Connected workspaces, who of them is who here, what came in, and what was posted.

Slack delivers at least once and forgets nothing; we may die at any moment. So what comes in is a row before
it is acknowledged, and what is posted is a row before it is sent.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import ClassVar
from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from assistant.chat.models import Conversation, Turn

LONGEST_ID, LONGEST_NAME, LONGEST_TS = 32, 200, 32
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)  # when an answer was judged that is to be judged at once


class Delivery(models.TextChoices):
    """How Slack reaches us."""

    HTTP = "http", "requests over HTTPS"
    SOCKET = "socket", "Socket Mode"


class Policy(models.TextChoices):
    """How a question in a channel is answered."""

    OFF = "off", "not at all"
    PRIVATE = "private", "to the asker alone, with what they may read"
    MEMBERS = "members", "to the channel, with what everybody who can read it may read"


class Workspace(models.Model):
    """A Slack workspace and the app that was made in it for this installation.

    `sealed_secrets` holds `credentials.Credentials`, sealed. `revision` counts changes of what an open client
    was made with.
    """

    handle = models.SlugField(max_length=40, unique=True)  # in the address that Slack calls; says nothing
    team_id = models.CharField(max_length=LONGEST_ID, unique=True)
    enterprise_id = models.CharField(max_length=LONGEST_ID, blank=True)
    app_id = models.CharField(max_length=LONGEST_ID, blank=True)
    bot_user_id = models.CharField(max_length=LONGEST_ID)
    bot_id = models.CharField(max_length=LONGEST_ID, blank=True)
    name = models.CharField(max_length=LONGEST_NAME)
    domain = models.CharField(max_length=LONGEST_NAME, blank=True)
    delivery = models.CharField(max_length=10, choices=Delivery.choices, default=Delivery.HTTP)
    sealed_secrets = models.BinaryField(default=b"")
    token_expires_at = models.DateTimeField(null=True)  # with token rotation
    revision = models.PositiveIntegerField(default=1)
    is_open = models.BooleanField(default=True)
    # Whether an address that Slack calls confirmed says who somebody is here. Only where the company's
    # sign-in governs it: elsewhere people may enter what they like.
    trusts_addresses = models.BooleanField(default=False)
    policy = models.CharField(max_length=10, choices=Policy.choices, default=Policy.PRIVATE)
    address = models.URLField(max_length=500)  # of Mundap, for links: https://ask.example.com
    failure = models.CharField(max_length=60, blank=True)  # what Slack said last, if it refused us
    heard_at = models.DateTimeField(null=True)
    socket_owner = models.CharField(max_length=64, blank=True)  # the process that holds the connection
    socket_lease_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(delivery__in=Delivery.values), name="slack_delivery_known"),
            models.CheckConstraint(condition=Q(policy__in=Policy.values), name="slack_policy_known"),
        ]

    def __str__(self) -> str:
        return self.name


class Channel(models.Model):
    """What an administrator decided about one channel. Without a row the workspace's policy holds."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="channels")
    channel_id = models.CharField(max_length=LONGEST_ID)
    name = models.CharField(max_length=LONGEST_NAME, blank=True)  # as it was called when somebody looked
    is_private = models.BooleanField(default=True)
    policy = models.CharField(max_length=10, choices=Policy.choices, blank=True)  # empty: the workspace's
    # Whether other apps in the channel may read along. Else nothing for all is posted beside them.
    accepts_apps = models.BooleanField(default=False)
    seen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "channel_id"], name="slack_channel_once"),
            models.CheckConstraint(condition=Q(policy__in=["", *Policy.values]), name="slack_channel_policy"),
        ]

    def __str__(self) -> str:
        return self.name or self.channel_id


class JoinedPerson(models.Model):
    """Who a Slack user is here. `by_link`: they showed it themselves; else their address did.

    What an address said counts only while it still says so (`joining.accounts_of`). A row that was left
    stays, so that no address joins the two again; a link may.
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="people")
    slack_user = models.CharField(max_length=LONGEST_ID)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="slack_identities"
    )
    by_link = models.BooleanField(default=False)
    joined_at = models.DateTimeField(default=timezone.now)
    left_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "slack_user"], name="slack_person_once"),
        ]
        indexes: ClassVar = [models.Index(fields=["user"], name="slack_person_user")]

    def __str__(self) -> str:
        return f"{self.slack_user} of {self.workspace_id} is {self.user_id}"


class JoinLink(models.Model):
    """A link that was given privately to one Slack user. Its word is kept as a digest, and counts once."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    slack_user = models.CharField(max_length=LONGEST_ID)
    digest = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"link {self.pk} of {self.workspace_id}"


class JobState(models.TextChoices):
    """How far something that came in is."""

    PENDING = "pending", "pending"
    RUNNING = "running", "running"
    DONE = "done", "done"
    FAILED = "failed", "failed"


class Job(models.Model):
    """Something that came in and is to be done once: the queue of record.

    `key` is the same however often Slack delivers it. What it says is sealed, because guardrails have not
    looked at it yet, and goes when it is done. `turn` is the answer that was begun for it.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="jobs")
    key = models.CharField(max_length=200)
    kind = models.CharField(max_length=20)
    sealed_payload = models.BinaryField(default=b"")
    state = models.CharField(max_length=10, choices=JobState.choices, default=JobState.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now)
    owner = models.CharField(max_length=64, blank=True)
    lease_until = models.DateTimeField(null=True)
    turn = models.ForeignKey(Turn, null=True, on_delete=models.SET_NULL, related_name="+")
    failure = models.CharField(max_length=60, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "key"], name="slack_job_once"),
            models.CheckConstraint(condition=Q(state__in=JobState.values), name="slack_job_state_known"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["state", "due_at"], name="slack_job_due"),
            models.Index(fields=["finished_at"], name="slack_job_finished"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class Thread(models.Model):
    """Which conversation of a person a thread of Slack is. `thread`: its first message's ts.

    A direct message outside threads belongs to the thread "", what is asked by command to "/ask".
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    channel_id = models.CharField(max_length=LONGEST_ID)
    thread = models.CharField(max_length=LONGEST_TS, blank=True)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="slack_threads")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace", "channel_id", "thread", "user"], name="slack_thread_once"
            ),
        ]

    def __str__(self) -> str:
        return f"thread {self.thread} of {self.channel_id}"


class PostState(models.TextChoices):
    """How far a message of ours is."""

    SENDING = "sending", "is being sent"  # whether it arrived is not known
    OPEN = "open", "is being written"
    FINAL = "final", "says what it is to say"
    WITHDRAWN = "withdrawn", "no longer shows its answer"


SHOWN = (PostState.SENDING, PostState.OPEN, PostState.FINAL)  # it may stand at Slack, with what it says


class Post(models.Model):
    """A message of ours that shows a turn and can still be changed. `id` is in its metadata at Slack.

    Who besides the asker was to see it stands in the turn (`Turn.seen_by`). Messages to one person in a
    channel cannot be changed and have no row.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="posts")
    job = models.OneToOneField(Job, null=True, on_delete=models.SET_NULL, related_name="post")
    turn = models.ForeignKey(Turn, null=True, on_delete=models.SET_NULL, related_name="slack_posts")
    channel_id = models.CharField(max_length=LONGEST_ID)
    thread = models.CharField(max_length=LONGEST_TS, blank=True)  # under which message it stands
    ts = models.CharField(max_length=LONGEST_TS, blank=True)  # empty until Slack has told it
    state = models.CharField(max_length=10, choices=PostState.choices, default=PostState.SENDING)
    in_channel = models.BooleanField(default=False)  # everybody in it can read it
    language = models.CharField(max_length=5, default="en")
    slack_user = models.CharField(max_length=LONGEST_ID)  # who asked
    created_at = models.DateTimeField(default=timezone.now)
    judged_at = models.DateTimeField(default=timezone.now)  # when it was last known that it may be seen
    # What the counters of permissions and of documents were before that.
    judged_for = models.BigIntegerField(default=-1)
    judged_documents = models.BigIntegerField(default=-1)
    # Who could read it then, as account ids without the asker's; a digest of who these were by addresses and
    # links (`judging.digest_of`); and of which kind the channel was (`audience.kind_of`). Empty: not known.
    judged_beside = models.JSONField(default=list)
    judged_people = models.CharField(max_length=64, blank=True)
    judged_kind = models.CharField(max_length=60, blank=True)
    tried_at = models.DateTimeField(null=True)  # when judging it was last begun
    kind_asked_at = models.DateTimeField(default=timezone.now)  # when its channel's kind was last asked for

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(state__in=PostState.values), name="slack_post_state_known"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["state", "judged_at"], name="slack_post_judged"),
            models.Index(fields=["workspace", "channel_id"], name="slack_post_channel"),
        ]

    def __str__(self) -> str:
        return f"post {self.pk}"
