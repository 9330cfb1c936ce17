"""What is left of addresses whose person was erased: digests under a key of the installation's own."""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class DigestKey(models.Model):
    """The one row (key 1): a random key for digests that must stay the same when the secret key changes."""

    sealed_key = models.BinaryField()

    def __str__(self) -> str:
        return "key of digests"


class ErasedAddress(models.Model):
    """An address that somebody had who was erased. Whoever gets it next inherits nothing (`Address`)."""

    digest = models.CharField(max_length=64, primary_key=True)
    erased_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return "an erased address"
