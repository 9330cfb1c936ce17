"""The routes of the console."""

from __future__ import annotations

from django.urls import path

from assistant.console import sources

app_name = "console"

urlpatterns = [
    path("", sources.source_list, name="sources"),
    path("sources/<int:source_id>/", sources.source, name="source"),
    path("sources/<int:source_id>/sync/", sources.sync, name="sync"),
    path("sources/<int:source_id>/runs/<int:run_id>/", sources.progress, name="progress"),
    path("sources/<int:source_id>/runs/<int:run_id>/cancel/", sources.cancel, name="cancel"),
    path("sources/<int:source_id>/runs/<int:run_id>/approve/", sources.approve, name="approve"),
]
