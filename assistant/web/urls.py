"""The routes of the pages for everybody."""

from __future__ import annotations

from django.urls import path

from assistant.web import (
    asking,
    company_sign_in,
    conversations,
    evidence,
    exporting,
    files,
    passkeys,
    proving,
    second_step,
    security,
    sessions,
    setting_up,
    sharing,
    sign_in,
    styling,
)

app_name = "web"

urlpatterns = [
    path("", conversations.home, name="home"),
    path("c/<int:conversation_id>/", conversations.conversation, name="conversation"),
    path("c/<int:conversation_id>/delete/", conversations.delete, name="delete"),
    path("c/<int:conversation_id>/share/", sharing.share, name="share"),
    path("c/<int:conversation_id>/share/stop/", sharing.stop, name="stop-sharing"),
    path("c/<int:conversation_id>/export/", exporting.export, name="export"),
    path("files/", files.add, name="add-files"),
    path("c/<int:conversation_id>/files/", files.files, name="files"),
    path("c/<int:conversation_id>/files/<int:file_id>/remove/", files.remove, name="remove-file"),
    path("s/<slug:token>/", sharing.shared, name="shared"),
    path("s/<slug:token>/turns/<int:turn_id>/ask/", sharing.ask, name="ask-shared"),
    path("s/<slug:token>/turns/<int:turn_id>/sources/<int:n>/", sharing.source, name="shared-source"),
    path("s/<slug:token>/export/", exporting.export_shared, name="export-shared"),
    path("ask/", asking.ask, name="ask"),
    path("turns/<int:turn_id>/", asking.turn, name="turn"),
    path("turns/<int:turn_id>/stream/", asking.stream, name="stream"),
    path("turns/<int:turn_id>/stop/", asking.stop, name="stop"),
    path("turns/<int:turn_id>/sources/<int:n>/", evidence.cited_source, name="cited-source"),
    path("documents/<int:document_id>/", evidence.document, name="document"),
    path("style/", styling.style, name="style"),
    path("sessions/", sessions.session_list, name="sessions"),
    path("sessions/end-others/", sessions.end_others, name="end-other-sessions"),
    path("sessions/<slug:handle>/end/", sessions.end, name="end-session"),
    path("sign-in/", sign_in.sign_in, name="sign-in"),
    path("sign-in/finish/<slug:ticket>/", company_sign_in.finish, name="finish-sign-in"),
    path("sign-in/passkey/", second_step.by_passkey, name="sign-in-by-passkey"),
    path("sign-in/passkey/begin/", passkeys.begin, name="begin-passkey"),
    path("sign-in/second-step/", second_step.second_step, name="second-step"),
    path("sign-in/set-up/", setting_up.set_up, name="set-up-factor"),
    path("sign-in/later/", setting_up.later, name="set-up-later"),
    path("security/", security.overview, name="security"),
    path("security/prove/", proving.prove_again, name="prove"),
    path("security/password/", security.password, name="password"),
    path("security/app/", security.app, name="app-codes"),
    path("security/app/remove/", security.remove_app, name="remove-app-codes"),
    path("security/recovery-codes/", security.new_recovery_codes, name="recovery-codes"),
    path("security/passkeys/", security.add_passkey, name="add-passkey"),
    path("security/passkeys/<slug:passkey>/remove/", security.remove_passkey, name="remove-passkey"),
    path("sign-out/", sign_in.sign_out, name="sign-out"),
    path("language/", sign_in.language, name="language"),
]
