"""Everything that a route can name, laid out in an empty MUNDAP_HOME for a crawl. Run as a program.

Prints one JSON object: who comes with which cookie or key, the addresses of all routes as each of them, and
what no answer may show.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

# Keys without a person, and such as a browser never has, are tried at the API alone.
BY_KEY = ("key of ada", "key of ann", "push key", "provisioning key", "expired key")


def lay_out(home: Path) -> dict[str, object]:
    """Make the world. What the crawler must know of it."""
    import django  # noqa: PLC0415 - the settings must be in the environment first

    django.setup()
    from django.conf import settings  # noqa: PLC0415 - as above
    from django.core.management import call_command  # noqa: PLC0415

    settings.ALLOWED_HOSTS = ["testserver"]  # of the requests that lay it out
    call_command("migrate", verbosity=0)
    from assistant.accounts.models import User  # noqa: PLC0415 - needs loaded apps
    from tests.conftest import PASSWORD, PEOPLE, new_small_world  # noqa: PLC0415
    from tests.security.crawling import ROUTES  # noqa: PLC0415
    from tests.security.grounds import IN_BROWSERS, laid_out  # noqa: PLC0415

    world = new_small_world(home)
    people = {name: User.objects.get(email=f"{name}@example.com") for name in PEOPLE}
    grounds = laid_out(world, people, home)
    actors = [grounds.actors[name] for name in ("nobody", *IN_BROWSERS, *BY_KEY)]
    return {
        "actors": [
            {
                "name": actor.name,
                "email": actor.user.email if actor.user and actor.cookie else "",
                "cookie": actor.cookie,
                "key": actor.key,
                "manages": actor.user is not None and actor.user.role != "employee",
            }
            for actor in actors
        ],
        "kept_people": [actor.user.pk for actor in actors if actor.user and actor.cookie],
        "paths": {
            actor.name: {
                route: grounds.path(route, actor.name) + grounds.query(route)
                for route in ROUTES
                if "(?P<" not in route
            }
            for actor in actors
        },
        "password": PASSWORD,
        "secrets": [
            (home / "secret.key").read_text(encoding="utf-8").strip(),
            *(actor.cookie for actor in actors if actor.cookie),
            *(actor.key for actor in actors if actor.key),
        ],
        "redirects": ["https://idp.example.com"],
    }


if __name__ == "__main__":
    print(json.dumps(lay_out(Path(os.environ["MUNDAP_HOME"]))))
    sys.exit(0)
