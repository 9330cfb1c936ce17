"""Documents, their text and chunks, vectors of texts, which index answers, and interned access lists.

The index is derived from these rows. A document is searchable exactly if it has a
version, an access list and no `hidden` mark; `revision` carries the value of the
document counter at its last change, so that readers load only what changed.

A document with an owner is private: a file that a person added to a conversation. It has no access
list, so that whatever does not know of owners shows it to nobody, it is in no index, and
`Document.objects`, which everything of the company asks, does not know it.
"""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q, QuerySet
from django.db.models.functions import Lower
from django.utils import timezone

from assistant.accounts.models import Connection, Principal


class Acl(models.Model):
    """An access list: an AND of clauses. Equal lists of one connection share a row; rows never change."""

    digest = models.CharField(max_length=64, unique=True)
    clause_count = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"acl {self.pk}"


class AclEntry(models.Model):
    """One entry of a clause. In the order of `position`, the first that matches a person decides."""

    acl = models.ForeignKey(Acl, on_delete=models.CASCADE, related_name="entries")
    clause = models.PositiveIntegerField()
    position = models.PositiveIntegerField()
    allow = models.BooleanField()
    principal = models.ForeignKey(Principal, on_delete=models.PROTECT)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["acl", "clause", "position"], name="acl_entry_place"),
        ]

    def __str__(self) -> str:
        return f"{'allow' if self.allow else 'deny'} {self.principal}"


class Hidden(models.TextChoices):
    """Why a document that has text is shown to nobody."""

    NO = "", "no"
    PERMISSIONS = "permissions", "permissions in doubt"
    MISSING = "missing", "gone from the source, deletion awaits approval"
    REMOVED = "removed", "deleted"


class CompanyDocuments(models.Manager["Document"]):
    """Documents of sources: private ones are left out."""

    def get_queryset(self) -> QuerySet[Document]:
        """All without an owner."""
        return super().get_queryset().filter(owner=None)


class Document(models.Model):
    """One document of one connection. Deleting clears its content and keeps the row as a tombstone."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="documents")
    external_id = models.CharField(max_length=1024)
    title = models.CharField(max_length=500, blank=True)
    name = models.CharField(max_length=255, blank=True)
    url = models.CharField(max_length=2000, blank=True)
    media_type = models.CharField(max_length=120, blank=True)
    attributes = models.JSONField(default=dict)
    language = models.CharField(max_length=5, blank=True)
    modified_at = models.DateTimeField(null=True)
    synced_at = models.DateTimeField(default=timezone.now)

    version = models.PositiveIntegerField(default=0)  # 0: no text yet; else the version of body and chunks
    source_version = models.CharField(max_length=200, blank=True)  # the source's mark of that version
    content_digest = models.CharField(max_length=64, blank=True)
    hidden = models.CharField(max_length=20, choices=Hidden.choices, default=Hidden.NO, blank=True)
    failure_code = models.CharField(max_length=40, blank=True)  # why the latest content was not taken

    acl = models.ForeignKey(Acl, null=True, on_delete=models.PROTECT)
    acl_confirmed_at = models.DateTimeField(null=True)
    acl_stale = models.BooleanField(default=False)  # the last read of the access list failed

    # The last run that listed the document, and the last whose reading of access lists alone named it.
    seen_in_run = models.PositiveBigIntegerField(default=0)
    acl_seen_in_run = models.PositiveBigIntegerField(default=0)
    asked_in_run = models.PositiveBigIntegerField(default=0)  # the last that asked whether it may be deleted
    revision = models.PositiveBigIntegerField(default=0, db_index=True)
    # Whose private document it is: nobody else may ever read it.
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="private_documents"
    )

    objects: ClassVar[CompanyDocuments] = CompanyDocuments()
    every: ClassVar[models.Manager[Document]] = models.Manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["connection", "external_id"], name="document_once"),
            models.CheckConstraint(condition=Q(hidden__in=Hidden.values), name="document_hidden_known"),
            models.CheckConstraint(
                condition=Q(owner=None) | Q(acl=None, revision=0), name="document_private_is_listed_nowhere"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["connection", "seen_in_run"])]

    def __str__(self) -> str:
        return f"document {self.pk}"


class Body(models.Model):
    """A document's canonical text with its blocks `[kind, start, end, level, place]`."""

    document = models.OneToOneField(Document, primary_key=True, on_delete=models.CASCADE, related_name="body")
    version = models.PositiveIntegerField()
    text = models.TextField()
    blocks = models.JSONField(default=list)
    place_kind = models.CharField(max_length=10, blank=True)

    def __str__(self) -> str:
        return f"body of document {self.document_id}"


class Chunk(models.Model):
    """A passage: `body.text[start:end]`, with where it stands."""

    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="chunks")
    version = models.PositiveIntegerField()
    ordinal = models.PositiveIntegerField()
    start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()
    text = models.TextField()
    headings = models.TextField(blank=True)
    place = models.CharField(max_length=200, blank=True)
    context = models.TextField(blank=True)
    digest = models.CharField(max_length=64, db_index=True)  # of the text that is embedded

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["document", "version", "ordinal"], name="chunk_once"),
            models.CheckConstraint(condition=Q(end__gt=models.F("start")), name="chunk_not_empty"),
        ]

    def __str__(self) -> str:
        return f"chunk {self.ordinal} of document {self.document_id}"


class IndexState(models.TextChoices):
    """What becomes of the index of a model."""

    BUILDING = "building", "built beside the one that answers"
    ANSWERING = "answering", "answers questions"
    RETIRED = "retired", "no longer wanted, kept for a while"
    REMOVING = "removing", "being removed"


class ModelIndex(models.Model):
    """The index for the vectors of one model, in one engine. Exactly one answers questions.

    While one is built, `position` is the highest chunk number up to which every chunk
    has its vector, and `rate` how many chunks a second were embedded lately.
    """

    engine = models.CharField(max_length=30)
    kind = models.CharField(max_length=40)  # of the embedder, with `model` as its kind understands it
    model = models.CharField(max_length=1000, blank=True)
    name = models.CharField(max_length=200)  # under which the vectors are stored
    dimension = models.PositiveIntegerField(default=0)  # 0: the model was not loaded yet
    # Below MUNDAP_INDEX_DIR. Empty: that folder itself, as before an index had a folder for each model.
    folder = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=20, choices=IndexState.choices)
    changed_at = models.DateTimeField(default=timezone.now)  # of the state

    position = models.PositiveBigIntegerField(default=0)
    built = models.PositiveBigIntegerField(default=0)  # chunks
    total = models.PositiveBigIntegerField(default=0)
    rate = models.FloatField(default=0)
    problem = models.TextField(blank=True)  # why it is not built on
    worked_at = models.DateTimeField(null=True)
    claim = models.CharField(max_length=200, blank=True)  # who builds it: host:process:token
    claimed_until = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["engine", "name"], name="model_index_once"),
            models.UniqueConstraint(
                fields=["state"],
                condition=Q(state__in=[IndexState.BUILDING, IndexState.ANSWERING]),
                name="model_index_one_answers_one_is_built",
            ),
            models.CheckConstraint(condition=Q(state__in=IndexState.values), name="model_index_state_known"),
        ]

    def __str__(self) -> str:
        return f"{self.state} index of {self.name}"


class SearchJob(models.TextChoices):
    """What a model of the search does."""

    EMBEDDER = "embedder", "turns texts into vectors"
    RERANKER = "reranker", "orders what was found"
    ENTAILMENT = "entailment", "judges what an answer says by what it cites"


class SearchModel(models.Model):
    """A model that administrators entered for the search: a folder of this machine, or one on a server.

    What decides on its vectors never changes: another address, model or prompt is another row. The key is
    sealed and leaves this table only towards `address`.
    """

    job = models.CharField(max_length=20, choices=SearchJob.choices)
    kind = models.CharField(max_length=40)
    name = models.CharField(max_length=80)  # what administrators see
    address = models.CharField(max_length=500, blank=True)  # empty: `model` is a folder
    model = models.CharField(max_length=1000, blank=True)  # empty: the one that the kind brings
    sealed_key = models.BinaryField(default=b"")  # empty: the server wants none
    dimensions = models.PositiveIntegerField(default=0)  # 0: as many as the model has
    question_prompt = models.CharField(max_length=500, blank=True)
    passage_prompt = models.CharField(max_length=500, blank=True)
    version = models.CharField(max_length=80, blank=True)
    ca_file = models.CharField(max_length=500, blank=True)
    silence_s = models.PositiveIntegerField(default=30)
    most_at_once = models.PositiveIntegerField(default=4)
    is_chosen = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(Lower("name"), name="search_model_name_once"),
            models.UniqueConstraint(
                fields=["job"], condition=Q(is_chosen=True), name="search_model_one_chosen"
            ),
            models.CheckConstraint(condition=Q(job__in=SearchJob.values), name="search_model_job_known"),
        ]

    def __str__(self) -> str:
        return f"{self.job} {self.pk}"


class Embedding(models.Model):
    """The vector of a text under a model. It outlives chunks and the index: nothing is embedded twice."""

    model = models.CharField(max_length=200)
    digest = models.CharField(max_length=64)
    vector = models.BinaryField()  # float32, little endian

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["model", "digest"], name="embedding_once"),
        ]

    def __str__(self) -> str:
        return f"embedding of {self.digest[:12]}"


class PrivateVectors(models.Model):
    """The vectors of all chunks of a private document under a model, in the order of their ordinals.

    Apart from `Embedding`, whose rows outlive what they were made from.
    """

    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="private_vectors")
    version = models.PositiveIntegerField()
    model = models.CharField(max_length=200)
    vectors = models.BinaryField()  # float32, little endian, one row a chunk

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["document", "model"], name="private_vectors_once"),
        ]

    def __str__(self) -> str:
        return f"vectors of private document {self.document_id}"
