"""The routes of the console."""

from __future__ import annotations

from django.urls import path

from assistant.console import changes, inspector, people, ranking, sources

app_name = "console"

urlpatterns = [
    path("", sources.source_list, name="sources"),
    path("sources/<int:source_id>/", sources.source, name="source"),
    path("sources/<int:source_id>/sync/", sources.sync, name="sync"),
    path("sources/<int:source_id>/runs/<int:run_id>/", sources.progress, name="progress"),
    path("sources/<int:source_id>/runs/<int:run_id>/cancel/", sources.cancel, name="cancel"),
    path("sources/<int:source_id>/runs/<int:run_id>/approve/", sources.approve, name="approve"),
    path("sources/<int:source_id>/runs/<int:run_id>/changes/", changes.changes, name="changes"),
    path("permissions/", inspector.permissions, name="permissions"),
    path("permissions/find/people/", inspector.suggest_people, name="suggest-people"),
    path("permissions/find/documents/", inspector.suggest_documents, name="suggest-documents"),
    path("permissions/documents/<int:document_id>/", inspector.readers, name="readers"),
    path("permissions/people/<int:person_id>/", inspector.shares, name="shares"),
    path("permissions/people/<int:person_id>/sources/<int:source_id>/", inspector.seen, name="seen"),
    path("ranking/", ranking.ranking, name="ranking"),
    path("ranking/preview/", ranking.preview, name="ranking-preview"),
    path("people/", people.people, name="people"),
    path("people/<int:person_id>/", people.person, name="person"),
    path("people/<int:person_id>/role/", people.role, name="person-role"),
    path("people/<int:person_id>/addresses/add/", people.add_address, name="person-address-add"),
    path("people/<int:person_id>/addresses/confirm/", people.confirm_address, name="person-address-confirm"),
    path("people/<int:person_id>/addresses/release/", people.release_address, name="person-address-release"),
    path("people/<int:person_id>/accounts/link/", people.link, name="person-account-link"),
    path("people/<int:person_id>/accounts/unlink/", people.unlink, name="person-account-unlink"),
    path("people/<int:person_id>/close/", people.close, name="person-close"),
    path("people/<int:person_id>/reopen/", people.reopen, name="person-reopen"),
    path("people/<int:person_id>/free/", people.free, name="person-free"),
]
