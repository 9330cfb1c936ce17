"""Events of the audit log in words. An event without words here is shown by its name."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import pgettext, pgettext_lazy

from assistant.audit.trail import Event

EVENTS: Mapping[str, str | Promise] = {
    Event.SIGNED_IN: pgettext_lazy("audited event", "Signed in"),
    Event.SIGNED_OUT: pgettext_lazy("audited event", "Signed out"),
    Event.SIGN_IN_FAILED: pgettext_lazy("audited event", "Sign-in failed"),
    Event.SIGN_IN_THROTTLED: pgettext_lazy("audited event", "Held back guesses at a password"),
    Event.SIGN_IN_LIFTED: pgettext_lazy("audited event", "Let somebody try to sign in again"),
    Event.KEYS_THROTTLED: pgettext_lazy("audited event", "Held back guesses at keys of the API"),
    Event.RATE_LIMITED: pgettext_lazy("audited event", "Held back what came faster than the limit"),
    Event.SESSION_ENDED: pgettext_lazy("audited event", "Ended a session"),
    Event.SESSIONS_ENDED: pgettext_lazy("audited event", "Ended sessions"),
    Event.USER_ADDED: pgettext_lazy("audited event", "Added an account"),
    Event.ROLE_CHANGED: pgettext_lazy("audited event", "Changed a role"),
    Event.ACCOUNT_CLOSED: pgettext_lazy("audited event", "Closed an account"),
    Event.ACCOUNT_REOPENED: pgettext_lazy("audited event", "Reopened an account"),
    Event.ALIAS_ADDED: pgettext_lazy("audited event", "Added an address of a person"),
    Event.ADDRESS_CONFIRMED: pgettext_lazy("audited event", "Confirmed an address"),
    Event.ADDRESS_RELEASED: pgettext_lazy("audited event", "Released an address"),
    Event.ACCOUNT_LINKED: pgettext_lazy("audited event", "Linked a source account to a person"),
    Event.ACCOUNT_UNLINKED: pgettext_lazy("audited event", "Unlinked a source account"),
    Event.API_KEY_ISSUED: pgettext_lazy("audited event", "Issued an API key"),
    Event.API_KEY_REVOKED: pgettext_lazy("audited event", "Revoked an API key"),
    Event.SERVICE_ACCOUNT_ADDED: pgettext_lazy("audited event", "Added a service account"),
    Event.SERVICE_ACCOUNT_CHANGED: pgettext_lazy("audited event", "Changed a service account"),
    Event.PUSH_KEY_ISSUED: pgettext_lazy("audited event", "Issued a key to push documents"),
    Event.PUSH_KEY_REVOKED: pgettext_lazy("audited event", "Revoked a key to push documents"),
    Event.PERMISSIONS_INSPECTED: pgettext_lazy("audited event", "Inspected permissions"),
    Event.CONVERSATION_SHARED: pgettext_lazy("audited event", "Shared a conversation"),
    Event.SHARE_REVOKED: pgettext_lazy("audited event", "Stopped sharing a conversation"),
    Event.CHAT_FILE_ADDED: pgettext_lazy("audited event", "Added a file to a conversation"),
    Event.CHAT_FILE_REMOVED: pgettext_lazy("audited event", "Removed a file from a conversation"),
    Event.CONVERSATION_EXPORTED: pgettext_lazy("audited event", "Exported a conversation"),
    Event.SOURCE_ADDED: pgettext_lazy("audited event", "Added a source"),
    Event.SOURCE_CHANGED: pgettext_lazy("audited event", "Changed a source"),
    Event.SOURCE_PAUSED: pgettext_lazy("audited event", "Paused a source"),
    Event.SOURCE_RESUMED: pgettext_lazy("audited event", "Resumed a source"),
    Event.SOURCE_TRIED: pgettext_lazy("audited event", "Tested the settings of a source"),
    Event.AGE_LIMIT_CHANGED: pgettext_lazy("audited event", "Changed how old permissions may be"),
    Event.SYNC_REQUESTED: pgettext_lazy("audited event", "Requested a sync"),
    Event.DELETION_APPROVED: pgettext_lazy("audited event", "Approved a deletion"),
    Event.DELETION_REFUSED: pgettext_lazy("audited event", "Refused a deletion"),
    Event.TURN_BLOCKED: pgettext_lazy("audited event", "A guardrail blocked a question or an answer"),
    Event.TOPIC_CHANGED: pgettext_lazy("audited event", "Changed a blocked topic"),
    Event.GUARDRAIL_CHANGED: pgettext_lazy("audited event", "Changed a guardrail in the draft"),
    Event.GUARDRAIL_CASES_CHANGED: pgettext_lazy("audited event", "Changed the test cases of the guardrails"),
    Event.GUARDRAILS_PUBLISHED: pgettext_lazy("audited event", "Published the guardrails"),
    Event.GUARDRAILS_DRAFT_REPLACED: pgettext_lazy("audited event", "Replaced the draft of the guardrails"),
    Event.GUARDRAIL_HIT: pgettext_lazy("audited event", "A guardrail found something"),
    Event.RANKING_CHANGED: pgettext_lazy("audited event", "Changed the ranking"),
    Event.ANSWERS_CHANGED: pgettext_lazy("audited event", "Changed how answers are made"),
    Event.MODEL_ADDED: pgettext_lazy("audited event", "Added a language model"),
    Event.MODEL_CHANGED: pgettext_lazy("audited event", "Changed a language model"),
    Event.MODEL_REMOVED: pgettext_lazy("audited event", "Removed a language model"),
    Event.MODEL_ENABLED: pgettext_lazy("audited event", "Enabled a language model"),
    Event.MODEL_DISABLED: pgettext_lazy("audited event", "Disabled a language model"),
    Event.MODEL_MADE_DEFAULT: pgettext_lazy("audited event", "Made a language model the default"),
    Event.MODEL_TRIED: pgettext_lazy("audited event", "Tested a language model"),
    Event.SEARCH_MODEL_ADDED: pgettext_lazy("audited event", "Added a model of the search"),
    Event.SEARCH_MODEL_CHANGED: pgettext_lazy("audited event", "Changed a model of the search"),
    Event.SEARCH_MODEL_REMOVED: pgettext_lazy("audited event", "Removed a model of the search"),
    Event.SEARCH_MODEL_CHOSEN: pgettext_lazy("audited event", "Chose a model of the search"),
    Event.SEARCH_MODEL_TRIED: pgettext_lazy("audited event", "Tested a model of the search"),
    Event.INDEX_SWITCHED: pgettext_lazy("audited event", "Switched to another index"),
    Event.AUDIT_VERIFIED: pgettext_lazy("audited event", "Checked the audit log"),
    Event.AUDIT_EXPORTED: pgettext_lazy("audited event", "Exported the audit log"),
    Event.SECRET_KEY_REPLACED: pgettext_lazy("audited event", "Replaced the secret key"),
    Event.PERSON_ERASED: pgettext_lazy("audited event", "Erased a person"),
    Event.PERSON_EXPORTED: pgettext_lazy("audited event", "Exported a person’s data"),
    Event.RETENTION_APPLIED: pgettext_lazy("audited event", "Deleted what was kept long enough"),
    Event.IDENTITY_PROVIDER_ADDED: pgettext_lazy("audited event", "Added an identity provider"),
    Event.IDENTITY_PROVIDER_CHANGED: pgettext_lazy("audited event", "Changed an identity provider"),
    Event.IDENTITY_PROVIDER_OPENED: pgettext_lazy("audited event", "Opened an identity provider"),
    Event.IDENTITY_PROVIDER_CLOSED: pgettext_lazy("audited event", "Closed an identity provider"),
    Event.IDENTITY_PROVIDER_REMOVED: pgettext_lazy("audited event", "Removed an identity provider"),
    Event.IDENTITY_KEY_ANNOUNCED: pgettext_lazy("audited event", "Announced our next key to a provider"),
    Event.IDENTITY_KEY_CHANGED: pgettext_lazy("audited event", "Began to use our next key at a provider"),
    Event.IDENTITY_METADATA_READ: pgettext_lazy("audited event", "Read other metadata of a provider"),
    Event.IDENTITY_METADATA_FAILED: pgettext_lazy(
        "audited event", "Could not read the metadata of a provider"
    ),
    Event.IDENTITY_MESSAGE_REFUSED: pgettext_lazy("audited event", "Refused a message in a provider’s name"),
    Event.IDENTITY_SIGNED_OUT: pgettext_lazy("audited event", "Sessions ended by an identity provider"),
    Event.IDENTITY_DISCONNECTED: pgettext_lazy("audited event", "Disconnected a company identity"),
    Event.IDENTITY_JOINED: pgettext_lazy("audited event", "Joined a company identity and an account"),
    Event.IDENTITY_REFUSED: pgettext_lazy("audited event", "Refused somebody from an identity provider"),
    Event.SECOND_FACTOR_FAILED: pgettext_lazy("audited event", "Second step of a sign-in failed"),
    Event.APP_CODES_SET_UP: pgettext_lazy("audited event", "Set up an authenticator app"),
    Event.APP_CODES_REMOVED: pgettext_lazy("audited event", "Removed an authenticator app"),
    Event.RECOVERY_CODES_MADE: pgettext_lazy("audited event", "Made recovery codes"),
    Event.RECOVERY_CODE_USED: pgettext_lazy("audited event", "Used a recovery code"),
    Event.PASSKEY_ADDED: pgettext_lazy("audited event", "Added a passkey"),
    Event.PASSKEY_REMOVED: pgettext_lazy("audited event", "Removed a passkey"),
    Event.PASSKEY_REFUSED: pgettext_lazy("audited event", "Refused a passkey that may be a copy"),
    Event.SECOND_FACTOR_POSTPONED: pgettext_lazy("audited event", "Postponed the second factor"),
    Event.FACTORS_RESET: pgettext_lazy("audited event", "Reset somebody’s second factors"),
    Event.PASSWORD_CHANGED: pgettext_lazy("audited event", "Changed their password"),
    Event.EMERGENCY_MADE: pgettext_lazy("audited event", "Made an emergency account"),
    Event.EMERGENCY_RENEWED: pgettext_lazy("audited event", "Renewed the passphrase of an emergency account"),
    Event.EMERGENCY_REMOVED: pgettext_lazy("audited event", "Removed an emergency account"),
    Event.EMERGENCY_USED: pgettext_lazy("audited event", "Signed in with an emergency account"),
    Event.EMERGENCY_ACKNOWLEDGED: pgettext_lazy("audited event", "Saw to the use of an emergency account"),
    Event.INVITATION_MADE: pgettext_lazy("audited event", "Made a link that invites somebody"),
    Event.INVITATION_REVOKED: pgettext_lazy("audited event", "Revoked a one-time link"),
    Event.INVITATION_USED: pgettext_lazy("audited event", "Used a one-time link"),
    Event.PASSWORD_OFFERED: pgettext_lazy("audited event", "Made a link to a new password"),
    Event.ROLE_KEPT: pgettext_lazy("audited event", "Kept the role of the last who can manage people"),
    Event.PROVISIONING_KEY_ISSUED: pgettext_lazy("audited event", "Issued a provisioning key"),
    Event.PROVISIONING_KEY_REVOKED: pgettext_lazy("audited event", "Revoked a provisioning key"),
    Event.PERSON_PROVISIONED: pgettext_lazy("audited event", "A provider manages an account from now on"),
    Event.PERSON_RENAMED: pgettext_lazy("audited event", "A provider changed somebody’s name"),
    Event.PERSON_UNPROVISIONED: pgettext_lazy("audited event", "A provider manages an account no longer"),
    Event.PROVISIONING_REFUSED: pgettext_lazy("audited event", "Refused what a provider provisions"),
    Event.ADDRESS_KEPT: pgettext_lazy("audited event", "Kept an address that a provider changed"),
    Event.GROUP_PROVISIONED: pgettext_lazy("audited event", "A provider added a group"),
    Event.GROUP_CHANGED: pgettext_lazy("audited event", "A provider changed a group"),
    Event.GROUP_UNPROVISIONED: pgettext_lazy("audited event", "A provider removed a group"),
    Event.SLACK_PERSON_JOINED: pgettext_lazy("audited event", "Joined a Slack user to an account"),
    Event.SLACK_PERSON_LEFT: pgettext_lazy("audited event", "Parted a Slack user from an account"),
    Event.SLACK_POLICY_CHANGED: pgettext_lazy("audited event", "Changed how Slack is answered"),
    Event.LOCAL_ONLY_REFUSED: pgettext_lazy("audited event", "Kept something from leaving (local-only mode)"),
}

# What the details of an entry are called.
DETAILS: Mapping[str, str | Promise] = {
    "user": pgettext_lazy("detail of an audited event", "Person"),
    "person": pgettext_lazy("detail of an audited event", "Person"),
    "address": pgettext_lazy("detail of an audited event", "Address"),
    "held": pgettext_lazy("detail of an audited event", "Held back for"),
    "count": pgettext_lazy("detail of an audited event", "Number"),
    "role": pgettext_lazy("detail of an audited event", "Role"),
    "source": pgettext_lazy("detail of an audited event", "Source"),
    "account": pgettext_lazy("detail of an audited event", "Account"),
    "run": pgettext_lazy("detail of an audited event", "Run"),
    "kind": pgettext_lazy("detail of an audited event", "Kind"),
    "host": pgettext_lazy("detail of an audited event", "Host"),
    "contact": pgettext_lazy("detail of an audited event", "Who answers for it"),
    "key": pgettext_lazy("detail of an audited event", "Key"),
    "scopes": pgettext_lazy("detail of an audited event", "Scopes"),
    "days": pgettext_lazy("detail of an audited event", "Days"),
    "hours": pgettext_lazy("detail of an audited event", "Hours"),
    "documents": pgettext_lazy("detail of an audited event", "Documents"),
    "document": pgettext_lazy("detail of an audited event", "Document"),
    "conversation": pgettext_lazy("detail of an audited event", "Conversation"),
    "turn": pgettext_lazy("detail of an audited event", "Turn"),
    "file": pgettext_lazy("detail of an audited event", "File"),
    "format": pgettext_lazy("detail of an audited event", "Format"),
    "topic": pgettext_lazy("detail of an audited event", "Topic"),
    "rule": pgettext_lazy("detail of an audited event", "Rule"),
    "version": pgettext_lazy("detail of an audited event", "Version"),
    "found": pgettext_lazy("detail of an audited event", "Found"),
    "model": pgettext_lazy("detail of an audited event", "Model"),
    "name": pgettext_lazy("detail of an audited event", "Name"),
    "job": pgettext_lazy("detail of an audited event", "Task"),
    "settings": pgettext_lazy("detail of an audited event", "Settings"),
    "changed": pgettext_lazy("detail of an audited event", "Changed"),
    "before": pgettext_lazy("detail of an audited event", "Before"),
    "after": pgettext_lazy("detail of an audited event", "After"),
    "for_everyone": pgettext_lazy("detail of an audited event", "For everyone"),
    "entries": pgettext_lazy("detail of an audited event", "Entries"),
    "first": pgettext_lazy("detail of an audited event", "First number"),
    "head": pgettext_lazy("detail of an audited event", "Last number"),
    "codes_left": pgettext_lazy("detail of an audited event", "Codes left"),
    "ways": pgettext_lazy("detail of an audited event", "Shown"),
    "ok": pgettext_lazy("detail of an audited event", "Unaltered"),
    "problems": pgettext_lazy("detail of an audited event", "Problems"),
    "group": pgettext_lazy("detail of an audited event", "Group"),
    "joined": pgettext_lazy("detail of an audited event", "Joined"),
    "left": pgettext_lazy("detail of an audited event", "Left"),
    "resealed": pgettext_lazy("detail of an audited event", "Secrets sealed anew"),
    "sessions": pgettext_lazy("detail of an audited event", "Sessions"),
    "audit_keys": pgettext_lazy("detail of an audited event", "Former keys of the log"),
    "word": pgettext_lazy("detail of an audited event", "Named in the log as"),
    "conversations": pgettext_lazy("detail of an audited event", "Conversations"),
    "files": pgettext_lazy("detail of an audited event", "Files"),
    "usage": pgettext_lazy("detail of an audited event", "Usage figures"),
    "invitation": pgettext_lazy("detail of an audited event", "Number of the link"),
    "verified": pgettext_lazy("detail of an audited event", "Address verified"),
}


def event_words(event: str) -> str:
    """The event in words; by its name where it is of another version of the program."""
    return str(EVENTS.get(event, event))


def event_choices() -> list[tuple[str, str]]:
    """All events for a list to choose from, in the order of their words."""
    return sorted(((str(event), event_words(event)) for event in Event), key=lambda choice: choice[1])


def actor_words(actor: str) -> str:
    """Who did it: an address as it is, and in words what is nobody's."""
    words = {
        "command line": pgettext("who did something", "Command line"),
        "schedule": pgettext("who did something", "Schedule"),
    }
    return words.get(actor, actor)


def via_words(via: str) -> str:
    """The way in, in words."""
    words = {
        "page": pgettext("way in", "Web page"),
        "api": pgettext("way in", "API"),
        "command": pgettext("way in", "Command line"),
        "worker": pgettext("way in", "Worker"),
        "slack": pgettext("way in", "Slack"),
    }
    return words.get(via, via)
