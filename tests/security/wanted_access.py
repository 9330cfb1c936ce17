"""Who may do what on each route: to be read by a reviewer, and held against the real answers.

A route that stands nowhere here fails the tests, and so does a line whose route is gone. `inventory` says
what each kind of access means for a request; `python -m tests.security.inventory_run --markdown` prints this
as a table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from assistant.accounts.roles import Right
from assistant.accounts.scopes import Scope


class Door(StrEnum):
    """Access that no right and no scope stands for."""

    ANYONE = "anyone"
    SIGNED_IN = "signed in"
    KEY = "any key"
    PUSH_KEY = "push key of the source"
    PROVISIONING_KEY = "provisioning key of the client"
    ANY_PROVISIONING_KEY = "any provisioning key"
    PROVIDER = "an identity provider, by its signature"  # another site's form, so without a token of ours
    SLACK = "Slack, by its signature"  # nobody here; `tests/slackbot` hold that
    OTHER_PROVIDER = "anyone, where a provider of this kind is open"  # here there is none of OpenID Connect
    HALFWAY = "who entered the right password a moment ago"  # nobody here; `tests/factors` hold that
    OVER_TLS = "anyone, over TLS or on this machine"  # neither here: browsers have no passkeys then


@dataclass(frozen=True, slots=True)
class Call:
    """A call of the API: a key of this scope, whose owner has this right."""

    scope: Scope
    right: Right | None = None

    def __str__(self) -> str:
        return f"key: {self.scope}" + (f" and {self.right}" if self.right else "")


Access = Door | Right | Call
Wanted = Mapping[str, Access]  # by method; every other method is refused


def get(access: Access) -> Wanted:
    """A page."""
    return {"GET": access}


def post(access: Access) -> Wanted:
    """A button."""
    return {"POST": access}


def form(access: Access, changing: Access | None = None) -> Wanted:
    """A page with a form; `changing`: what sending it needs, where that is more."""
    return {"GET": access, "POST": changing or access}


def call(method: str, access: Access) -> Wanted:
    """A call of the API: what can be got can be asked for by HEAD."""
    return {"GET": access, "HEAD": access} if method == "GET" else {method: access}


OTHER_PROVIDER, HALFWAY, OVER_TLS = Door.OTHER_PROVIDER, Door.HALFWAY, Door.OVER_TLS
ANYONE, SIGNED_IN, KEY, PUSH_KEY = Door.ANYONE, Door.SIGNED_IN, Door.KEY, Door.PUSH_KEY
_INSPECT = Call(Scope.PERMISSIONS, Right.INSPECT_PERMISSIONS)
_ALL = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")

FOR_PEOPLE: Mapping[str, Wanted] = {
    "": get(SIGNED_IN),
    "c/<int:conversation_id>/": get(SIGNED_IN),
    "c/<int:conversation_id>/delete/": form(SIGNED_IN),
    "c/<int:conversation_id>/share/": form(SIGNED_IN),
    "c/<int:conversation_id>/share/stop/": post(SIGNED_IN),
    "c/<int:conversation_id>/export/": get(SIGNED_IN),
    "files/": post(SIGNED_IN),
    "c/<int:conversation_id>/files/": get(SIGNED_IN),
    "c/<int:conversation_id>/files/<int:file_id>/remove/": post(SIGNED_IN),
    "s/<slug:token>/": get(SIGNED_IN),
    "s/<slug:token>/turns/<int:turn_id>/ask/": get(SIGNED_IN),
    "s/<slug:token>/turns/<int:turn_id>/sources/<int:n>/": get(SIGNED_IN),
    "s/<slug:token>/export/": get(SIGNED_IN),
    "ask/": post(SIGNED_IN),
    "turns/<int:turn_id>/": get(SIGNED_IN),
    "turns/<int:turn_id>/stream/": get(SIGNED_IN),
    "turns/<int:turn_id>/stop/": post(SIGNED_IN),
    "turns/<int:turn_id>/sources/<int:n>/": get(SIGNED_IN),
    "documents/<int:document_id>/": get(SIGNED_IN),
    "style/": form(SIGNED_IN),
    "sessions/": get(SIGNED_IN),
    "sessions/end-others/": post(SIGNED_IN),
    "sessions/<slug:handle>/end/": post(SIGNED_IN),
    "slack/join/<slug:word>/": form(SIGNED_IN),
    "slack/joined/<int:joined_id>/leave/": post(SIGNED_IN),
    "keys/": form(SIGNED_IN),
    "keys/<int:key_id>/revoke/": post(SIGNED_IN),
    "sign-in/": form(ANYONE),
    "my-data/": post(SIGNED_IN),
    "sign-in/proven/": get(ANYONE),
    "sign-in/oidc/<slug:slug>/begin/": get(OTHER_PROVIDER),
    "sign-in/oidc/<slug:slug>/callback/": get(OTHER_PROVIDER),
    "sign-in/oidc/<slug:slug>/signed-out/": get(OTHER_PROVIDER),
    "sign-in/oidc/<slug:slug>/back-channel/": post(OTHER_PROVIDER),
    "sign-in/finish/<slug:ticket>/": form(ANYONE),
    "invitation/": form(ANYONE),
    "invitation/<slug:word>/": get(ANYONE),
    "sign-in/passkey/": post(ANYONE),
    "sign-in/passkey/begin/": post(OVER_TLS),
    "sign-in/second-step/": form(HALFWAY),
    "sign-in/set-up/": form(HALFWAY),
    "sign-in/later/": post(HALFWAY),
    "security/": get(SIGNED_IN),
    "security/prove/": form(SIGNED_IN),
    "security/password/": form(SIGNED_IN),
    "security/app/": form(SIGNED_IN),
    "security/app/remove/": post(SIGNED_IN),
    "security/recovery-codes/": post(SIGNED_IN),
    "security/passkeys/": post(SIGNED_IN),
    "security/passkeys/<slug:passkey>/rename/": post(SIGNED_IN),
    "security/passkeys/<slug:passkey>/remove/": post(SIGNED_IN),
    "sign-in/saml/<slug:slug>/begin/": get(ANYONE),
    "sign-in/saml/<slug:slug>/acs/": post(Door.PROVIDER),
    "sign-in/saml/<slug:slug>/logout/": form(Door.PROVIDER),
    "sign-in/saml/<slug:slug>/metadata/": get(ANYONE),
    "sign-out/": post(SIGNED_IN),
    "language/": post(ANYONE),
}

CONSOLE: Mapping[str, Wanted] = {
    "console/": get(Right.SEE_SOURCES),
    "console/sources/new/": get(Right.MANAGE_SOURCES),
    "console/sources/new/<slug:kind>/": form(Right.MANAGE_SOURCES),
    "console/sources/next-times/": post(Right.MANAGE_SOURCES),
    "console/sources/drafts/<slug:token>/settings/": form(Right.MANAGE_SOURCES),
    "console/sources/drafts/<slug:token>/test/": form(Right.MANAGE_SOURCES),
    "console/sources/drafts/<slug:token>/preview/": form(Right.MANAGE_SOURCES),
    "console/sources/drafts/<slug:token>/plan/": form(Right.MANAGE_SOURCES),
    "console/sources/drafts/<slug:token>/give-up/": post(Right.MANAGE_SOURCES),
    "console/sources/<int:source_id>/": get(Right.SEE_SOURCES),
    "console/sources/<int:source_id>/sync/": post(Right.MANAGE_SOURCES),
    "console/sources/<int:source_id>/pause/": post(Right.MANAGE_SOURCES),
    "console/sources/<int:source_id>/resume/": post(Right.MANAGE_SOURCES),
    "console/sources/<int:source_id>/retry/": post(Right.MANAGE_SOURCES),
    "console/sources/<int:source_id>/settings/": form(Right.MANAGE_SOURCES),
    "console/sources/<int:source_id>/connection/": form(Right.MANAGE_SOURCES),
    "console/sources/<int:source_id>/directory/": post(Right.MANAGE_SOURCES),
    "console/sources/<int:source_id>/runs/<int:run_id>/": get(Right.SEE_SOURCES),
    "console/sources/<int:source_id>/runs/<int:run_id>/cancel/": post(Right.MANAGE_SOURCES),
    "console/sources/<int:source_id>/runs/<int:run_id>/approve/": post(Right.MANAGE_SOURCES),
    "console/sources/<int:source_id>/runs/<int:run_id>/refuse/": post(Right.MANAGE_SOURCES),
    "console/sources/<int:source_id>/runs/<int:run_id>/changes/": get(Right.INSPECT_PERMISSIONS),
    "console/permissions/": get(Right.INSPECT_PERMISSIONS),
    "console/permissions/find/people/": get(Right.INSPECT_PERMISSIONS),
    "console/permissions/find/documents/": get(Right.INSPECT_PERMISSIONS),
    "console/permissions/documents/<int:document_id>/": get(Right.INSPECT_PERMISSIONS),
    "console/permissions/people/<int:person_id>/": get(Right.INSPECT_PERMISSIONS),
    "console/permissions/people/<int:person_id>/sources/<int:source_id>/": get(Right.INSPECT_PERMISSIONS),
    "console/guardrails/": get(Right.SEE_GUARDRAILS),
    "console/guardrails/rules/new/<slug:kind>/": form(Right.MANAGE_GUARDRAILS),
    "console/guardrails/rules/<int:rule_id>/": form(Right.SEE_GUARDRAILS, Right.MANAGE_GUARDRAILS),
    "console/guardrails/rules/<int:rule_id>/delete/": post(Right.MANAGE_GUARDRAILS),
    "console/guardrails/discard/": post(Right.MANAGE_GUARDRAILS),
    "console/guardrails/publish/": form(Right.MANAGE_GUARDRAILS),
    "console/guardrails/history/": get(Right.SEE_GUARDRAILS),
    "console/guardrails/history/<int:number>/": get(Right.SEE_GUARDRAILS),
    "console/guardrails/history/<int:number>/restore/": post(Right.MANAGE_GUARDRAILS),
    "console/guardrails/bench/": get(Right.SEE_GUARDRAILS),
    "console/guardrails/bench/try/": post(Right.SEE_GUARDRAILS),
    "console/guardrails/bench/cases/add/": post(Right.MANAGE_GUARDRAILS),
    "console/guardrails/bench/cases/<int:case_id>/delete/": post(Right.MANAGE_GUARDRAILS),
    "console/guardrails/bench/import/": post(Right.MANAGE_GUARDRAILS),
    "console/guardrails/bench/export/": get(Right.SEE_GUARDRAILS),
    "console/ranking/": form(Right.MANAGE_RANKING),
    "console/ranking/preview/": post(Right.MANAGE_RANKING),
    "console/answers/": form(Right.MANAGE_ANSWERS),
    "console/models/": get(Right.MANAGE_MODELS),
    "console/models/new/": form(Right.MANAGE_MODELS),
    "console/models/usage/": get(Right.SEE_USAGE),
    "console/models/default/": post(Right.MANAGE_MODELS),
    "console/models/environment/test/": post(Right.MANAGE_MODELS),
    "console/models/search/new/<str:job>/": form(Right.MANAGE_MODELS),
    "console/models/search/choose/<str:job>/": post(Right.MANAGE_MODELS),
    "console/models/search/test/<str:job>/": post(Right.MANAGE_MODELS),
    "console/models/search/<int:model_id>/": form(Right.MANAGE_MODELS),
    "console/models/search/<int:model_id>/remove/": post(Right.MANAGE_MODELS),
    "console/models/<int:model_id>/": form(Right.MANAGE_MODELS),
    "console/models/<int:model_id>/enable/": post(Right.MANAGE_MODELS),
    "console/models/<int:model_id>/remove/": post(Right.MANAGE_MODELS),
    "console/slack/": get(Right.MANAGE_SIGN_IN),
    "console/slack/new/": get(Right.MANAGE_SIGN_IN),
    "console/slack/new/<slug:handle>/": form(Right.MANAGE_SIGN_IN),
    "console/slack/<int:workspace_id>/": get(Right.MANAGE_SIGN_IN),
    "console/slack/<int:workspace_id>/check/": post(Right.MANAGE_SIGN_IN),
    "console/slack/<int:workspace_id>/settings/": post(Right.MANAGE_SIGN_IN),
    "console/slack/<int:workspace_id>/open/": post(Right.MANAGE_SIGN_IN),
    "console/slack/<int:workspace_id>/connect/": form(Right.MANAGE_SIGN_IN),
    "console/slack/<int:workspace_id>/part/": post(Right.MANAGE_SIGN_IN),
    "console/slack/<int:workspace_id>/remove/": post(Right.MANAGE_SIGN_IN),
    "console/slack/<int:workspace_id>/channels/": get(Right.MANAGE_SIGN_IN),
    "console/slack/<int:workspace_id>/channels/<slug:channel_id>/": form(Right.MANAGE_SIGN_IN),
    "console/identity/": get(Right.MANAGE_SIGN_IN),
    "console/identity/new/": get(Right.MANAGE_SIGN_IN),
    "console/identity/new/<slug:kind>/": form(Right.MANAGE_SIGN_IN),
    "console/identity/tried/<slug:ticket>/": get(Right.MANAGE_SIGN_IN),
    "console/identity/<int:provider_id>/": form(Right.MANAGE_SIGN_IN),
    "console/identity/<int:provider_id>/open/": post(Right.MANAGE_SIGN_IN),
    "console/identity/<int:provider_id>/refresh/": post(Right.MANAGE_SIGN_IN),
    "console/identity/<int:provider_id>/key/": post(Right.MANAGE_SIGN_IN),
    "console/identity/<int:provider_id>/try/": form(Right.MANAGE_SIGN_IN),
    "console/identity/<int:provider_id>/remove/": post(Right.MANAGE_SIGN_IN),
    "console/audit/": get(Right.SEE_AUDIT),
    "console/audit/verify/": post(Right.SEE_AUDIT),
    "console/audit/export/": post(Right.SEE_AUDIT),
    "console/people/<int:person_id>/disconnect/": post(Right.MANAGE_PEOPLE),
    "console/people/": get(Right.MANAGE_PEOPLE),
    "console/service-accounts/": form(Right.MANAGE_PEOPLE),
    "console/people/<int:person_id>/change/": post(Right.MANAGE_PEOPLE),
    "console/people/<int:person_id>/keys/add/": post(Right.MANAGE_PEOPLE),
    "console/people/invitations/": form(Right.MANAGE_PEOPLE),
    "console/people/invitations/<int:invitation_id>/revoke/": post(Right.MANAGE_PEOPLE),
    "console/people/emergency/<int:use_id>/seen/": post(Right.MANAGE_PEOPLE),
    "console/people/<int:person_id>/": get(Right.MANAGE_PEOPLE),
    "console/people/<int:person_id>/role/": post(Right.MANAGE_PEOPLE),
    "console/people/<int:person_id>/addresses/add/": post(Right.MANAGE_PEOPLE),
    "console/people/<int:person_id>/addresses/confirm/": post(Right.MANAGE_PEOPLE),
    "console/people/<int:person_id>/addresses/release/": post(Right.MANAGE_PEOPLE),
    "console/people/<int:person_id>/accounts/link/": post(Right.MANAGE_PEOPLE),
    "console/people/<int:person_id>/accounts/unlink/": post(Right.MANAGE_PEOPLE),
    "console/people/<int:person_id>/close/": post(Right.MANAGE_PEOPLE),
    "console/people/<int:person_id>/reopen/": post(Right.MANAGE_PEOPLE),
    "console/people/<int:person_id>/end-sessions/": post(Right.MANAGE_PEOPLE),
    "console/people/<int:person_id>/reset-factors/": post(Right.MANAGE_PEOPLE),
    "console/people/<int:person_id>/let-in/": post(Right.MANAGE_PEOPLE),
    "console/people/<int:person_id>/keys/<int:key_id>/revoke/": post(Right.MANAGE_PEOPLE),
    "console/people/<int:person_id>/free/": post(Right.MANAGE_PEOPLE),
    "console/people/<int:person_id>/erase/": post(Right.MANAGE_PEOPLE),
    "console/provisioning/": get(Right.MANAGE_SIGN_IN),
    "console/provisioning/<int:provider_id>/keys/add/": post(Right.MANAGE_SIGN_IN),
    "console/provisioning/keys/<int:key_id>/revoke/": post(Right.MANAGE_SIGN_IN),
}

API: Mapping[str, Wanted] = {
    "api/v1/openapi.json": call("GET", ANYONE),
    "api/v1/search": call("GET", Call(Scope.SEARCH)),
    "api/v1/ask": call("POST", Call(Scope.ASK)),
    "api/v1/documents/<int:document_id>": call("GET", Call(Scope.DOCUMENTS)),
    "api/v1/permissions/explain": call("GET", _INSPECT),
    "api/v1/permissions/documents": call("GET", _INSPECT),
    "api/v1/permissions/documents/<int:document_id>/readers": call("GET", _INSPECT),
    "api/v1/permissions/people": call("GET", _INSPECT),
    "api/v1/permissions/people/<path:email>/sources": call("GET", _INSPECT),
    "api/v1/permissions/people/<path:email>/documents": call("GET", _INSPECT),
    "api/v1/permissions/runs/<int:run_id>/changes": call("GET", _INSPECT),
    "api/v1/sources/<int:source_id>/documents": call("POST", PUSH_KEY),
    "api/v1/sources/<int:source_id>/documents/delete": call("POST", PUSH_KEY),
    "api/v1/sources/<int:source_id>/groups": call("POST", PUSH_KEY),
    "api/v1/sources/<int:source_id>/jobs": call("POST", PUSH_KEY),
    "api/v1/sources/<int:source_id>/jobs/<int:job_id>": call("GET", PUSH_KEY),
    "api/v1/sources/<int:source_id>/jobs/<int:job_id>/stop": call("POST", PUSH_KEY),
    "api/": dict.fromkeys(_ALL, KEY),  # whatever is no call: for keys, that it is none
}

_SCIM = Door.PROVISIONING_KEY
PROVISIONING: Mapping[str, Wanted] = {
    "scim/v2/ServiceProviderConfig": call("GET", _SCIM),
    "scim/v2/ResourceTypes": call("GET", _SCIM),
    "scim/v2/ResourceTypes/<str:name>": call("GET", _SCIM),
    "scim/v2/Schemas": call("GET", _SCIM),
    "scim/v2/Schemas/<str:name>": call("GET", _SCIM),
    "scim/v2/Users": {**call("GET", _SCIM), "POST": _SCIM},
    "scim/v2/Users/.search": call("POST", _SCIM),
    "scim/v2/Users/<str:resource>": {
        **call("GET", _SCIM),
        **dict.fromkeys(("PUT", "PATCH", "DELETE"), _SCIM),
    },
    "scim/v2/Groups": {**call("GET", _SCIM), "POST": _SCIM},
    "scim/v2/Groups/.search": call("POST", _SCIM),
    "scim/v2/Groups/<str:resource>": {
        **call("GET", _SCIM),
        **dict.fromkeys(("PUT", "PATCH", "DELETE"), _SCIM),
    },
    "scim/v2/": dict.fromkeys(_ALL, Door.ANY_PROVISIONING_KEY),  # whatever is no call
}

OTHERS: Mapping[str, Wanted] = {
    "healthz": {"GET": ANYONE, "HEAD": ANYONE},
    "slack/<slug:handle>/": post(Door.SLACK),
    # Redirects of Django's own, which know no TRACE.
    "favicon.ico": dict.fromkeys([method for method in _ALL if method != "TRACE"], ANYONE),
    "admin/login/": dict.fromkeys([method for method in _ALL if method != "TRACE"], ANYONE),
}

# Messages of other servers: signed by them, and no browser's form.
WITHOUT_TOKEN = frozenset(
    {
        "sign-in/oidc/<slug:slug>/back-channel/",
        "sign-in/saml/<slug:slug>/acs/",
        "sign-in/saml/<slug:slug>/logout/",
        "slack/<slug:handle>/",
    }
)

# Django's admin sends whoever may not open it to the sign-in page, whatever the method and the address.
ADMIN, ADMIN_NEEDS = "admin/", Right.MANAGE_SCHEDULES

WANTED: Mapping[str, Wanted] = {**FOR_PEOPLE, **CONSOLE, **API, **PROVISIONING, **OTHERS}
