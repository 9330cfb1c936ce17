"""Language models that administrators entered, whom each is open to, and what every call took."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone

from assistant.accounts.models import Principal

LONGEST_NAME, LONGEST_PURPOSE, LONGEST_ADDRESS, LONGEST_REGION = 80, 200, 500, 40


class LanguageModel(models.Model):
    """A model on a server. Open to everybody, or to the principals of its grants; without any, to nobody.

    The key is sealed and leaves this table only towards `address`. Prices are for a million tokens.
    """

    name = models.CharField(max_length=LONGEST_NAME)  # what people see
    purpose = models.CharField(max_length=LONGEST_PURPOSE, blank=True)
    kind = models.CharField(max_length=40)
    address = models.CharField(max_length=LONGEST_ADDRESS)
    server_model = models.CharField(max_length=200)  # its name there
    sealed_key = models.BinaryField(default=b"")  # empty: the server wants none
    most_tokens = models.PositiveIntegerField(default=1_024)
    silence_s = models.PositiveIntegerField(default=60)
    most_at_once = models.PositiveIntegerField(default=4)
    ca_file = models.CharField(max_length=LONGEST_ADDRESS, blank=True)  # authorities to trust instead
    region = models.CharField(max_length=LONGEST_REGION, blank=True)  # Amazon's
    input_price = models.DecimalField(max_digits=12, decimal_places=4, null=True)
    output_price = models.DecimalField(max_digits=12, decimal_places=4, null=True)
    currency = models.CharField(max_length=3, default="USD")
    for_everyone = models.BooleanField(default=False)
    is_enabled = models.BooleanField(default=True)
    is_default = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(Lower("name"), name="language_model_name_once"),
            models.UniqueConstraint(
                fields=["is_default"], condition=Q(is_default=True), name="language_model_one_default"
            ),
            models.CheckConstraint(
                condition=Q(is_default=False) | Q(is_enabled=True), name="language_model_default_enabled"
            ),
        ]

    def __str__(self) -> str:
        return f"language model {self.pk}"


class ModelGrant(models.Model):
    """Whoever holds the principal may use the model."""

    model = models.ForeignKey(LanguageModel, on_delete=models.CASCADE, related_name="grants")
    principal = models.ForeignKey(Principal, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["model", "principal"], name="model_grant_once"),
        ]

    def __str__(self) -> str:
        return f"{self.principal} may use {self.model}"


class ModelCall(models.Model):
    """What one call took. It says neither who asked nor what, and outlives its turn and its model.

    `key` and `name` are those of the model then; `cost` is by its price then, None where it had none.
    """

    turn = models.ForeignKey("chat.Turn", null=True, on_delete=models.SET_NULL, related_name="+")
    key = models.CharField(max_length=80)
    name = models.CharField(max_length=200)
    input_tokens = models.PositiveIntegerField()
    output_tokens = models.PositiveIntegerField()
    is_estimated = models.BooleanField()
    ms = models.PositiveIntegerField()
    first_token_ms = models.PositiveIntegerField(null=True)
    outcome = models.CharField(max_length=40)
    cost = models.DecimalField(max_digits=18, decimal_places=8, null=True)
    currency = models.CharField(max_length=3, blank=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["at", "key"])]

    def __str__(self) -> str:
        return f"call of {self.key}"
