"""Kills the worker while it reads a bucket, again and again, and counts what the bucket was asked for.

    python tests/sync/kills_s3.py --kills 20 --documents 10000 --seed 1

The bucket is that of a real S3 server behind a proxy that counts. Every document must be indexed once,
and at most 2 % of them asked for more than once. Figures go to stdout as JSON; exit status 1 if anything
is not as it must be.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from assistant.common.types import Json  # noqa: E402
from tests.connectors.servers.s3 import S3Server  # noqa: E402
from tests.sync import kills as killing  # noqa: E402
from tests.sync.counting_proxy import CountingProxy  # noqa: E402
from tests.sync.installation import Installation  # noqa: E402
from tests.sync.kills_documents import write_documents  # noqa: E402

MOST_REFETCHED = 0.02
# Ten thousand documents take longer than those of the other experiment.
killing.LONGEST_S, killing.LONGEST_WAIT_S = 1800.0, 60.0


def filled_bucket(server: S3Server, folder: Path, *, number: int, seed: int) -> tuple[str, dict[str, str]]:
    """A bucket with documents of many formats; gives back the word of each by its key."""
    words = write_documents(folder, number=number, seed=seed)
    bucket = server.new_bucket()

    def put(name: str) -> None:
        server.client.put_object(Bucket=bucket, Key=name, Body=(folder / name).read_bytes())

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(put, words))
    return bucket, words


def measure(home: Path, *, kills: int, number: int, seed: int) -> dict[str, Json]:
    """The whole experiment in an empty folder; the key `wrong` lists what is not as it must be."""
    server = S3Server()
    bucket, words = filled_bucket(server, home / "documents", number=number, seed=seed)
    proxy = CountingProxy(server.port)
    installation = Installation(home / "home", {"MUNDAP_ALLOWED_NETWORKS": "127.0.0.0/8"})
    installation.prepare()
    killing.use(installation)
    run_id = killing.asked_run(
        "s3",
        {"bucket": bucket, "endpoint": proxy.endpoint, "access_key_id": "k", "audience": "everyone"},
        {"secret_access_key": "s"},
    )
    chance = random.Random(seed)
    programs = killing.Programs(installation)
    began = time.monotonic()
    try:
        programs.start("maintenance")
        programs.start("scheduler")
        deaths = killing.killed_again_and_again(run_id, programs, kills=kills, number=number, chance=chance)
        killing.ended(run_id)
    finally:
        programs.stop()
        proxy.stop()
        server.stop()
    fetched = {name: proxy.fetched[f"/{bucket}/{name}"] for name in words}
    refetched = sum(count - 1 for count in fetched.values() if count > 1)
    wrong = killing.wrongs_of_rows(run_id, words) + killing.wrongs_of_search(words, chance)
    killing.say(f"{refetched} documents were fetched again")
    if refetched > number * MOST_REFETCHED:
        wrong.append(f"{refetched} of {number} documents were fetched again")
    if min(fetched.values()) == 0:
        wrong.append("a document was never fetched")
    if deaths.worker + deaths.pool_process != kills:
        wrong.append(f"only {deaths.worker + deaths.pool_process} kills before the run ended")
    return {
        "documents": number,
        "kills_of_worker": deaths.worker,
        "kills_of_pool_process": deaths.pool_process,
        "done_at_kill": list(deaths.done),
        "refetched": refetched,
        "refetched_share": round(refetched / number, 4),
        "seconds": round(time.monotonic() - began, 1),
        "wrong": list(wrong),
    }


def main() -> int:
    """Run the experiment in a temporary folder."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--documents", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mundap-kills-s3-") as folder:
        figures = measure(Path(folder), kills=options.kills, number=options.documents, seed=options.seed)
    print(json.dumps(figures))
    return 1 if figures["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
