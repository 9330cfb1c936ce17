"""Identity providers, the people whom they know, and what is on its way between a browser and a provider.

A person is known to a provider by its subject, which never changes and is never given to another person.
Their e-mail address serves once, when an account is looked for or made, and only in the domains for which
the provider may speak.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from assistant.accounts.door_models import SignedInSession
from assistant.accounts.models import User
from assistant.identity.scim import models as provisioned  # noqa: F401 - Django finds its rows from here

LONGEST_NAME, LONGEST_SUBJECT, LONGEST_PAGE = 80, 512, 2_000


class IdentityProvider(models.Model):
    """A server that says who somebody is. `settings` are its kind's own (see `kinds`), secrets are sealed."""

    slug = models.SlugField(
        max_length=40, unique=True
    )  # in addresses that the provider is told; never changes
    name = models.CharField(max_length=LONGEST_NAME)  # on the button
    kind = models.CharField(max_length=20)
    is_open = models.BooleanField(default=False)  # whether people can sign in with it
    settings = models.JSONField(default=dict)
    sealed_secrets = models.BinaryField(default=b"")
    # The domains of e-mail addresses for which it may speak. None at all: it can make and join no account.
    domains = models.JSONField(default=list)
    makes_accounts = models.BooleanField(default=True)
    joins_accounts = models.BooleanField(default=True)
    # Roles by group, the first that fits counts: [[group, role], ...]. Empty: roles are given in Mundap.
    group_roles = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(Lower("name"), name="identity_provider_name_once"),
        ]

    def __str__(self) -> str:
        return self.name


class ExternalIdentity(models.Model):
    """Who a provider's subject is here."""

    provider = models.ForeignKey(IdentityProvider, on_delete=models.CASCADE, related_name="identities")
    subject = models.CharField(max_length=LONGEST_SUBJECT)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="identities")
    made_at = models.DateTimeField(default=timezone.now, editable=False)
    used_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["provider", "subject"], name="external_identity_once"),
            # A second subject for an account may be another person with a recycled address.
            models.UniqueConstraint(fields=["provider", "user"], name="external_identity_one_of_provider"),
        ]

    def __str__(self) -> str:
        return f"identity {self.pk} at provider {self.provider_id}"


class StartedSignIn(models.Model):
    """A browser that was sent to a provider, and after it came back the claims that it brought.

    `sent` is what comes back with it (a request's id, a state); `kept` what only we know of it. `browser` is
    the digest of a word in that browser's cookie: what began in one browser cannot end in another.
    """

    class Purpose(models.TextChoices):
        """What for."""

        SIGN_IN = "sign_in"
        PROVE = "prove"  # who is signed in shows once more who they are
        CONNECT = "connect"  # who is signed in adds this way to sign in
        TRY = "try"  # an administrator looks at what would happen

    provider = models.ForeignKey(IdentityProvider, on_delete=models.CASCADE)
    purpose = models.CharField(max_length=10, choices=Purpose.choices, default=Purpose.SIGN_IN)
    sent = models.CharField(max_length=64, unique=True)
    kept = models.JSONField(default=dict)
    browser = models.CharField(max_length=64, blank=True)  # empty: the provider began, nobody was sent
    user = models.ForeignKey(
        User, null=True, on_delete=models.CASCADE
    )  # who was signed in, for other purposes
    next_page = models.CharField(max_length=LONGEST_PAGE, blank=True)
    started_at = models.DateTimeField(default=timezone.now)
    answered_at = models.DateTimeField(null=True)
    ticket = models.CharField(max_length=64, null=True, unique=True)  # noqa: DJ001 - unique while there is one
    claims = models.JSONField(null=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["started_at"], name="started_sign_in_age")]

    def __str__(self) -> str:
        return f"sign-in {self.pk} at provider {self.provider_id}"


class SpentMessage(models.Model):
    """A message of a provider that was accepted, and never is again."""

    provider = models.ForeignKey(IdentityProvider, on_delete=models.CASCADE)
    digest = models.CharField(max_length=64)
    expires_at = models.DateTimeField(db_index=True)  # from then on it would be refused for its age

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["provider", "digest"], name="spent_message_once"),
        ]

    def __str__(self) -> str:
        return f"message of provider {self.provider_id}"


class ProviderSession(models.Model):
    """Which session of a provider stands behind a session here: the provider may end it."""

    session = models.OneToOneField(SignedInSession, on_delete=models.CASCADE, related_name="provider_session")
    identity = models.ForeignKey(ExternalIdentity, on_delete=models.CASCADE, related_name="sessions")
    index = models.CharField(max_length=512, blank=True)  # the provider's own name of it
    kept = models.JSONField(default=dict)  # what signing out there needs

    def __str__(self) -> str:
        return f"session at provider {self.identity.provider_id}"


class FetchedMetadata(models.Model):
    """What a provider said of itself at the address where it does; the last that could be used stays."""

    provider = models.OneToOneField(IdentityProvider, on_delete=models.CASCADE, related_name="fetched")
    url = models.CharField(max_length=2_000, blank=True)  # from where; text of another address never counts
    text = models.TextField(blank=True)
    entity_id = models.CharField(max_length=1_024, blank=True)
    fetched_at = models.DateTimeField(null=True)
    tried_at = models.DateTimeField(null=True)
    problem = models.TextField(blank=True)  # of the last try
    problem_parts = models.JSONField(null=True)  # what it is told in another language by

    def __str__(self) -> str:
        return f"metadata of provider {self.provider_id}"
