"""Alters an audit log as somebody with the database alone could, and asks whether each alteration is located.

    python -m tests.audit.tampering --count 10000 --seed 1 [--entries 60]

Every tampering is done by plain SQL on a real database, examined, and rolled back. Prints JSON; ends
with 1 if one is not found, or not where it was done.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import TYPE_CHECKING
from uuid import uuid4

if TYPE_CHECKING:
    from assistant.audit.chain import Entry

TABLE = "audit_auditevent"
FORMER_KEY = "the key of this installation until somebody replaced it"
CONTENT = ("at", "event", "actor_id", "actor", "data", "address", "via", "uid", "salt", "amended")
CODES = ("mac", "previous", "digest")


@dataclass(frozen=True, slots=True)
class Expected:
    """What must be said: one (kind, number) of each set, and nothing at another number."""

    said: Sequence[frozenset[tuple[str, int]]]
    numbers: frozenset[int] = field(default_factory=frozenset)


def one(number: int, *kinds: str) -> frozenset[tuple[str, int]]:
    """One of these kinds at this number."""
    return frozenset((kind, number) for kind in kinds)


class Tamperer:
    """Somebody with the database of a log of `entries` entries, numbered from 1, and without the key."""

    def __init__(self, random: Random, entries: int) -> None:
        self.random = random
        self.entries = entries

    def any_one(self) -> tuple[str, Expected]:
        """Do one tampering. Its name, and what must be said of it."""
        ways: tuple[Callable[[], Expected], ...] = (
            self.change_content,
            self.change_code,
            self.change_number,
            self.remove,
            self.remove_and_close_up,
            self.remove_several,
            self.insert_at_end,
            self.insert_between,
            self.copy,
            self.swap_numbers,
            self.swap_contents,
            self.replace,
            self.cut,
            self.cut_and_set_back,
            self.take_number_away,
        )
        way = self.random.choice(ways)
        return way.__name__, way()

    def change_content(self) -> Expected:
        """Another value in any field of what an entry says."""
        n = self._number()
        column = self.random.choice(CONTENT)
        self._set(n, column, self._other(column, self._get(n, column)))
        return self._expect(one(n, "changed"))

    def change_code(self) -> Expected:
        """Another value, or one of another entry, in one of its codes."""
        n, column = self._number(), self.random.choice(CODES)
        now = self._get(n, column)
        foreign = self._get(self._number(but=n), column)
        made = "".join(self.random.choice("0123456789abcdef") for _ in range(64))
        flipped = ("1" if str(now)[0] != "1" else "2") + str(now)[1:]
        self._set(n, column, self.random.choice((foreign, made, flipped, "", str(now)[:-1])))
        return self._expect(one(n, "changed"))

    def change_number(self) -> Expected:
        """Another number for an entry: near, far behind the end, or below the first."""
        n = self._number()
        to = self.random.choice((self.entries + 1, self.random.randint(10**3, 10**6), 0, -5, 2**62))
        self._set(n, "number", to)
        return self._expect(one(to, "moved"))

    def remove(self) -> Expected:
        """One entry is gone."""
        n = self._number(below=self.entries)
        self._delete(n)
        return self._expect(one(n, "removed"))

    def remove_and_close_up(self) -> Expected:
        """One is gone, and those behind it move up."""
        n = self._number(below=self.entries)
        self._delete(n)
        self._shift(n + 1, -1)
        return self._expect(one(n, "removed"), one(n, "moved"))

    def remove_several(self) -> Expected:
        """A stretch is gone."""
        n = self._number(below=self.entries - 4)
        last = n + self.random.randint(1, 3)
        self._sql(f"DELETE FROM {TABLE} WHERE number BETWEEN %s AND %s", n, last)
        return self._expect(one(n, "removed"))

    def insert_at_end(self) -> Expected:
        """A forged entry behind the last one."""
        n = self.entries + 1
        self._insert(n)
        return self._expect(one(n, "inserted"))

    def insert_between(self) -> Expected:
        """A forged entry in between; those behind it move down."""
        n = self._number()
        self._shift(n, 1)
        self._insert(n)
        return self._expect(one(n, "inserted"), one(n + 1, "moved"))

    def copy(self) -> Expected:
        """A genuine entry once more, behind the last one, under another id."""
        n, to = self._number(), self.entries + 1
        rest = ", ".join(name for name in (*CONTENT, *CODES) if name != "uid")
        self._sql(
            f"INSERT INTO {TABLE} (number, uid, {rest}) SELECT %s, %s, {rest} FROM {TABLE} WHERE number = %s",
            to,
            uuid4().hex,
            n,
        )
        return self._expect(one(to, "inserted"))

    def swap_numbers(self) -> Expected:
        """Two entries change places."""
        a = self._number()
        b = self._number(but=a)
        for number, to in ((a, -1), (b, a), (-1, b)):
            self._set(number, "number", to)
        return self._expect(one(a, "moved"), one(b, "moved"))

    def swap_contents(self) -> Expected:
        """Two entries say what the other one said."""
        a = self._number()
        b = self._number(but=a)
        columns = [name for name in CONTENT if name != "uid"]
        first, second = [self._get(a, name) for name in columns], [self._get(b, name) for name in columns]
        for name, value, other in zip(columns, first, second, strict=True):
            self._set(a, name, other)
            self._set(b, name, value)
        return self._expect(one(a, "changed"), one(b, "changed"))

    def replace(self) -> Expected:
        """A forged entry in the place of a genuine one."""
        n = self._number()
        self._delete(n)
        self._insert(n)
        return self._expect(one(n, "changed", "inserted"))

    def cut(self) -> Expected:
        """The newest entries are gone."""
        n = self.entries - self.random.randint(0, 5)
        self._sql(f"DELETE FROM {TABLE} WHERE number >= %s", n)
        return self._expect(one(n, "cut"))

    def cut_and_set_back(self) -> Expected:
        """The newest are gone, and the head in the database says so too, with what it once genuinely held."""
        from assistant.audit.chain import own_key, signed_head  # noqa: PLC0415 - needs loaded settings

        n = self.entries - self.random.randint(0, 5)
        held = signed_head(n - 1, str(self._get(n - 1, "digest")), own_key())
        self._sql(f"DELETE FROM {TABLE} WHERE number >= %s", n)
        self._sql(
            "UPDATE audit_audithead SET number = %s, digest = %s, mac = %s",
            held.number,
            held.digest,
            held.mac,
        )
        return self._expect(one(n, "cut"))

    def take_number_away(self) -> Expected:
        """An entry is put back among those that have no number yet."""
        n = self._number(below=self.entries)
        self._set(n, "number", None)
        return self._expect(one(n, "removed"))

    def _expect(self, *said: frozenset[tuple[str, int]]) -> Expected:
        return Expected(said, frozenset(number for kinds in said for _kind, number in kinds))

    def _number(self, *, but: int = 0, below: int = 0) -> int:
        return self.random.choice([n for n in range(1, (below or self.entries + 1)) if n != but])

    def _get(self, number: int, column: str) -> object:
        from django.db import connection  # noqa: PLC0415 - needs loaded settings

        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {column} FROM {TABLE} WHERE number = %s", [number])
            return cursor.fetchone()[0]

    def _set(self, number: int, column: str, value: object) -> None:
        self._sql(f"UPDATE {TABLE} SET {column} = %s WHERE number = %s", value, number)

    def _delete(self, number: int) -> None:
        self._sql(f"DELETE FROM {TABLE} WHERE number = %s", number)

    def _shift(self, first: int, by: int) -> None:
        far = 10**9
        self._sql(f"UPDATE {TABLE} SET number = number + %s WHERE number >= %s", far, first)
        self._sql(f"UPDATE {TABLE} SET number = number - %s WHERE number >= %s", far - by, first + far)

    def _insert(self, number: int) -> None:
        """With codes of another entry, or none that anybody has made."""
        model = self._number(but=number, below=self.entries - 8)
        codes = [self._get(model, name) for name in CODES] if self.random.random() < 0.5 else ["ab" * 32] * 3
        content = [self._get(model, name) for name in CONTENT if name != "uid"]
        names = ", ".join(("number", "uid", *CODES, *(name for name in CONTENT if name != "uid")))
        values = [number, uuid4().hex, *codes, *content]
        holes = ", ".join(["%s"] * len(values))
        self._sql(f"INSERT INTO {TABLE} ({names}) VALUES ({holes})", *values)

    def _other(self, column: str, now: object) -> object:
        if column == "actor_id":
            return self.random.choice([one for one in (None, 1, 7, 8, 2**40) if one != now])
        if column == "at":
            return f"2025-0{self.random.randint(1, 9)}-11 0{self.random.randint(0, 9)}:30:00.123456"
        if column == "data":
            return json.dumps({"user": f"other-{self.random.randint(1, 9)}@example.com"})
        if column == "uid":
            return uuid4().hex
        return self.random.choice([one for one in ("", "x", f"{now} ", "role_changed") if one != now])

    def _sql(self, statement: str, *values: object) -> None:
        from django.db import connection  # noqa: PLC0415 - needs loaded settings

        with connection.cursor() as cursor:
            cursor.execute(statement, values)  # type: ignore[arg-type]


def fill(random: Random, entries: int) -> None:
    """Record entries as people and workers would."""
    _record(random, range(entries))


def fill_over_time(random: Random, entries: int) -> None:
    """The same, a third of it under a key that was replaced since, and with one person erased."""
    from django.test import override_settings  # noqa: PLC0415 - needs loaded settings

    from assistant.audit.amending import amend, retire  # noqa: PLC0415

    with override_settings(SECRET_KEY=FORMER_KEY):
        _record(random, range(entries // 3))
        amend(_without_haneul)
    with override_settings(SECRET_KEY_FALLBACKS=[FORMER_KEY]):
        retire([FORMER_KEY])
    _record(random, range(entries // 3, entries))
    amend(_without_haneul)


def _without_haneul(entry: Entry) -> Entry | None:
    return replace(entry, actor="erased-1", address="") if "하늘" in entry.actor else None


def _record(random: Random, wanted: range) -> None:
    from assistant.audit.origin import Origin, Via, coming_from  # noqa: PLC0415 - needs loaded settings
    from assistant.audit.trail import Event, record  # noqa: PLC0415

    kinds = list(Event)
    for n in wanted:
        origin = Origin(random.choice(list(Via)), random.choice(("", "10.0.0.7", "2001:db8::5")))
        with coming_from(origin):
            record(
                random.choice(kinds),
                actor_id=random.choice((None, 7, 8)),
                actor=random.choice(("ada@example.com", "김하늘@example.com", "")),
                n=n,
                share=n / 4,
                name="영업 자료 “2026”",
                found=[{"kind": "card", "count": n}],
            )


def located(expected: Expected) -> str:
    """Examine the log as it stands now. Empty if everything was said and nothing else; else what was said."""
    from assistant.audit.verifying import verify  # noqa: PLC0415 - needs loaded settings

    verdict = verify(actor="tampering")
    found = {(problem.kind.value, problem.number) for problem in verdict.problems}
    missing = [kinds for kinds in expected.said if not kinds & found]
    others = {number for _kind, number in found} - expected.numbers
    return "" if not missing and not others and not verdict.ok else f"{sorted(found)} {verdict.forged}"


def tamper(count: int, random: Random, entries: int) -> tuple[Counter[str], list[str]]:
    """So many tamperings, each rolled back. How many of each kind, and those that were not located."""
    from django.db import transaction  # noqa: PLC0415 - needs loaded settings

    done: Counter[str] = Counter()
    missed: list[str] = []
    for _ in range(count):
        with transaction.atomic():
            way, expected = Tamperer(random, entries).any_one()
            wrong = located(expected)
            transaction.set_rollback(True)
        done[way] += 1
        if wrong:
            missed.append(f"{way}: expected {[sorted(kinds) for kinds in expected.said]}, said {wrong}")
    return done, missed


def main(arguments: list[str]) -> int:
    """The long form."""
    parser = argparse.ArgumentParser(prog="tampering", description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--entries", type=int, default=60)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as home:
        os.environ["MUNDAP_HOME"] = home
        os.environ["DJANGO_SETTINGS_MODULE"] = "assistant.config.settings"
        import django  # noqa: PLC0415 - needs the environment

        django.setup()
        from django.core.management import call_command  # noqa: PLC0415

        from assistant.audit.verifying import verify  # noqa: PLC0415

        call_command("migrate", verbosity=0)
        random, began = Random(given.seed), time.perf_counter()
        fill_over_time(random, given.entries)
        before = verify(actor="before")
        done, missed = tamper(given.count, random, given.entries + 1)  # one more tells of that examination
        after = verify(actor="after")
    result = {
        "tamperings": sum(done.values()),
        "located": sum(done.values()) - len(missed),
        "by_kind": dict(sorted(done.items())),
        "untouched_ok": before.ok and after.ok,
        "missed": missed[:20],
        "seconds": round(time.perf_counter() - began, 1),
    }
    print(json.dumps(result, ensure_ascii=False))
    return 0 if not missed and before.ok and after.ok else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
