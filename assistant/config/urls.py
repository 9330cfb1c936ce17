"""All routes."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from assistant.web.health import healthz

urlpatterns = [
    path("", include("assistant.web.urls")),
    path("console/", include("assistant.console.urls")),
    path("api/", include("assistant.api.urls")),
    path("slack/", include("assistant.slackbot.urls")),
    path("scim/v2/", include("assistant.api.scim.urls")),
    # One sign-in page for everything, so that each attempt is audited alike.
    path("admin/login/", RedirectView.as_view(pattern_name="web:sign-in", query_string=True)),
    path("admin/", admin.site.urls),
    path("favicon.ico", RedirectView.as_view(url=f"{settings.STATIC_URL}img/favicon.svg")),
    path("healthz", healthz, name="healthz"),
]

handler400 = "assistant.web.refusals.bad_request"
handler403 = "assistant.web.refusals.forbidden"
handler404 = "assistant.web.refusals.not_found"
handler500 = "assistant.web.refusals.server_error"
