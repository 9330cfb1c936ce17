"""What does it cost to count a request? No limit, a row written for each, and what processes take ahead.

    python -m tests.bench.rate_limits [--requests 2000] [--processes 4]

Prints JSON. `per_request_us`: median and 99th percentile of `spend` for one person, alone and beside a
process that commits as a sync does (20 ms of every 40). `page_ms`: a whole page through Django's client, the
three ways in turn. `writes`: of one person's requests, one each 10 ms. `parallel`: processes that ask as fast
as they can for a second, and how many requests are let through: never more than the limit.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
_MOST = 6_000  # requests in a minute


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=2_000)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--part", choices=("writer", "asker"))
    chosen = parser.parse_args()
    if chosen.part is not None:
        _start()
        {"writer": _commit_on, "asker": _ask_on}[chosen.part]()
        return 0
    with tempfile.TemporaryDirectory(prefix="mundap-rates-") as home:
        os.environ.update({"MUNDAP_HOME": home, "MUNDAP_ALLOWED_HOSTS": "testserver"})
        os.environ.setdefault("DATABASE_URL", f"sqlite:///{home}/rates.sqlite3")
        os.environ.update({"MUNDAP_REQUIRE_SECOND_FACTOR": "nobody", "MUNDAP_LOG_LEVEL": "ERROR"})
        _start()
        print(json.dumps(_measured(chosen.requests, chosen.processes), indent=1))
    return 0


def _start() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "assistant.config.settings"
    import django  # noqa: PLC0415 - needs the environment

    django.setup()


def _measured(requests: int, processes: int) -> dict[str, object]:
    from django.conf import settings  # noqa: PLC0415 - needs loaded apps
    from django.core.management import call_command  # noqa: PLC0415
    from django.test import Client  # noqa: PLC0415

    from assistant.accounts import rate_limits  # noqa: PLC0415
    from assistant.accounts.models import User  # noqa: PLC0415
    from assistant.accounts.rate_limits import Holder, Limit  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    ann = User.objects.create_user("ann@example.com", None)
    holder, client = Holder(ann.pk, ann), Client()
    client.force_login(ann)
    leased = rate_limits._LEASED
    ways = {"no limit": (0, leased), "a row each": (1_000_000, frozenset()), "ahead": (1_000_000, leased)}

    def choose(way: str) -> None:
        settings.MUNDAP_REQUESTS_PER_MINUTE, shares = ways[way]
        rate_limits._LEASED = shares
        rate_limits.forget_leases()

    def spent() -> None:
        assert rate_limits.spend(Limit.REQUESTS, holder) is None

    def page() -> None:
        assert client.get("/sessions/").status_code == 200

    alone, beside = {}, {}
    pages: dict[str, list[float]] = {way: [] for way in ways}
    for way in ways:
        choose(way)
        alone[way] = _times(spent, requests)
    with _process("writer") as writer:
        assert writer.stdout is not None
        writer.stdout.readline()  # it writes from now on
        for way in ways:
            choose(way)
            beside[way] = _times(spent, requests)
        writer.kill()
    for _ in range(requests // 20):
        for way in ways:
            choose(way)
            pages[way] += _times(page, 2)
    found: dict[str, object] = {
        way: {
            "per_request_us": {"alone": _shown(alone[way], 1e6), "beside a writer": _shown(beside[way], 1e6)},
            "page_ms": _shown(pages[way], 1e3),
        }
        for way in ways
    }
    choose("ahead")
    settings.MUNDAP_REQUESTS_PER_MINUTE = 600
    found["writes of 500 requests in 5 s, of 600 a minute"] = _writes(holder)
    found["parallel"] = _parallel(processes)
    return found


def _times(act: Callable[[], None], times: int) -> list[float]:
    act()
    took = []
    for _ in range(times):
        began = time.perf_counter()
        act()
        took.append(time.perf_counter() - began)
    return took


def _shown(took: list[float], unit: float) -> dict[str, float]:
    return {
        "median": round(statistics.median(took) * unit, 1),
        "p99": round(statistics.quantiles(took, n=100)[-1] * unit, 1),
    }


def _writes(holder: object) -> dict[str, int]:
    from django.db import connection  # noqa: PLC0415 - needs loaded apps
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415

    from assistant.accounts.rate_limits import Holder, Limit, forget_leases, spend  # noqa: PLC0415
    from assistant.accounts.rate_models import RateCounter  # noqa: PLC0415

    assert isinstance(holder, Holder)
    RateCounter.objects.all().delete()
    forget_leases()
    passed = 0
    with CaptureQueriesContext(connection) as asked:
        for _ in range(500):
            passed += spend(Limit.REQUESTS, holder) is None
            time.sleep(0.01)
    written = sum(query["sql"].startswith("UPDATE") for query in asked.captured_queries)
    return {"let_through": passed, "writes": written}


def _parallel(processes: int) -> dict[str, float]:
    from assistant.accounts.models import User  # noqa: PLC0415 - needs loaded apps
    from assistant.accounts.rate_models import RateCounter  # noqa: PLC0415

    RateCounter.objects.all().delete()
    User.objects.get(email="ann@example.com")
    running = [_process("asker") for _ in range(processes)]
    ends = [json.loads(process.communicate()[0]) for process in running]
    first, last = min(end["began"] for end in ends), max(end["ended"] for end in ends)
    passed = sum(end["passed"] for end in ends)
    return {
        "processes": processes,
        "asked": sum(end["asked"] for end in ends),
        "let_through": passed,
        "limit": round(_MOST + (last - first) * _MOST / 60),
        "seconds": round(last - first, 2),
    }


def _process(part: str) -> subprocess.Popen[str]:
    around = {**os.environ, "MUNDAP_REQUESTS_PER_MINUTE": str(_MOST), "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-m", "tests.bench.rate_limits", "--part", part]
    return subprocess.Popen(command, cwd=REPOSITORY, env=around, stdout=subprocess.PIPE, text=True)


def _commit_on() -> None:
    """Hold the write lock 20 ms of every 40, until ended."""
    from django.db import transaction  # noqa: PLC0415 - needs loaded apps
    from django.utils import timezone  # noqa: PLC0415

    from assistant.accounts.rate_models import RateCounter  # noqa: PLC0415

    print("writing", flush=True)
    while True:
        with transaction.atomic():
            RateCounter.objects.update_or_create(key="writer:0", defaults={"at": timezone.now()})
            time.sleep(0.02)
        time.sleep(0.02)


def _ask_on() -> None:
    """Ask as fast as possible for a second; print how it went."""
    from assistant.accounts.models import User  # noqa: PLC0415 - needs loaded apps
    from assistant.accounts.rate_limits import Holder, Limit, spend  # noqa: PLC0415

    ann = User.objects.get(email="ann@example.com")
    holder, began, asked, passed = Holder(ann.pk, ann), time.time(), 0, 0
    while time.time() < began + 1 or asked < _MOST:
        passed += spend(Limit.REQUESTS, holder) is None
        asked += 1
    print(json.dumps({"asked": asked, "passed": passed, "began": began, "ended": time.time()}))


if __name__ == "__main__":
    sys.exit(main())
