"""Our own key pairs at one provider: to sign requests, and to open what is encrypted for us.

They lie among the provider's sealed secrets. A roll-over has two steps, between which the provider is given
our metadata anew: a next key is published beside the one in use; then it is used, and the former one still
opens what is encrypted for it until the next roll-over begins.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from django.db import transaction

from assistant.audit.trail import Event, record
from assistant.common.errors import UsageError
from assistant.common.told import told
from assistant.identity.models import IdentityProvider
from assistant.identity.providers import keep_secrets, secrets_of
from assistant.identity.saml.certificates import Certificate, certificates_in
from assistant.identity.saml.party import NotDescribed

_BITS = 3072
_LIFE = timedelta(days=3650)  # metadata pins the key itself; a certificate that ends only breaks sign-ins


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A private key (PEM) and the certificate that is published for it."""

    key: str
    certificate: Certificate


@dataclass(frozen=True, slots=True)
class OwnKeys:
    """`current` signs; everything published may be encrypted for."""

    current: KeyPair
    next: KeyPair | None = None
    former: KeyPair | None = None

    @property
    def published(self) -> tuple[KeyPair, ...]:
        """What stands in our metadata, the one in use first."""
        return tuple(pair for pair in (self.current, self.next) if pair)

    @property
    def opening(self) -> tuple[str, ...]:
        """Private keys for which a message may be encrypted."""
        return tuple(pair.key for pair in (self.next, self.current, self.former) if pair)


class NoKeys(NotDescribed):
    """There is no key of ours at this provider: it was added otherwise than by the console."""

    def __init__(self) -> None:
        super().__init__(told("Mundap has no key of its own at this provider yet. Save the settings once."))


def own_keys(provider: IdentityProvider) -> OwnKeys:
    """The keys. Nothing is written: pages that only show something ask for them.

    Raises:
        NoKeys: none were made yet.
    """
    keys = _kept(secrets_of(provider))
    if keys is None:
        raise NoKeys
    return keys


def make_keys(provider: IdentityProvider) -> OwnKeys:
    """The keys; where there are none yet, they are made. When a provider is added or saved."""
    keys = _kept(secrets_of(provider))
    if keys is not None:
        return keys
    made = _new_pair(provider)
    with transaction.atomic():
        row = IdentityProvider.objects.select_for_update().get(pk=provider.pk)
        keys = _kept(secrets_of(row))
        if keys is None:
            keys = OwnKeys(made)
            _keep(row, keys)
    return keys


def announce_next(provider: IdentityProvider, *, actor: str) -> None:
    """Publish another key beside the one in use. What an earlier roll-over replaced opens nothing more.

    Raises:
        NoKeys: there is none in use.
    """
    made = _new_pair(provider)
    with transaction.atomic():
        row = IdentityProvider.objects.select_for_update().get(pk=provider.pk)
        keys = _kept(secrets_of(row))
        if keys is None:
            raise NoKeys
        _keep(row, OwnKeys(keys.current, made))
        record(Event.IDENTITY_KEY_ANNOUNCED, actor=actor, provider=row.slug)


def use_next(provider: IdentityProvider, *, actor: str) -> None:
    """Sign with the next key from now on.

    Raises:
        UsageError: none was announced.
    """
    with transaction.atomic():
        row = IdentityProvider.objects.select_for_update().get(pk=provider.pk)
        keys = _kept(secrets_of(row))
        if keys is None or keys.next is None:
            raise UsageError(told("There is no next key. Announce one first."))
        _keep(row, OwnKeys(keys.next, None, keys.current))
        record(Event.IDENTITY_KEY_CHANGED, actor=actor, provider=row.slug)


def _kept(secrets: dict[str, str]) -> OwnKeys | None:
    current = _pair(secrets, "")
    return OwnKeys(current, _pair(secrets, "next_"), _pair(secrets, "former_")) if current else None


def _pair(secrets: dict[str, str], which: str) -> KeyPair | None:
    key, certificate = secrets.get(f"{which}key", ""), secrets.get(f"{which}certificate", "")
    return KeyPair(key, certificates_in(certificate)[0]) if key and certificate else None


def _keep(row: IdentityProvider, keys: OwnKeys) -> None:
    said: dict[str, str] = {}
    for which, pair in (("", keys.current), ("next_", keys.next), ("former_", keys.former)):
        said[f"{which}key"] = pair.key if pair else ""
        said[f"{which}certificate"] = pair.certificate.pem if pair else ""
    keep_secrets(row, said)


def _new_pair(provider: IdentityProvider) -> KeyPair:
    key = rsa.generate_private_key(public_exponent=65_537, key_size=_BITS)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Mundap {provider.slug}")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))  # the provider's clock may be behind
        .not_valid_after(now + _LIFE)
        .sign(key, SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")
    return KeyPair(private, certificates_in(certificate.public_bytes(Encoding.PEM).decode("ascii"))[0])
