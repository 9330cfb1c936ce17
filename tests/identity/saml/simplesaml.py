"""SimpleSAMLphp of Debian's package as an identity provider, with keys, people and settings of its own."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from shutil import rmtree

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from lxml import etree

from assistant.common.types import Json
from tests.connectors.servers.programs import answers, free_port, installed_file, program

WWW = "/usr/share/simplesamlphp/www/_include.php"
PASSWORD = "provider's own password"
_MD = "{urn:oasis:names:tc:SAML:2.0:metadata}"
_DS = "{http://www.w3.org/2000/09/xmldsig#}"
_START_S = 20

PEOPLE: dict[str, Json] = {
    f"haneul:{PASSWORD}": {
        "uid": ["haneul"],
        "mail": ["haneul@example.com"],
        "displayName": ["김하늘"],
        "groups": ["전사", "지식관리팀"],
    },
    f"ann:{PASSWORD}": {
        "uid": ["ann"],
        "mail": ["ann@example.com"],
        "displayName": ["Ann"],
        "groups": ["전사"],
    },
}

_CONFIG = """<?php
$config = json_decode(file_get_contents(__DIR__ . '/config.json'), true);
"""
_AUTH_SOURCES = """<?php
$people = json_decode(file_get_contents(__DIR__ . '/people.json'), true);
$config = ['people' => array_merge(['exampleauth:UserPass'], $people)];
"""
_HOSTED = """<?php
$metadata['__DYNAMIC:1__'] = json_decode(file_get_contents(__DIR__ . '/hosted.json'), true);
"""
_REMOTE = """<?php
$metadata = json_decode(file_get_contents(__DIR__ . '/remote.json'), true);
"""


@dataclass(frozen=True, slots=True)
class SimpleSaml:
    """A running provider. What is changed counts from its next request on."""

    folder: Path
    port: int

    @property
    def address(self) -> str:
        """Where browsers find it: another site than 127.0.0.1, as it is in a company."""
        return f"http://localhost:{self.port}/simplesaml"

    @property
    def metadata_url(self) -> str:
        """Where it describes itself."""
        return f"{self.address}/saml2/idp/metadata.php"

    def host(self, **changes: Json) -> None:
        """Set what the provider does itself."""
        file = self.folder / "metadata" / "hosted.json"
        said = {**json.loads(file.read_text(encoding="utf-8")), **changes}
        file.write_text(
            json.dumps({name: value for name, value in said.items() if value is not None}), encoding="utf-8"
        )

    def trust(self, metadata: bytes, **changes: Json) -> None:
        """Know an application by its metadata; `changes` are how it is treated."""
        root = etree.fromstring(metadata)
        descriptor = root.find(f"{_MD}SPSSODescriptor")
        assert descriptor is not None
        keys = [
            {
                "type": "X509Certificate",
                "signing": key.get("use") == "signing",
                "encryption": key.get("use") == "encryption",
                "X509Certificate": key.findtext(f".//{_DS}X509Certificate"),
            }
            for key in descriptor.findall(f"{_MD}KeyDescriptor")
        ]

        def endpoints(name: str) -> list[Json]:
            return [
                {
                    "Binding": one.get("Binding"),
                    "Location": one.get("Location"),
                    **({"index": int(one.get("index", "0"))} if one.get("index") else {}),
                }
                for one in descriptor.findall(f"{_MD}{name}")
            ]

        remote = {
            str(root.get("entityID")): {
                "AssertionConsumerService": endpoints("AssertionConsumerService"),
                "SingleLogoutService": endpoints("SingleLogoutService"),
                "NameIDFormat": descriptor.findtext(f"{_MD}NameIDFormat"),
                "keys": keys,
                "validate.authnrequest": True,
                "validate.logout": True,
                "sign.logout": True,
                **changes,
            }
        }
        (self.folder / "metadata" / "remote.json").write_text(json.dumps(remote), encoding="utf-8")


@contextmanager
def simplesaml() -> Iterator[SimpleSaml]:
    """A provider with the people of `PEOPLE`, who have the password `PASSWORD` there."""
    php = program("php", package="php-cli")
    www = installed_file(WWW, package="simplesamlphp").parent
    folder, port = Path(tempfile.mkdtemp(prefix="mundap-simplesaml-")), free_port()
    provider = SimpleSaml(folder, port)
    _configure(provider)
    (folder / "site").mkdir()
    (folder / "site" / "simplesaml").symlink_to(www)
    environment = {**os.environ, "SIMPLESAMLPHP_CONFIG_DIR": str(folder), "PHP_CLI_SERVER_WORKERS": "2"}
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [php, "-d", "error_reporting=0", "-S", f"127.0.0.1:{port}", "-t", str(folder / "site")],
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            _wait(server, port)
            yield provider
        finally:
            os.killpg(server.pid, 15)
            server.wait(timeout=10)
            rmtree(folder, ignore_errors=True)


def _wait(server: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + _START_S
    while not answers(port):
        assert server.poll() is None, "SimpleSAMLphp ended while it started"
        assert time.monotonic() < until, "SimpleSAMLphp does not answer"
        time.sleep(0.05)


def _configure(provider: SimpleSaml) -> None:
    folder = provider.folder
    for name in ("metadata", "keys", "temporary", "sessions"):
        (folder / name).mkdir()
    for name, (key, certificate) in made_keys().items():
        (folder / "keys" / f"{name}.pem").write_bytes(key)
        (folder / "keys" / f"{name}.crt").write_bytes(certificate)
    config = {
        "baseurlpath": f"{provider.address}/",
        "certdir": f"{folder}/keys/",
        "loggingdir": f"{folder}/",
        "datadir": f"{folder}/",
        "tempdir": f"{folder}/temporary",
        "metadatadir": f"{folder}/metadata/",
        "secretsalt": "no secret of anybody",
        "auth.adminpassword": "nobody signs in as this one",
        "technicalcontact_email": "nobody@example.com",
        "enable.saml20-idp": True,
        "module.enable": {"exampleauth": True, "core": True, "saml": True},
        "logging.handler": "errorlog",
        "logging.level": 4,
        "showerrors": True,
        "errorreporting": False,
        "session.cookie.secure": False,
        "session.cookie.samesite": "Lax",
        "session.phpsession.savepath": f"{folder}/sessions",
        "store.type": "phpsession",
        "language.available": ["en"],
        "language.default": "en",
        "metadata.sources": [{"type": "flatfile"}],
    }
    hosted = {
        "host": "__DEFAULT__",
        "privatekey": "first.pem",
        "certificate": "first.crt",
        "auth": "people",
        "saml20.sign.response": True,
        "saml20.sign.assertion": True,
        "validate.authnrequest": True,
        "sign.logout": True,
        "validate.logout": True,
        "sharedkey_algorithm": "http://www.w3.org/2009/xmlenc11#aes128-gcm",
        "authproc": {"3": {"class": "saml:PersistentNameID", "attribute": "uid"}},
        "NameIDFormat": "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
    }
    (folder / "config.php").write_text(_CONFIG, encoding="utf-8")
    (folder / "authsources.php").write_text(_AUTH_SOURCES, encoding="utf-8")
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "people.json").write_text(json.dumps(PEOPLE), encoding="utf-8")
    (folder / "metadata" / "saml20-idp-hosted.php").write_text(_HOSTED, encoding="utf-8")
    (folder / "metadata" / "saml20-sp-remote.php").write_text(_REMOTE, encoding="utf-8")
    (folder / "metadata" / "hosted.json").write_text(json.dumps(hosted), encoding="utf-8")
    (folder / "metadata" / "remote.json").write_text("{}", encoding="utf-8")


@cache
def made_keys() -> dict[str, tuple[bytes, bytes]]:
    """PEM of private key and certificate: of the `first` pair and the one that `second` rolls over to."""
    return {name: _pair(name) for name in ("first", "second")}


def _pair(name: str) -> tuple[bytes, bytes]:
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{name}.id.example.com")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=400))
        .sign(key, SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    return private, certificate.public_bytes(Encoding.PEM)
