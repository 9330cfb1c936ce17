"""OpenLDAP, started in a temporary folder and filled over its own protocol.

One server serves all tests of a process; each world has a branch of its own. The schema for
Active Directory is loaded too, so that its shapes can be read from a real server.
"""

from __future__ import annotations

import atexit
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import ldap3

from tests.connectors.servers.certificates import Certified, certify
from tests.connectors.servers.programs import answers, free_port, program, stop, wait_until_ready

SUFFIX = "dc=example,dc=com"
ADMIN = f"cn=admin,{SUFFIX}"
READER = f"cn=mundap,{SUFFIX}"
LIMITED = f"cn=limited,{SUFFIX}"  # is given ten entries at most
PASSWORD = "directory password"
_SCHEMAS = ("core", "cosine", "nis", "inetorgperson", "msuser")

# By which 389 Directory Server and eDirectory close accounts.
_STATES = """attributetype ( 2.16.840.1.113730.3.1.610 NAME 'nsAccountLock'
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
attributetype ( 2.16.840.1.113719.1.1.4.1.40 NAME 'loginDisabled'
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.7 SINGLE-VALUE )"""

_ITSELF = ("2.16.840.1.113730.3.4.2", True, None)  # RFC 3296: a pointer as an entry, not where it points

Values = Mapping[str, str | bytes | Sequence[str | bytes]]


@dataclass(frozen=True, slots=True)
class Slapd:
    """A running server: ldap on `port` (StartTLS too), ldaps on `secure_port`, known as localhost."""

    port: int
    secure_port: int
    certified: Certified
    admin: ldap3.Connection

    def add(self, dn: str, classes: Sequence[str], values: Values) -> None:
        """Put an entry into the directory."""
        assert self.admin.add(dn, list(classes), dict(values)), self.admin.result  # type: ignore[no-untyped-call]

    def change(self, dn: str, attribute: str, *values: str | bytes) -> None:
        """Let the attribute have these values and no others."""
        changes = {attribute: [(ldap3.MODIFY_REPLACE, list(values))]}
        assert self.admin.modify(dn, changes), self.admin.result  # type: ignore[no-untyped-call]

    def rename(self, dn: str, name: str) -> None:
        """Give an entry another name where it is."""
        assert self.admin.modify_dn(dn, name), self.admin.result

    def move(self, dn: str, place: str) -> None:
        """Put an entry below another one."""
        assert self.admin.modify_dn(dn, dn.partition(",")[0], new_superior=place), self.admin.result

    def remove(self, dn: str) -> None:
        """Take an entry out."""
        assert self.admin.delete(dn), self.admin.result  # type: ignore[no-untyped-call]

    def remove_tree(self, dn: str) -> None:
        """Take an entry out with all below it."""
        self.admin.search(dn, "(objectClass=*)", attributes=["1.1"], controls=[_ITSELF])
        for each in sorted((item["dn"] for item in self.admin.response or ()), key=len, reverse=True):
            assert self.admin.delete(each, controls=[_ITSELF]), each  # type: ignore[no-untyped-call]


@cache
def slapd() -> Slapd:
    """The server of this process; it ends with the process."""
    binary = program("slapd", package="slapd")
    folder = Path(tempfile.mkdtemp(prefix="mundap-slapd-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    certified = certify(folder, name="localhost")
    (folder / "data").mkdir()
    (folder / "slapd.conf").write_text(_configuration(folder, certified), encoding="utf-8")
    port, secure_port = free_port(), free_port()
    addresses = f"ldap://127.0.0.1:{port} ldaps://127.0.0.1:{secure_port}"
    log = folder / "log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [binary, "-d", "0", "-f", str(folder / "slapd.conf"), "-h", addresses],
            stdout=stream,
            stderr=stream,
        )
    atexit.register(stop, process)
    wait_until_ready(process, lambda: answers(port) and answers(secure_port), log)
    admin = ldap3.Connection(
        ldap3.Server("127.0.0.1", port=port, get_info="NO_INFO"),
        user=ADMIN, password=PASSWORD, auto_bind=True, check_names=False,
    )  # fmt: skip
    server = Slapd(port, secure_port, certified, admin)
    server.add(SUFFIX, ["dcObject", "organization"], {"o": "Example"})
    for account in (READER, LIMITED):
        name = account.partition(",")[0].removeprefix("cn=")
        server.add(
            account, ["organizationalRole", "simpleSecurityObject"], {"cn": name, "userPassword": PASSWORD}
        )
    return server


def _configuration(folder: Path, certified: Certified) -> str:
    schemas = "".join(f"include /etc/ldap/schema/{name}.schema\n" for name in _SCHEMAS)
    return f"""{schemas}
pidfile {folder}/pid
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload ppolicy
{_STATES}
TLSCACertificateFile {certified.authority}
TLSCertificateFile {certified.certificate}
TLSCertificateKeyFile {certified.key}
sizelimit unlimited
database mdb
suffix "{SUFFIX}"
rootdn "{ADMIN}"
rootpw "{PASSWORD}"
directory {folder}/data
dbnosync
maxsize 268435456
index objectClass eq
overlay ppolicy
limits dn.exact="{LIMITED}" size.soft=10 size.hard=10 size.prtotal=10
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{READER}" read by dn.exact="{LIMITED}" read by * none
"""
