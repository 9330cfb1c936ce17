"""What Django's error pages tell, which it draws with MUNDAP_DEBUG alone: no secret either.

Django leaves out settings by their names only, and with debugging on nothing of variables and forms.
"""

from __future__ import annotations

import re
from typing import Any

from django.http import HttpRequest
from django.views.debug import ExceptionReporter, SafeExceptionReporterFilter

from assistant.common.known_secrets import without_secrets


class WithoutSecrets(SafeExceptionReporterFilter):
    """Leaves out settings that may hold a password in an address, and secrets that somebody typed."""

    hidden_settings = re.compile(
        f"{SafeExceptionReporterFilter.hidden_settings.pattern}|BROKER|ENVIRONMENT|CODE|SAML", re.IGNORECASE
    )

    def get_post_parameters(self, request: HttpRequest | None) -> dict[str, Any]:
        """The form, without the fields that take secrets."""
        return {
            name: self.cleansed_substitute if self.hidden_settings.search(name) else value
            for name, value in super().get_post_parameters(request).items()
        }


class Reporter(ExceptionReporter):
    """The page and the text, whatever variables and messages hold."""

    def get_traceback_html(self) -> str:  # type: ignore[override]  # it is sent as it is, into no template
        """See the class."""
        return without_secrets(super().get_traceback_html())

    def get_traceback_text(self) -> str:  # type: ignore[override]  # it is sent as it is, into no template
        """See the class."""
        return without_secrets(super().get_traceback_text())
