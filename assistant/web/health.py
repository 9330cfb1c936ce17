"""Is this process able to serve?"""

from __future__ import annotations

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from assistant.ingest.disk_room import is_nearly_full

_NO_ROOM = "the disk is nearly full: uploads are refused\n"
_PLAIN = "text/plain; charset=utf-8"


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - Django's signature
    """`ok` if the database answers, else 503 with one line. For load balancers and container engines.

    A second line says that uploads are refused for want of room.
    """
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return HttpResponse("the database does not answer\n", status=503, content_type=_PLAIN)
    told = _NO_ROOM if is_nearly_full() else ""  # still able to answer, so still 200
    return HttpResponse(f"ok\n{told}", content_type=_PLAIN)
