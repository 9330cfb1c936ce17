"""A hostile crawl of the whole system: every page, form and route, by everybody, with what no browser sends.

    python -m tests.security.crawl --seconds 600 --seed 1

Starts the web server as `up` does, over a world with everything that a route can name, and crawls it as a
stranger, each role and each sort of key; then speaks broken HTTP to it and leaves streams in the middle. One
JSON object on stdout; exit status 1 if an answer breaks a rule of `passive`, a connection is left in
disorder, or the server wrote an error down.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from random import Random

from tests.security.crawl.broken_http import spoken
from tests.security.crawl.crawler import Crawler
from tests.security.crawl.leaving import left_in_the_middle
from tests.security.crawl.serving import serving
from tests.security.crawl.worlds import whole_world


def main() -> int:
    """Crawl, and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mundap-crawl-") as folder:
        home = Path(folder)
        world = whole_world(home)
        began = time.monotonic()
        with serving(home) as server:
            known = server.known(world.secrets, world.redirects)
            left = left_in_the_middle(server.address, world.visitors)
            crawler = Crawler(
                known,
                world.visitors,
                Random(wanted.seed),
                password=world.password,
                kept_people=world.kept_people,
            )
            found = crawler.run(wanted.seconds)
            disorder = spoken(server.address)
            logged = server.errors()
    result = {
        "requests": found.requests,
        "seed": wanted.seed,
        "seconds": round(time.monotonic() - began),
        "routes": len(found.routes),
        "pages": len(found.pages),
        "forms": len(found.forms),
        "forms_sent": found.forms_sent,
        "by_visitor": dict(sorted(found.by_visitor.items())),
        "sessions_begun_again": sum(visitor.signed_in_again for visitor in world.visitors),
        "by_status": {str(status): count for status, count in sorted(found.statuses.items())},
        "server_errors": found.server_errors,
        "said_out_of_reach": found.out_of_reach,
        "cut": found.cut,
        "findings": [f"{rule} at {route}: {shown}" for (rule, route, _), shown in found.findings.items()][
            :60
        ],
        "streams_left": left,
        "broken_http": disorder,
        "logged_errors": logged[:10],
    }
    print(json.dumps(result, ensure_ascii=False, indent=1))
    wrong = found.findings or found.server_errors or disorder["wrong"] or logged
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
