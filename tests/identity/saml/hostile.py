"""Alters messages that are accepted, at random, and asks whether any of them says something else afterwards.

    python -m tests.identity.saml.hostile --count 10000 --seed 1

Nodes are moved, copied, renamed and deleted, attributes and texts changed, bytes flipped: one to three
alterations of a message of any form. Each must be refused, or say exactly what was said before. Prints JSON;
ends with 1 if one says anything else.
"""

from __future__ import annotations

import argparse
import base64
import json
import sys
import time
from collections import Counter
from copy import deepcopy
from datetime import UTC, datetime
from functools import cache
from random import Random
from typing import Any

from lxml import etree

from assistant.identity.saml.gate import Asserted, Rejected, read_response
from tests.identity.saml.made_messages import DS, FORMS, PLAIN, SAML, SAMLP, Made, expecting, posted

Element = Any
TEXTS = ("", "admin@example.com", " ", "admins", "_assertion-1", "2099-01-01T00:00:00Z", "AAAA", "\u200b")
TAGS = (
    f"{{{SAML}}}Assertion",
    f"{{{SAML}}}Subject",
    f"{{{SAML}}}NameID",
    f"{{{SAMLP}}}Extensions",
    f"{{{DS}}}Object",
    "Assertion",
    "{urn:x}Assertion",
)
ATTRIBUTES = ("ID", "Id", "id", "URI", "Destination", "Recipient", "InResponseTo", "Algorithm", "PrefixList")


@cache
def originals(now: datetime) -> dict[str, tuple[bytes, Asserted]]:
    """One message of each form, and what it says."""
    made = Made(now)
    texts = {name: form(made, PLAIN).encode() for name, form in FORMS.items()}
    return {
        name: (text, read_response(posted(text), expected=expecting(), now=now))
        for name, text in texts.items()
    }


def altered(random: Random, text: bytes) -> tuple[str, bytes]:
    """What was done, and the message afterwards."""
    done: list[str] = []
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        if random.random() < 0.3:
            way, text = _bytes(random, text)
        else:
            try:
                root = etree.fromstring(text)
            except (etree.XMLSyntaxError, ValueError):
                break
            way, root = _tree(random, root)
            text = etree.tostring(root)
        done.append(way)
    return "+".join(done), text


def _bytes(random: Random, text: bytes) -> tuple[str, bytes]:
    data = bytearray(text)
    place = random.randrange(len(data))
    match random.randrange(5):
        case 0:
            data[place] ^= 1 << random.randrange(8)
            return "flip", bytes(data)
        case 1:
            del data[place : place + random.randint(1, 40)]
            return "cut", bytes(data)
        case 2:
            data[place:place] = random.choice(
                (b"<!---->", b"<?x?>", b"&#97;", b" ", b"\n", b"<x/>", b"<![CDATA[x]]>", b"\0")
            )
            return "insert", bytes(data)
        case 3:
            start = random.randrange(len(data))
            data[place:place] = data[start : start + random.randint(1, 200)]
            return "repeat", bytes(data)
        case _:
            old = random.choice(
                (b"ann@example.com", b"staff", b"_assertion-1", b"_response-1", b"saml:", b"ds:")
            )
            return "replace", bytes(data).replace(
                old, random.choice((b"admin@example.com", b"_x", b"x:", b"")), 1
            )


def _tree(random: Random, root: Element) -> tuple[str, Element]:
    nodes = list(root.iter("*"))
    node, other = random.choice(nodes), random.choice(nodes)
    is_inside = node is root or node in other.iterancestors() or node is other
    match random.randrange(8):
        case 0 if not is_inside:
            other.insert(random.randint(0, len(other)), node)
            return "move", root
        case 1:
            other.insert(random.randint(0, len(other)), deepcopy(node))
            return "copy", root
        case 2 if node is not root:
            node.getparent().remove(node)
            return "delete", root
        case 3:
            node.tag = random.choice(TAGS)
            return "rename", root
        case 4:
            node.text = random.choice(TEXTS[:-1])
            return "text", root
        case 5:
            node.set(
                random.choice(ATTRIBUTES),
                random.choice(("", "_x", "#_x", "_assertion-1", "https://evil.example/")),
            )
            return "attribute", root
        case 6 if node.attrib:
            del node.attrib[random.choice(list(node.attrib))]
            return "attribute gone", root
        case 7:
            wrapper = etree.Element(random.choice(TAGS))
            if node is root:
                wrapper.append(root)
                return "wrap", wrapper
            node.addprevious(wrapper)
            wrapper.append(node)
            return "wrap", root
    return "nothing", root


def outcome(message: str, said: Asserted, now: datetime) -> str:
    """`same`, `other`, or why it is refused."""
    try:
        read = read_response(message, expected=expecting(), now=now)
    except Rejected as rejected:
        return str(rejected.reason)
    return "same" if read == said else "other"


def main() -> int:
    """See the module."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--count", type=int, default=1_000)
    asked.add_argument("--seed", type=int, default=1)
    options = asked.parse_args()
    random, outcomes, ways, accepted = Random(options.seed), Counter[str](), Counter[str](), []
    started = time.monotonic()
    forms = list(FORMS)
    for number in range(options.count):
        if number % 1_000 == 0:
            now = datetime.now(UTC)  # the library looks at the clock: messages must not grow old
            originals.cache_clear()
        text, said = originals(now)[random.choice(forms)]
        way, changed = altered(random, text)
        result = outcome(base64.b64encode(changed).decode(), said, now)
        outcomes[result] += 1
        ways[way.partition("+")[0]] += 1
        if result == "other":
            accepted.append({"way": way, "message": changed.decode(errors="replace")})
    print(
        json.dumps(
            {
                "count": options.count,
                "seed": options.seed,
                "says_something_else": len(accepted),
                "outcomes": dict(outcomes.most_common()),
                "first_alterations": dict(ways.most_common()),
                "seconds": round(time.monotonic() - started, 1),
                "accepted": accepted[:5],
            },
            ensure_ascii=False,
            indent=2,
        )
    )
    return 1 if accepted else 0


if __name__ == "__main__":
    sys.exit(main())
