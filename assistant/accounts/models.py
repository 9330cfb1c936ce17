"""Users, connections, principals and group membership.

A principal is what an access list names. Users are principals by canonical e-mail
address; groups are principals of one connection and never shared between two.
Membership is kept in generations: a sync writes a whole new generation and
switches to it in one transaction, so that nobody ever sees half a group.
"""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from assistant.common.acl import PrincipalKind
from assistant.common.identity import canonical_email


class Role(models.TextChoices):
    """What a person may do in Mundap itself. It never widens what they may read."""

    EMPLOYEE = "employee", _("Employee")
    ADMINISTRATOR = "administrator", _("Administrator")


class UserManager(BaseUserManager["User"]):
    """Makes users with canonical addresses."""

    def create_user(self, email: str, password: str | None = None, **fields: object) -> User:
        """A user with this address; without a password the account cannot sign in locally."""
        user = self.model(email=canonical_email(email), **fields)
        user.set_password(password)
        user.full_clean(exclude=["password"])
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: object) -> User:
        """An administrator, for Django's own command."""
        return self.create_user(email, password, **{**fields, "role": Role.ADMINISTRATOR})

    def get_by_natural_key(self, username: str | None) -> User:
        """Looks a user up by address, in any spelling."""
        return self.get(email=canonical_email(username or ""))


class User(AbstractBaseUser, PermissionsMixin):
    """A person who can sign in."""

    email = models.EmailField(_("e-mail address"), unique=True)
    name = models.CharField(_("name"), max_length=120, blank=True)
    role = models.CharField(_("role"), max_length=20, choices=Role.choices, default=Role.EMPLOYEE)
    language = models.CharField(_("language"), max_length=5, blank=True, default="")
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(role__in=Role.values), name="user_role_known"),
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def is_administrator(self) -> bool:
        """May open the console."""
        return self.is_active and self.role == Role.ADMINISTRATOR

    @property
    def is_staff(self) -> bool:
        """Django's admin asks for this name."""
        return self.is_administrator

    def has_perm(self, perm: str, obj: object = None) -> bool:  # noqa: ARG002 - Django's signature
        """Administrators may edit what the admin registers; nobody else may edit anything there."""
        return self.is_administrator

    def has_module_perms(self, app_label: str) -> bool:  # noqa: ARG002 - Django's signature
        """See `has_perm`."""
        return self.is_administrator


class Connection(models.Model):
    """A connected system: the scope in which ids of groups and documents mean something."""

    name = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=60)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    # Membership that counts now; 0 until a first complete read.
    generation = models.PositiveBigIntegerField(default=0)
    principals_confirmed_at = models.DateTimeField(null=True)
    # When a complete run last confirmed the access list of every document that is not marked stale.
    permissions_confirmed_at = models.DateTimeField(null=True)
    # Permissions and membership older than this let nobody in.
    max_age_s = models.PositiveIntegerField(default=7 * 24 * 3600)

    def __str__(self) -> str:
        return self.name


class Principal(models.Model):
    """Something that an access list can name. Rows are never changed or deleted."""

    kind = models.CharField(max_length=10, choices=[(kind.value, kind.value) for kind in PrincipalKind])
    connection = models.ForeignKey(Connection, null=True, on_delete=models.PROTECT)
    external_id = models.CharField(max_length=512)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(kind=PrincipalKind.GROUP, connection__isnull=False)
                | Q(kind=PrincipalKind.USER, connection__isnull=True)
                | Q(kind=PrincipalKind.EVERYONE, connection__isnull=True, external_id=""),
                name="principal_scope",
            ),
            models.UniqueConstraint(
                fields=["connection", "kind", "external_id"],
                name="principal_once_per_connection",
                condition=Q(connection__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["kind", "external_id"],
                name="principal_once",
                condition=Q(connection__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        if self.kind == PrincipalKind.EVERYONE:
            return "everyone"
        return f"{self.kind}:{self.external_id}"


class KnownGroup(models.Model):
    """A group whose members a generation knows, even if it has none."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE)
    generation = models.PositiveBigIntegerField()
    group = models.ForeignKey(Principal, on_delete=models.PROTECT)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["connection", "generation", "group"], name="known_group_once"),
        ]

    def __str__(self) -> str:
        return f"{self.group} in generation {self.generation}"


class GroupEdge(models.Model):
    """`member` (a person, a group, or everyone) belongs directly to `group`."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE)
    generation = models.PositiveBigIntegerField()
    group = models.ForeignKey(Principal, on_delete=models.PROTECT, related_name="+")
    member = models.ForeignKey(Principal, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["connection", "generation", "group", "member"], name="group_edge_once"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["member", "connection", "generation"])]

    def __str__(self) -> str:
        return f"{self.member} in {self.group}"


class Revision(models.Model):
    """Change counters. A writer bumps one inside its transaction; its row lock orders commits by value."""

    name = models.CharField(max_length=20, primary_key=True)
    value = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.name} {self.value}"
