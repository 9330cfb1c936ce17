"""The routes of the API, below `/api/`."""

from __future__ import annotations

from django.urls import path, re_path

from assistant.api import asking, description, keys, permissions, pushing, search

app_name = "api"

urlpatterns = [
    path("v1/openapi.json", description.openapi, name="openapi"),
    path("v1/search", search.search, name="search"),
    path("v1/ask", asking.ask, name="ask"),
    path("v1/documents/<int:document_id>", search.document, name="document"),
    path("v1/permissions/explain", permissions.explain, name="explain"),
    path("v1/permissions/documents", permissions.find_documents, name="find-documents"),
    path("v1/permissions/documents/<int:document_id>/readers", permissions.readers, name="readers"),
    path("v1/permissions/people", permissions.find_people, name="find-people"),
    # An address may hold a slash, so these two take whole paths.
    path("v1/permissions/people/<path:email>/sources", permissions.sources_of, name="sources-of"),
    path("v1/permissions/people/<path:email>/documents", permissions.documents_of, name="documents-of"),
    path("v1/permissions/runs/<int:run_id>/changes", permissions.changes, name="changes"),
    path("v1/sources/<int:source_id>/documents", pushing.put, name="push-documents"),
    path("v1/sources/<int:source_id>/documents/delete", pushing.delete, name="push-deletions"),
    path("v1/sources/<int:source_id>/groups", pushing.groups, name="push-groups"),
    path("v1/sources/<int:source_id>/jobs", pushing.start, name="push-jobs"),
    path("v1/sources/<int:source_id>/jobs/<int:job_id>", pushing.show, name="push-job"),
    path("v1/sources/<int:source_id>/jobs/<int:job_id>/stop", pushing.stop, name="push-job-stop"),
    re_path(r"", keys.no_such_path, name="no-such-path"),
]
