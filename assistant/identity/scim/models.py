"""Keys of provisioning clients, and the people and groups that each identity provider manages.

A client is an identity provider that holds a key. It sees and changes what it made known itself; every row
here belongs to one provider and goes with it. Accounts are people's and stay.
"""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from assistant.accounts.models import User

LONGEST_NAME, LONGEST_ID = 256, 512


class ProvisioningKey(models.Model):
    """A key with which a provider's program makes people and groups known. It opens nothing else."""

    provider = models.ForeignKey(
        "identity.IdentityProvider", on_delete=models.CASCADE, related_name="provisioning_keys"
    )
    name = models.CharField(max_length=80)
    digest = models.CharField(max_length=64, unique=True)  # SHA-256 of the key: it is long and random
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    used_at = models.DateTimeField(null=True)  # written every few minutes at most

    def __str__(self) -> str:
        return f"provisioning key {self.pk} of provider {self.provider_id}"


class ProvisionedPerson(models.Model):
    """A person as their provider tells of them, and whose account they are here.

    `address` is what the provider says now, in canonical form; the account keeps the one that it began with.
    `shown` holds the name and the addresses as they were sent.
    """

    provider = models.ForeignKey(
        "identity.IdentityProvider", on_delete=models.CASCADE, related_name="provisioned"
    )
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="provisioned_as")
    number = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    external_id = models.CharField(max_length=LONGEST_ID, blank=True)
    user_name = models.CharField(max_length=LONGEST_NAME)
    user_name_key = models.CharField(
        max_length=LONGEST_NAME
    )  # in one spelling: names differ by more than case
    address = models.CharField(max_length=254)
    shown = models.JSONField(default=dict)
    wanted_open = models.BooleanField(default=True)  # what the provider said last
    closed_here = models.BooleanField(
        default=False
    )  # the account was closed by its word, and by nobody else's
    made_at = models.DateTimeField(default=timezone.now, editable=False)
    changed_at = models.DateTimeField(default=timezone.now)
    version = models.PositiveBigIntegerField(default=1)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["provider", "user"], name="provisioned_person_once"),
            models.UniqueConstraint(fields=["provider", "user_name_key"], name="provisioned_user_name_once"),
            models.UniqueConstraint(fields=["provider", "address"], name="provisioned_address_once"),
        ]
        indexes: ClassVar = [models.Index(fields=["provider", "external_id"], name="provisioned_external")]

    def __str__(self) -> str:
        return f"person {self.number} of provider {self.provider_id}"


class ProvisionedGroup(models.Model):
    """A group of a provider. It gives roles by `IdentityProvider.group_roles`; nobody reads more by it."""

    provider = models.ForeignKey(
        "identity.IdentityProvider", on_delete=models.CASCADE, related_name="provisioned_groups"
    )
    number = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    external_id = models.CharField(max_length=LONGEST_ID, blank=True)
    name = models.CharField(max_length=LONGEST_NAME)
    name_key = models.CharField(max_length=LONGEST_NAME)
    made_at = models.DateTimeField(default=timezone.now, editable=False)
    changed_at = models.DateTimeField(default=timezone.now)
    version = models.PositiveBigIntegerField(default=1)

    class Meta:
        constraints: ClassVar = [
            # Roles are given by name: nobody gets one through a second group that is called like the first.
            models.UniqueConstraint(fields=["provider", "name_key"], name="provisioned_group_name_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["provider", "external_id"], name="provisioned_group_external")
        ]

    def __str__(self) -> str:
        return f"group {self.number} of provider {self.provider_id}"


class ProvisionedMember(models.Model):
    """A person or an inner group belongs directly to a group of the same provider."""

    group = models.ForeignKey(ProvisionedGroup, on_delete=models.CASCADE, related_name="members")
    person = models.ForeignKey(
        ProvisionedPerson, null=True, on_delete=models.CASCADE, related_name="memberships"
    )
    inner = models.ForeignKey(
        ProvisionedGroup, null=True, on_delete=models.CASCADE, related_name="memberships"
    )

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(person__isnull=True) ^ Q(inner__isnull=True), name="provisioned_member_is_one"
            ),
            models.UniqueConstraint(
                fields=["group", "person"],
                condition=Q(person__isnull=False),
                name="provisioned_member_person_once",
            ),
            models.UniqueConstraint(
                fields=["group", "inner"],
                condition=Q(inner__isnull=False),
                name="provisioned_member_inner_once",
            ),
        ]

    def __str__(self) -> str:
        return f"member {self.pk} of group {self.group_id}"
