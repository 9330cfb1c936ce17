"""Users, connections, principals and group membership.

A principal is what an access list names. People are principals by canonical e-mail
address; groups and a source's own accounts are principals of one connection and never
shared between two. A person is joined to principals by their addresses and by links.
Membership is kept in generations: a sync writes a whole new generation and
switches to it in one transaction, so that nobody ever sees half a group.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from assistant.accounts import (  # noqa: F401 - Django finds these rows from here
    door_models,
    emergency_models,
    erased_models,
    invitation_models,
    rate_models,
)
from assistant.accounts.digests import was_erased
from assistant.accounts.roles import RIGHTS, Right
from assistant.common.acl import PrincipalKind, PrincipalRef
from assistant.common.errors import UsageError
from assistant.common.identity import canonical_email

SERVICE_DOMAIN = "service.invalid"  # of the addresses of service accounts; RFC 2606: no mail leads there


class Role(models.TextChoices):
    """What a person is in Mundap itself; `roles` says what each may do. None widens what they may read."""

    EMPLOYEE = "employee", _("Employee")
    CONTENT_ADMINISTRATOR = "content_administrator", _("Content administrator")
    SECURITY_ADMINISTRATOR = "security_administrator", _("Security administrator")
    ANALYST = "analyst", _("Analyst")
    AUDITOR = "auditor", _("Auditor")
    ADMINISTRATOR = "administrator", _("Administrator")


class Kind(models.TextChoices):
    """What has the account."""

    PERSON = "person", _("Person")
    # A program that belongs to nobody: only keys of the API lead to it, and no role with a right.
    SERVICE = "service", _("Service account")


class UserManager(BaseUserManager["User"]):
    """Makes users with canonical addresses."""

    def create_user(self, email: str, password: str | None = None, **fields: object) -> User:
        """A user with this address; without a password the account cannot sign in locally."""
        user = self.model(email=canonical_email(email), **fields)
        user.set_password(password)
        user.full_clean(exclude=["password"])
        with transaction.atomic(using=self._db):
            user.save(using=self._db)
            Address.objects.claim(user.email, user)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: object) -> User:
        """An administrator, for Django's own command."""
        return self.create_user(email, password, **{**fields, "role": Role.ADMINISTRATOR})

    def get_by_natural_key(self, username: str | None) -> User:
        """Looks a user up by address, in any spelling."""
        return self.get(email=canonical_email(username or ""))


class User(AbstractBaseUser, PermissionsMixin):
    """A person who can sign in, or a service account, which can't."""

    email = models.EmailField(_("e-mail address"), unique=True)
    name = models.CharField(_("name"), max_length=120, blank=True)
    role = models.CharField(_("role"), max_length=30, choices=Role.choices, default=Role.EMPLOYEE)
    language = models.CharField(_("language"), max_length=5, blank=True, default="")
    is_active = models.BooleanField(_("active"), default=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices, default=Kind.PERSON)
    # Who answers for a service account: a person or a department, in the administrator's words.
    contact = models.CharField(_("contact"), max_length=200, blank=True, default="")
    # Of an emergency account, the digest of its passphrase (see `emergency`); None: an ordinary account.
    emergency = models.CharField(max_length=64, null=True, unique=True, editable=False)  # noqa: DJ001 - as said
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
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="user_kind_known"),
            # A password that begins so fits nothing that anybody could enter.
            models.CheckConstraint(
                condition=Q(kind=Kind.PERSON, contact="")
                | (Q(kind=Kind.SERVICE, role=Role.EMPLOYEE) & Q(password__startswith="!") & ~Q(contact="")),  # noqa: S106 - of no password
                name="user_service_account",
            ),
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def is_service(self) -> bool:
        """Whether this is a service account."""
        return self.kind != Kind.PERSON

    @property
    def is_authenticated(self) -> bool:  # type: ignore[override]  # Django knows accounts of people alone
        """A service account is nobody on every page, whatever a session says."""
        return not self.is_service

    def set_password(self, raw_password: str | None) -> None:
        """A person's password; None for one that fits nothing.

        Raises:
            UsageError: a service account gets one.
        """
        if raw_password is not None and self.is_service:
            raise UsageError(f"{self.email} is a service account: it has no password. Make a key for it.")
        super().set_password(raw_password)

    def get_session_auth_hash(self) -> str:
        """What ties sessions to the password: they end with it, and not with the installation's secret key.

        A session's row is signed under that key as a whole; a second key inside it would sign everybody
        out when the key is replaced.
        """
        return hashlib.sha256(f"mundap session\0{self.password}".encode()).hexdigest()

    def get_session_auth_fallback_hash(self) -> Iterator[str]:
        """What sessions of before this was so hold."""
        yield super().get_session_auth_hash()
        yield from super().get_session_auth_fallback_hash()

    @property
    def is_emergency(self) -> bool:
        """Whether it is for the day without the company's sign-in, and is changed on the server alone."""
        return self.emergency is not None

    def has_right(self, right: Right) -> bool:
        """Whether the person's role carries this right, and the account is open."""
        return self.is_active and right in RIGHTS[self.role]

    @property
    def rights(self) -> frozenset[Right]:
        """Everything the person may do beyond asking questions."""
        return RIGHTS[self.role] if self.is_active else frozenset()

    @property
    def is_staff(self) -> bool:
        """Django's admin asks for this name. It shows schedules, nothing else."""
        return self.has_right(Right.MANAGE_SCHEDULES)

    def has_perm(self, perm: str, obj: object = None) -> bool:  # noqa: ARG002 - Django's signature
        """Who manages schedules may edit what the admin registers; nobody else may edit anything there."""
        return self.is_staff

    def has_module_perms(self, app_label: str) -> bool:  # noqa: ARG002 - Django's signature
        """See `has_perm`."""
        return self.is_staff


def is_service_address(address: str) -> bool:
    """Whether a canonical address can be a service account's alone."""
    return address.rpartition("@")[2] == SERVICE_DOMAIN


class AddressManager(models.Manager["Address"]):
    """Hands addresses out."""

    def claim(self, address: str, user: User, *, alias: bool = False) -> Address:
        """Give a canonical address to a person. One that somebody had before them must be confirmed first.

        Raises:
            IntegrityError: somebody has it.
            UsageError: a person would get an address of service accounts.
        """
        from assistant.accounts import veiling  # noqa: PLC0415 - it imports this module

        if is_service_address(address) and not user.is_service:
            raise UsageError(f"Addresses of {SERVICE_DOMAIN} are those of service accounts.")
        former = self.select_for_update().filter(address=address, user=None).first()
        if former is None:
            had = was_erased(address)
            if had:  # what denies somebody of this address must deny its new holder, too
                veiling.unveil([PrincipalRef(PrincipalKind.USER, address)], connection=None)
            return self.create(address=address, user=user, is_alias=alias, confirmed=not had)
        former.user, former.is_alias, former.confirmed, former.since = user, alias, False, timezone.now()
        former.save()
        return former


class Address(models.Model):
    """An e-mail address by which sources know a person: the one they sign in with, or an alias.

    Rows outlive their holders. Whoever comes second to an address holds nothing by it
    until somebody has confirmed that its old grants are meant for them.
    """

    address = models.CharField(max_length=254, unique=True)
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="addresses")
    is_alias = models.BooleanField(default=False)
    confirmed = models.BooleanField(default=True)
    since = models.DateTimeField(default=timezone.now)

    objects: ClassVar[AddressManager] = AddressManager()

    def __str__(self) -> str:
        return self.address


PRIVATE_KIND = "chat-file"  # of the one connection that holds documents with an owner; no source has it


class ConnectionManager(models.Manager["Connection"]):
    """Connected systems. That of private documents is none: it is listed, chosen and synced nowhere."""

    def get_queryset(self) -> QuerySet[Connection]:
        """All but that one."""
        return super().get_queryset().exclude(kind=PRIVATE_KIND)


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
    # Whose groups its access lists mean by `group:directory:ID`; None: they name nobody.
    directory = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="joined")

    objects: ClassVar[ConnectionManager] = ConnectionManager()
    every: ClassVar[models.Manager[Connection]] = models.Manager()

    def __str__(self) -> str:
        return self.name


class Principal(models.Model):
    """Something that an access list can name. What a row names never changes, and no row is deleted.

    `settled_in` is the last generation of its connection that settled who is meant: it
    listed the members of the group, or told whose the account is. A row that the current
    generation has not settled might mean anybody.
    """

    kind = models.CharField(max_length=10, choices=[(kind.value, kind.value) for kind in PrincipalKind])
    connection = models.ForeignKey(Connection, null=True, on_delete=models.PROTECT)
    external_id = models.CharField(max_length=512)
    settled_in = models.PositiveBigIntegerField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(
                    kind__in=[PrincipalKind.GROUP.value, PrincipalKind.ACCOUNT.value],
                    connection__isnull=False,
                )
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
        indexes: ClassVar = [
            models.Index(
                fields=["connection", "settled_in"],
                condition=Q(connection__isnull=False),
                name="principal_settled",
            ),
        ]

    def __str__(self) -> str:
        if self.kind == PrincipalKind.EVERYONE:
            return "everyone"
        return f"{self.kind}:{self.external_id}"


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


class SourceAccount(models.Model):
    """An account that a source reported in a generation, and the verified address it gave for it, if any."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE)
    generation = models.PositiveBigIntegerField()
    principal = models.ForeignKey(Principal, on_delete=models.PROTECT, related_name="source_accounts")
    address = models.CharField(max_length=254, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["connection", "generation", "principal"], name="source_account_once"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["address", "connection", "generation"])]

    def __str__(self) -> str:
        return f"{self.principal} in generation {self.generation}"


class AddressUse(models.Model):
    """The first account of a connection that was reported with an address.

    Another account that is reported with it later may be another person's, so it
    joins nobody until somebody has linked it.
    """

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE)
    address = models.CharField(max_length=254)
    principal = models.ForeignKey(Principal, on_delete=models.PROTECT, related_name="address_uses")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["connection", "address"], name="address_use_once"),
        ]

    def __str__(self) -> str:
        return f"{self.address} of {self.principal}"


class AccountLink(models.Model):
    """Somebody decided whose this source account is. It outranks what addresses say."""

    principal = models.OneToOneField(Principal, on_delete=models.PROTECT, related_name="account_link")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="account_links")
    made_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.principal} is {self.user}"


class ApiKey(models.Model):
    """A person's key for the API, kept as a digest. It may do what they and its scopes may."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=80)
    digest = models.CharField(max_length=64, unique=True)  # SHA-256 of the key: it is long and random
    scopes = models.CharField(
        max_length=200, blank=True, default=""
    )  # words of `scopes.Scope`; none: nothing
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)  # written rarely: see `api_keys`

    def __str__(self) -> str:
        return f"key {self.name} of {self.user}"


class PushKey(models.Model):
    """A program's key for putting documents into one source. It belongs to nobody and can read nothing."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="push_keys")
    name = models.CharField(max_length=80)
    digest = models.CharField(max_length=64, unique=True)  # SHA-256 of the key: it is long and random
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"key {self.name} of {self.connection}"


class Revision(models.Model):
    """Change counters. A writer bumps one inside its transaction; its row lock orders commits by value."""

    name = models.CharField(max_length=20, primary_key=True)
    value = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.name} {self.value}"
