"""Signature wrapping: the eight classical placements (Somorovsky and others, "On Breaking SAML", 2012).

In each the signed element S is still somewhere, so that its signature stays right, and an element E of the
attacker stands where a careless reader looks.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from datetime import datetime
from typing import Any

from lxml import etree

from tests.identity.saml.made_messages import (
    DS,
    FORMS,
    NAMES,
    PLAIN,
    SAML,
    SAMLP,
    XENC,
    Encrypting,
    Made,
    encrypted,
    signed_assertion,
)

VICTIM = "admin@example.com"
PLACEMENTS = {
    1: "S within the signature of E",
    2: "S beside the signature in E",
    3: "E before S",
    4: "S at the end of E",
    5: "signature in E, S behind it",
    6: "S within the key info of the signature of E",
    7: "E in extensions",
    8: "S in an object of the signature of E",
}
TARGETS = {
    "assertion": ("signed assertion", "both signed", "encrypted"),
    "response": ("signed response", "both signed", "encrypted in a signed response"),
}

Element = Any


def wrapped(now: datetime) -> Iterator[tuple[str, str]]:
    """Every placement, of assertion and response, in every form, with E under a new ID and under that of S."""
    for target, forms in TARGETS.items():
        for form in forms:
            for number, words in PLACEMENTS.items():
                for same_id in (False, True):
                    name = f"wrapping {number} of the {target}, {form}: {words}, {'same' if same_id else 'new'} ID"
                    yield name, _wrap(number, target, form, now, same_id=same_id)


def _wrap(number: int, target: str, form: str, now: datetime, *, same_id: bool) -> str:
    # What an attacker puts into an encrypted assertion is wrapped first, and encrypted to us then.
    inside = form == "encrypted"
    text = signed_assertion(Made(now)) if inside else FORMS[form](Made(now), PLAIN)
    root = place(number, etree.fromstring(text.encode()), target, same_id=same_id)
    if inside:
        bodies = root.findall(f"{{{SAML}}}Assertion")
        for each in bodies:
            root.remove(each)
        content = "".join(etree.tostring(each).decode() for each in bodies)
        if len(bodies) > 1:  # only one element can be encrypted: the two in a third
            content = f'<saml:Assertion xmlns:saml="{SAML}">{content}</saml:Assertion>'
        root.append(etree.fromstring(encrypted(content, Encrypting())))
    return str(etree.tostring(root).decode())


def place(  # noqa: C901, PLR0912, PLR0915 - eight placements are compared best side by side
    number: int, root: Element, target: str, *, same_id: bool = False
) -> Element:
    """The document with E and S in that placement; its root."""
    tag = f"{{{SAML}}}Assertion" if target == "assertion" else f"{{{SAMLP}}}Response"
    original = root if root.tag == tag else root.find(tag)
    signature = original.find(f"{{{DS}}}Signature")
    parent = original.getparent()
    evil = deepcopy(original)
    evil.tail = None
    evil.remove(evil.find(f"{{{DS}}}Signature"))
    _forge(evil)
    if not same_id:
        evil.set("ID", "_evil")
    bare = deepcopy(original)
    bare.remove(bare.find(f"{{{DS}}}Signature"))
    whole = deepcopy(original)
    moved = deepcopy(signature)
    match number:
        case 1:
            moved.append(bare)
            evil.insert(1, moved)
        case 2:
            evil.insert(1, bare)
            evil.insert(2, moved)
        case 3:
            if parent is None:
                evil.insert(1, whole)
            else:
                original.addprevious(evil)
                return root
        case 4:
            evil.append(whole)
        case 5:
            evil.insert(1, moved)
            if parent is None:
                evil.append(bare)
            else:
                original.addnext(bare)
        case 6:
            moved.find(f"{{{DS}}}KeyInfo").append(bare)
            evil.insert(1, moved)
        case 7:
            extensions = etree.Element(f"{{{SAMLP}}}Extensions")
            if parent is None:
                extensions.append(whole)
                evil.insert(1, extensions)
            else:
                extensions.append(evil)
                parent.insert(1, extensions)
                return root
        case _:
            etree.SubElement(moved, f"{{{DS}}}Object").append(bare)
            evil.insert(1, moved)
    if parent is None:
        return evil
    parent.replace(original, evil)
    return root


def _forge(evil: Element) -> None:
    for name in evil.iterfind(".//saml:NameID", NAMES):
        name.text = VICTIM
    for data in evil.iterfind(".//xenc:EncryptedData", NAMES):
        # The attacker's own assertion, encrypted to us as well.
        forged = Made(datetime.fromisoformat(evil.get("IssueInstant")), name_id=VICTIM).assertion()
        holder = etree.fromstring(encrypted(forged, Encrypting()))
        data.getparent().replace(data, holder.find(f"{{{XENC}}}EncryptedData"))
