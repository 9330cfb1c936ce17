"""The web server: `python -m assistant.config.serve`. Checks first, then listens, then warms the model up."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import django
import uvicorn
from django.conf import settings

from assistant.common.errors import MundapError
from assistant.config.protocol import Protocol

# Event streams are open for as long as a page is: they must not hold up a stop.
GRACE_S = 2


def main() -> int:
    """Serve until told to stop. 1 if the program must not start like this."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "assistant.config.settings")
    try:
        django.setup()
        from assistant.config.checks import require_readiness  # noqa: PLC0415 - needs loaded apps

        require_readiness()
    except MundapError as error:
        print(f"ERROR {error}", file=sys.stderr)  # noqa: T201 - the line for the person who started it
        return 1
    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)  # else whitenoise warns at every start
    threading.Thread(target=_warm_up, name="warm-up", daemon=True).start()
    _serve_slack()
    uvicorn.run(
        "assistant.config.asgi:application",
        host=settings.MUNDAP_HOST,
        port=settings.MUNDAP_PORT,
        lifespan="off",
        http=Protocol,
        ws="none",  # nothing here speaks it: such a request is answered like any other
        server_header=False,  # which program answers is nobody's business
        log_config=None,  # Django's settings say where logs go
        forwarded_allow_ips=list(settings.MUNDAP_TRUSTED_PROXIES),
        access_log=False,  # addresses of pages may carry what people search for
        timeout_graceful_shutdown=GRACE_S,
    )
    return 0


def _warm_up() -> None:
    """Load the embedding model and the search now, so that the first question need not wait for them."""
    from assistant.retrieval.warm_up import stay_warm  # noqa: PLC0415 - needs loaded settings

    stay_warm()


def _serve_slack() -> None:
    """Carry out what comes from connected workspaces, and hold their connections."""
    from assistant.slackbot.service import start  # noqa: PLC0415 - needs loaded apps

    start()


if __name__ == "__main__":
    sys.exit(main())
