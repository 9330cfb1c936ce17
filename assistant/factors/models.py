"""What a person can show besides a password. Nothing here can be turned back into what they show.

Only the secret of an authenticator app must be known to both sides; it is sealed. Of a passkey the public
half is kept, of a recovery code its digest.
"""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from assistant.accounts.door_models import SignedInSession, new_handle

LONGEST_NAME = 60


class AuthenticatorApp(models.Model):
    """The app that shows a person's codes (RFC 6238)."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.CASCADE, related_name="authenticator_app"
    )
    sealed_secret = models.BinaryField()
    last_step = models.BigIntegerField()  # of 30 s since 1970: the newest whose code was accepted
    made_at = models.DateTimeField(default=timezone.now, editable=False)
    used_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"authenticator app of person {self.user_id}"


class RecoveryCode(models.Model):
    """One way in for who lost everything else. Its row goes when it is used."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="recovery_codes"
    )
    digest = models.CharField(max_length=64)
    made_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "digest"], name="recovery_code_once"),
        ]

    def __str__(self) -> str:
        return f"recovery code of person {self.user_id}"


class Passkey(models.Model):
    """The public half of a key pair that a device keeps (WebAuthn).

    `handle` names it in addresses; `owner` is what the device knows of its person: a random number that says
    nothing about them and is the same for all of their passkeys.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="passkeys")
    handle = models.CharField(max_length=16, unique=True, default=new_handle)
    owner = models.CharField(max_length=64)  # 32 bytes, hexadecimal
    name = models.CharField(max_length=LONGEST_NAME)
    site = models.CharField(max_length=253)  # the name of the host for which it was made, the "RP ID"
    credential_digest = models.CharField(max_length=64, unique=True)  # SHA-256 of its id
    credential = models.BinaryField()  # id and public key, as the device sent them
    sign_count = models.BigIntegerField(default=0)
    made_at = models.DateTimeField(default=timezone.now, editable=False)
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"passkey {self.handle}"


class Challenge(models.Model):
    """A number that a device is to sign, once. Only its digest is kept."""

    class Purpose(models.TextChoices):
        """What for."""

        ENROL = "enrol"
        SIGN_IN = "sign_in"  # alone, by whoever has a passkey here
        SECOND = "second"  # after the password
        PROVE = "prove"

    digest = models.CharField(max_length=64, primary_key=True)
    purpose = models.CharField(max_length=10, choices=Purpose.choices)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE)
    browser = models.CharField(max_length=64)  # digest of the word in its cookie
    made_at = models.DateTimeField(default=timezone.now, db_index=True)

    def __str__(self) -> str:
        return f"challenge to {self.purpose}"


class Postponement(models.Model):
    """Somebody of the demo company said "later" when they were asked to set up a second factor."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"postponement of person {self.user_id}"


class WaitingForm(models.Model):
    """What somebody typed before they were asked again who they are: opened once, soon (`waiting`)."""

    word = models.CharField(max_length=22, primary_key=True)  # all that the browser is given
    session = models.ForeignKey(SignedInSession, on_delete=models.CASCADE, related_name="waiting_forms")
    sealed_fields = models.BinaryField()  # with whose they are, and for which method and path
    made_at = models.DateTimeField(default=timezone.now, db_index=True)

    def __str__(self) -> str:
        return "waiting form"
