"""Certificates of signing keys: several forms in which they are pasted, and until when each counts."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

WARNED_BEFORE = timedelta(days=30)
_MOST = 10
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.DOTALL)


class BadCertificates(ValueError):
    """What was given is no certificate, or there are too many."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate: its PEM, whose it says it is, its SHA-256 fingerprint, until when it counts (UTC)."""

    pem: str
    name: str
    fingerprint: str
    ends_at: datetime

    def counts(self, now: datetime) -> bool:
        """Whether what its key signed is believed at this moment. One that begins later counts already: the
        clocks of both sides differ, and whoever announced it wants it to be used."""
        return now < self.ends_at

    def ends_soon(self, now: datetime) -> bool:
        """Whether somebody should care for its successor."""
        return now >= self.ends_at - WARNED_BEFORE


def certificates_in(text: str) -> tuple[Certificate, ...]:
    """All certificates of a pasted text, each once: PEM blocks, or the bare base64 of metadata with an empty
    line between two.

    Raises:
        BadCertificates: something else stands there, or more than ten.
    """
    if "-----BEGIN" in text:
        bodies = _PEM.findall(text)
        if _PEM.sub("", text).strip():
            raise BadCertificates
    else:
        bodies = [part for part in re.split(r"\n\s*\n", text.replace("\r", "")) if part.strip()]
    return certificates_of(bodies)


def certificates_of(bodies: Iterable[str]) -> tuple[Certificate, ...]:
    """From the bare base64 of each.

    Raises:
        BadCertificates: one is none, or there are more than ten.
    """
    found: dict[str, Certificate] = {}
    for body in bodies:
        one = _certificate(body)
        found.setdefault(one.fingerprint, one)
    if len(found) > _MOST:
        raise BadCertificates
    return tuple(found.values())


def _certificate(body: str) -> Certificate:
    try:
        read = x509.load_der_x509_certificate(b64decode("".join(body.split()), validate=True))
        return Certificate(
            pem=read.public_bytes(Encoding.PEM).decode("ascii"),
            name=read.subject.rfc4514_string()[:200],
            fingerprint=read.fingerprint(SHA256()).hex(":"),
            ends_at=read.not_valid_after_utc,
        )
    except ValueError as error:
        raise BadCertificates from error
