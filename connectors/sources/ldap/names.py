"""Are these two names of entries the same entry? And as which text does a directory's number or name read?

A directory writes one distinguished name in many ways: `CN=Kim\\, Ann,DC=Example` and
`cn=kim\\2c ann, dc=example` are one. All comparisons go through `normal_dn`.
"""

from __future__ import annotations

import unicodedata

from ldap3.core.exceptions import LDAPInvalidDnError
from ldap3.utils.dn import parse_dn

_SPECIAL = frozenset(',+"\\<>;=#')
_SID_HEAD = 8
_SID_STEP = 4


def normal_dn(dn: str) -> str:
    """The one spelling of a distinguished name: lower case, no needless spaces, escapes as `\\2c`.

    A name that cannot be parsed stands for itself in lower case: the same server spells it the same again.
    """
    parts = _parsed(dn)
    if parts is None:
        return dn.strip().lower()
    names: list[str] = []
    together: list[str] = []
    for kind, value, separator in parts:
        together.append(f"{kind.strip().lower()}={_escaped(_compared(_unescaped(value)))}")
        if separator != "+":  # the parts of one step have no order
            names.append("+".join(sorted(together)))
            together = []
    return ",".join(names)


def lies_below(dn: str, base: str) -> bool:
    """Whether the entry is the base or lies below it; both in their normal spelling."""
    return dn == base or dn.endswith(f",{base}")


def without_unique_id(value: str) -> str:
    """The name in a value of `uniqueMember`, which may carry a bit string: `cn=a,dc=b#'01'B`."""
    name, mark, bits = value.rpartition("#'")
    return name if mark and bits.endswith("'B") and set(bits[:-2]) <= {"0", "1"} else value


def sid_text(value: bytes) -> str:
    """A security identifier as `S-1-5-…`, from its bytes or its text; empty where it is neither."""
    if value.upper().startswith(b"S-1-"):
        text = value.decode("ascii", "replace").upper()
        return text if all(part.isdecimal() for part in text.split("-")[1:]) else ""
    if len(value) < _SID_HEAD or value[0] != 1 or len(value) != _SID_HEAD + _SID_STEP * value[1]:
        return ""
    authority = int.from_bytes(value[2:_SID_HEAD], "big")
    steps = [
        int.from_bytes(value[at : at + _SID_STEP], "little") for at in range(_SID_HEAD, len(value), _SID_STEP)
    ]
    return "-".join(map(str, ("S", 1, authority, *steps)))


def _parsed(dn: str) -> list[tuple[str, str, str]] | None:
    for strip in (False, True):  # stripping breaks an escaped space at the end; not stripping, a loose one
        try:
            found: list[tuple[str, str, str]] = parse_dn(dn, strip=strip)
        except (LDAPInvalidDnError, AttributeError, IndexError):
            continue
        if all(len(part) == 3 for part in found):  # noqa: PLR2004 - type, value and separator
            return found
    return None


def _unescaped(value: str) -> str:
    """The value that an escaped one stands for; bytes that are no UTF-8 stay told apart."""
    data = bytearray()
    at = 0
    while at < len(value):
        pair = value[at + 1 : at + 3]
        if value[at] == "\\" and len(pair) == 2 and _is_hex(pair):  # noqa: PLR2004 - two digits
            data += bytes.fromhex(pair)
            at += 3
            continue
        if value[at] == "\\":
            at += 1
        data += value[at : at + 1].encode("utf-8", "surrogateescape")
        at += 1
    return data.decode("utf-8", "surrogateescape")


def _is_hex(text: str) -> bool:
    return all(c in "0123456789abcdefABCDEF" for c in text)


def _compared(value: str) -> str:
    """As LDAP compares texts that ignore case: one form, one space between words."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", value).lower())
    return " ".join(folded.split())


def _escaped(value: str) -> str:
    return "".join(
        "".join(f"\\{byte:02x}" for byte in c.encode("utf-8", "surrogateescape"))
        if c in _SPECIAL or not c.isprintable()
        else c
        for c in value
    )
