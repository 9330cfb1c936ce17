"""The routes of the console."""

from __future__ import annotations

from django.urls import path

from assistant.console import answers, changes, inspector, people, ranking, source_settings, sources, wizard

app_name = "console"

urlpatterns = [
    path("", sources.source_list, name="sources"),
    path("sources/new/", wizard.kinds, name="source-new"),
    path("sources/new/<slug:kind>/", wizard.new_source, name="source-new-kind"),
    path("sources/next-times/", wizard.next_times, name="source-next-times"),
    path("sources/drafts/<slug:token>/settings/", wizard.draft_settings, name="draft-settings"),
    path("sources/drafts/<slug:token>/test/", wizard.draft_test, name="draft-test"),
    path("sources/drafts/<slug:token>/preview/", wizard.draft_preview, name="draft-preview"),
    path("sources/drafts/<slug:token>/plan/", wizard.draft_plan, name="draft-plan"),
    path("sources/drafts/<slug:token>/give-up/", wizard.give_up, name="draft-give-up"),
    path("sources/<int:source_id>/", sources.source, name="source"),
    path("sources/<int:source_id>/sync/", sources.sync, name="sync"),
    path("sources/<int:source_id>/pause/", sources.pause, name="source-pause"),
    path("sources/<int:source_id>/resume/", sources.resume, name="source-resume"),
    path("sources/<int:source_id>/retry/", sources.retry, name="source-retry"),
    path("sources/<int:source_id>/settings/", source_settings.settings, name="source-settings"),
    path("sources/<int:source_id>/connection/", source_settings.connection, name="source-connection"),
    path("sources/<int:source_id>/directory/", source_settings.directory, name="source-directory"),
    path("sources/<int:source_id>/runs/<int:run_id>/", sources.progress, name="progress"),
    path("sources/<int:source_id>/runs/<int:run_id>/cancel/", sources.cancel, name="cancel"),
    path("sources/<int:source_id>/runs/<int:run_id>/approve/", sources.approve, name="approve"),
    path("sources/<int:source_id>/runs/<int:run_id>/refuse/", sources.refuse, name="refuse"),
    path("sources/<int:source_id>/runs/<int:run_id>/changes/", changes.changes, name="changes"),
    path("permissions/", inspector.permissions, name="permissions"),
    path("permissions/find/people/", inspector.suggest_people, name="suggest-people"),
    path("permissions/find/documents/", inspector.suggest_documents, name="suggest-documents"),
    path("permissions/documents/<int:document_id>/", inspector.readers, name="readers"),
    path("permissions/people/<int:person_id>/", inspector.shares, name="shares"),
    path("permissions/people/<int:person_id>/sources/<int:source_id>/", inspector.seen, name="seen"),
    path("ranking/", ranking.ranking, name="ranking"),
    path("ranking/preview/", ranking.preview, name="ranking-preview"),
    path("answers/", answers.answers, name="answers"),
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
