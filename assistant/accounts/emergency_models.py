"""That the emergency account was used, until somebody who manages people has seen it."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone


class EmergencyUse(models.Model):
    """One sign-in with an emergency account."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="emergency_uses"
    )
    at = models.DateTimeField(default=timezone.now)
    address = models.CharField(max_length=45, blank=True)  # of the network
    browser = models.CharField(max_length=20, blank=True)
    system = models.CharField(max_length=20, blank=True)
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.CharField(max_length=254, blank=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["acknowledged_at", "at"], name="emergency_use_open")]

    def __str__(self) -> str:
        return f"use {self.pk} of emergency account {self.user_id}"
