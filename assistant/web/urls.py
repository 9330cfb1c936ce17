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
    keys,
    oidc,
    own_data,
    saml,
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
    path("my-data/", own_data.own_data, name="own-data"),
    path("sessions/end-others/", sessions.end_others, name="end-other-sessions"),
    path("sessions/<slug:handle>/end/", sessions.end, name="end-session"),
    path("keys/", keys.keys, name="keys"),
    path("keys/<int:key_id>/revoke/", keys.revoke, name="revoke-key"),
    path("sign-in/", sign_in.sign_in, name="sign-in"),
    path("sign-in/proven/", company_sign_in.proven, name="proven"),
    path("sign-in/finish/<slug:ticket>/", company_sign_in.finish, name="finish-sign-in"),
    path("sign-in/oidc/<slug:slug>/begin/", oidc.begin, name="oidc-begin"),
    path("sign-in/oidc/<slug:slug>/callback/", oidc.callback, name="oidc-callback"),
    path("sign-in/oidc/<slug:slug>/signed-out/", oidc.signed_out, name="oidc-signed-out"),
    path("sign-in/oidc/<slug:slug>/back-channel/", oidc.back_channel, name="oidc-back-channel"),
    path("sign-in/saml/<slug:slug>/begin/", saml.begin, name="saml-begin"),
    path("sign-in/saml/<slug:slug>/acs/", saml.acs, name="saml-acs"),
    path("sign-in/saml/<slug:slug>/logout/", saml.logout, name="saml-logout"),
    path("sign-in/saml/<slug:slug>/metadata/", saml.metadata, name="saml-metadata"),
    path("sign-out/", sign_in.sign_out, name="sign-out"),
    path("language/", sign_in.language, name="language"),
]
