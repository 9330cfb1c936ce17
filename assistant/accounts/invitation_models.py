"""Links that are good once: to an account of one's own, or to a new password. Kept as digests."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone


class Invitation(models.Model):
    """A link that somebody was given. It counts until it is used, revoked, replaced or too old."""

    class Purpose(models.TextChoices):
        """What it leads to."""

        JOIN = "join"
        PASSWORD = "password"  # noqa: S105 - the name of a purpose

    purpose = models.CharField(max_length=10, choices=Purpose.choices)
    digest = models.CharField(max_length=64, unique=True)  # SHA-256 of the word in the link: long and random
    email = models.CharField(max_length=254)
    name = models.CharField(max_length=120, blank=True)
    role = models.CharField(max_length=30)
    # Whose password it renews; of an invitation, the account that came of it.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="invitations"
    )
    # Whose word it is; None: of who runs the server. It goes with them, as what they gave would.
    maker = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="+")
    made_by = models.CharField(max_length=254)  # what they were called then
    is_verified = models.BooleanField(default=False)  # whether the address counts as theirs from the start
    made_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(purpose="join") | Q(purpose="password", user__isnull=False),
                name="invitation_purpose_known",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["email"], name="invitation_email")]

    def __str__(self) -> str:
        return f"invitation {self.pk}"
