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
    sessions,
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
    path("sign-out/", sign_in.sign_out, name="sign-out"),
    path("language/", sign_in.language, name="language"),
]
