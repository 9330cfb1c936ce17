"""A person's own data, to be saved by themselves."""

from __future__ import annotations

from django.http import StreamingHttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from assistant.privacy.giving_out import file_name, give_out
from assistant.web.signed_in import PersonRequest, for_people


@require_POST
@never_cache
@for_people
def own_data(request: PersonRequest) -> StreamingHttpResponse:
    """All that is known of whoever asks, as one file that is sent while it is made."""
    given = give_out(user_id=request.user.pk, actor=request.user.email)
    return StreamingHttpResponse(
        given.pieces,
        content_type="application/zip",
        headers={"Content-Disposition": f'attachment; filename="{file_name()}"'},
    )
