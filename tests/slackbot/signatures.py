"""Requests that are almost Slack's: each must be refused, and leave nothing behind.

    python -m tests.slackbot.signatures --count 10000 --seed 1

Each begins as a rightly signed one and is changed in one way; a change that changes nothing is drawn anew. A
right one among them, now and then, shows that the way is open.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random

if __name__ == "__main__":  # what follows needs loaded apps
    HOME = tempfile.TemporaryDirectory()
    os.environ |= {"MUNDAP_HOME": HOME.name, "DATABASE_URL": f"sqlite:///{HOME.name}/signatures.sqlite3"}
    os.environ |= {"DJANGO_SETTINGS_MODULE": "assistant.config.settings", "MUNDAP_LOG_LEVEL": "CRITICAL"}
    os.environ["MUNDAP_ALLOWED_HOSTS"] = "testserver"
    import django

    django.setup()

from django.core.management import call_command
from django.test import Client

from assistant.slackbot.credentials import Credentials
from assistant.slackbot.models import Job
from tests.slackbot.signed import SECRET, Signed, command, new_workspace, said, signature_of, signed

OTHER_SECRET = "0123456789abcdef0123456789abcdef"
_DIGITS = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
_WIDE = str.maketrans("0123456789", "０１２３４５６７８９")
RIGHT_EVERY = 100

Change = Callable[[Signed, Random], Signed]


def make_workspaces() -> None:
    """The workspace that is asked for, and others: with another secret, closed, and without a secret."""
    new_workspace("h-1")
    new_workspace("h-2", team="T0TWO", credentials=Credentials("xoxb-2", OTHER_SECRET))
    new_workspace("h-3", team="T0THREE", is_open=False)
    new_workspace("h-4", team="T0FOUR", credentials=Credentials("xoxb-4"))


def right(number: int) -> Signed:
    """A request as Slack sends it, each another one."""
    if number % 3:
        return signed(said(f"질문 {number}?", ts=f"{1_767_225_600 + number}.000100"))
    return signed(command("/ask", f"question {number}", trigger=f"1.{number}.x"))


def _flip_signature(one: Signed, random: Random) -> Signed:
    digest = bytearray(bytes.fromhex(one.signature[3:]))
    digest[random.randrange(len(digest))] ^= 1 << random.randrange(8)
    return replace(one, signature=f"v0={digest.hex()}")


def _cut_signature(one: Signed, random: Random) -> Signed:
    return replace(one, signature=one.signature[: random.randrange(len(one.signature))])


def _lengthened_signature(one: Signed, random: Random) -> Signed:
    return replace(
        one, signature=one.signature + random.choice(["0", " ", "\t", "=", one.signature[3:], "é"])
    )


def _other_version(one: Signed, random: Random) -> Signed:
    version = random.choice(["v1=", "v00=", "V0=", "", "v0", "=", "v0==", " v0=", "v0 =", "ｖ0="])
    return replace(one, signature=version + one.signature[3:])


def _other_case(one: Signed, random: Random) -> Signed:
    return replace(one, signature="v0=" + one.signature[3:].upper())


def _other_digits(one: Signed, random: Random) -> Signed:
    return replace(
        one, signature=one.signature[:3] + one.signature[3:].translate(random.choice([_DIGITS, _WIDE]))
    )


def _other_secret(one: Signed, random: Random) -> Signed:
    secret = random.choice([OTHER_SECRET, SECRET.upper(), SECRET[:-1], SECRET + "0", " " + SECRET, "x"])
    return replace(one, signature=signature_of(one.body, one.timestamp, secret))


def _signed_at(one: Signed, seconds: int) -> Signed:
    timestamp = str(int(time.time()) + seconds)
    return replace(one, timestamp=timestamp, signature=signature_of(one.body, timestamp))


def _stale(one: Signed, random: Random) -> Signed:
    return _signed_at(one, -random.choice([302, 400, 3_600, 86_400, 10**8]))


def _future(one: Signed, random: Random) -> Signed:
    return _signed_at(one, random.choice([310, 400, 3_600, 86_400, 10**9]))


def _written_otherwise(one: Signed, random: Random) -> Signed:
    """The same moment, written as Python's `int` would take it, and rightly signed so."""
    stamp = one.timestamp
    timestamp = random.choice(
        [
            stamp.translate(_DIGITS),
            stamp.translate(_WIDE),
            f"0{stamp}",
            f"+{stamp}",
            f"-{stamp}",
            f"{stamp[:3]}_{stamp[3:]}",
            f"{stamp}.0",
            f"{stamp}e0",
            hex(int(stamp)),
            "",
            "nan",
            "0",
            "9" * 400,
        ]
    )
    return replace(one, timestamp=timestamp, signature=signature_of(one.body, timestamp))


def _moved_timestamp(one: Signed, random: Random) -> Signed:
    return replace(one, timestamp=str(int(one.timestamp) + random.choice([-200, -10, -1, 1, 10, 200])))


def _flip_body(one: Signed, random: Random) -> Signed:
    body = bytearray(one.body)
    body[random.randrange(len(body))] ^= 1 << random.randrange(8)
    return replace(one, body=bytes(body))


def _cut_body(one: Signed, random: Random) -> Signed:
    return replace(one, body=one.body[: random.randrange(len(one.body))])


def _lengthened_body(one: Signed, random: Random) -> Signed:
    return replace(one, body=one.body + random.choice([b" ", b"\n", b"&text=x", b"\x00", b"}", one.body]))


def _moved_colon(one: Signed, random: Random) -> Signed:
    """The same signed text, cut at another place: part of the body stands in the timestamp."""
    return replace(one, timestamp=one.timestamp + ":" + one.body[:1].decode(), body=one.body[1:])


def _twice(one: Signed, random: Random) -> Signed:
    name = random.choice(["X-Slack-Signature", "X-Slack-Request-Timestamp"])
    kept = one.signature if name.endswith("Signature") else one.timestamp
    other = "v0=" + "0" * 64 if name.endswith("Signature") else str(int(one.timestamp) - 1)
    # As the server joins a header that was sent twice.
    joined = random.choice([f"{kept},{other}", f"{other},{kept}", f"{kept},{kept}", f"{kept}, {kept}"])
    if name.endswith("Signature"):
        return replace(one, signature=joined)
    return replace(one, timestamp=joined)


def _missing(one: Signed, random: Random) -> Signed:
    return replace(one, signature="") if random.random() < 1 / 2 else replace(one, timestamp="")


def _another_workspaces(one: Signed, random: Random) -> Signed:
    return replace(one, handle=random.choice(["h-2", "h-3", "h-4", "nothing"]))


def _of_another_request(one: Signed, random: Random) -> Signed:
    return replace(one, signature=right(random.randrange(10**6, 10**7)).signature)


CHANGES: Mapping[str, Change] = {
    change.__name__.strip("_"): change
    for change in (
        *(_flip_signature, _cut_signature, _lengthened_signature, _other_version, _other_case, _other_digits),
        *(_other_secret, _stale, _future, _written_otherwise, _moved_timestamp, _flip_body, _cut_body),
        *(_lengthened_body, _moved_colon, _twice, _missing, _another_workspaces, _of_another_request),
    )
}


def mutated(number: int, random: Random) -> tuple[str, Signed]:
    """A request that is not Slack's, and by which change."""
    while True:
        name = random.choice(list(CHANGES))
        one = right(number)
        other = CHANGES[name](one, random)
        if other != one:
            return name, other


def try_all(client: Client, *, count: int, seed: int) -> Counter[str]:
    """Send so many. How many were refused, by the change; and how many right ones were taken in.

    Raises:
        AssertionError: one was not refused, or not like all others, or a right one was.
    """
    random, refused = Random(seed), Counter[str]()
    for number in range(count):
        name, request = mutated(number, random)
        answer = request.send(client)
        told = (answer.status_code, answer.content, answer["Content-Type"])  # type: ignore[attr-defined]
        assert told == (404, b"not found\n", "text/plain; charset=utf-8"), (seed, number, name, request, told)
        refused[name] += 1
        if number % RIGHT_EVERY == 0:
            assert right(number).send(client).status_code == 200, (seed, number)
            refused["(right ones taken in)"] += 1
    return refused


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    call_command("migrate", interactive=False, verbosity=0)
    make_workspaces()
    logging.disable()  # each refusal is a line
    begun = time.monotonic()
    refused = try_all(Client(), count=given.count, seed=given.seed)
    took = time.monotonic() - begun
    for name, times in sorted(refused.items()):
        print(f"{times:7,}  {name}")
    taken = refused.pop("(right ones taken in)")
    print(f"{refused.total():,} of {given.count:,} refused alike in {took:.0f} s; {Job.objects.count()} jobs")
    return int(refused.total() != given.count or Job.objects.count() != taken)


if __name__ == "__main__":
    sys.exit(main())
