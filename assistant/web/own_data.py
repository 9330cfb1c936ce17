"""A person's own data, to be saved by themselves."""

from __future__ import annotations

from tempfile import SpooledTemporaryFile

from django.http import FileResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from assistant.privacy.giving_out import file_name, give_out
from assistant.web.signed_in import PersonRequest, for_people

_IN_MEMORY = 4 * 1024 * 1024


@require_POST
@never_cache
@for_people
def own_data(request: PersonRequest) -> FileResponse:
    """All that is known of whoever asks, as one file."""
    file = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - the response closes it
    give_out(user_id=request.user.pk, to=file, actor=request.user.email)
    file.seek(0)
    return FileResponse(file, as_attachment=True, filename=file_name(), content_type="application/zip")
