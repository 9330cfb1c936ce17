"""Writing to the audit trail. Events come from a catalogue, and none carries document text or questions."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import replace
from enum import StrEnum
from typing import cast

from django.db import transaction
from django.utils import timezone

from assistant.audit.chain import Entry, cleaned, content_code, own_key, settled
from assistant.audit.chaining import chain_new
from assistant.audit.models import AuditEvent
from assistant.audit.origin import current_origin
from assistant.common.types import Json

_LONGEST_ACTOR = 254


class Event(StrEnum):
    """Everything that is audited."""

    SIGNED_IN = "signed_in"
    SIGNED_OUT = "signed_out"
    SIGN_IN_FAILED = "sign_in_failed"
    SIGN_IN_THROTTLED = "sign_in_throttled"  # once an hour and counter, not once a guess
    SIGN_IN_LIFTED = "sign_in_lifted"  # an administrator let somebody try again
    KEYS_THROTTLED = "keys_throttled"
    RATE_LIMITED = "rate_limited"  # once an hour and counter, however much is asked for
    SESSION_ENDED = "session_ended"
    SESSIONS_ENDED = "sessions_ended"
    USER_ADDED = "user_added"
    ROLE_CHANGED = "role_changed"
    ACCOUNT_CLOSED = "account_closed"
    ACCOUNT_REOPENED = "account_reopened"
    ALIAS_ADDED = "alias_added"
    ADDRESS_CONFIRMED = "address_confirmed"
    ADDRESS_RELEASED = "address_released"
    ACCOUNT_LINKED = "account_linked"
    ACCOUNT_UNLINKED = "account_unlinked"
    API_KEY_ISSUED = "api_key_issued"
    API_KEY_REVOKED = "api_key_revoked"
    SERVICE_ACCOUNT_ADDED = "service_account_added"
    SERVICE_ACCOUNT_CHANGED = "service_account_changed"  # its name, or who answers for it
    PUSH_KEY_ISSUED = "push_key_issued"
    PUSH_KEY_REVOKED = "push_key_revoked"
    PERMISSIONS_INSPECTED = "permissions_inspected"
    SHARED_IN_SLACK = "shared_in_slack"
    CONVERSATION_SHARED = "conversation_shared"
    SHARE_REVOKED = "share_revoked"
    CHAT_FILE_ADDED = "chat_file_added"
    CHAT_FILE_REMOVED = "chat_file_removed"
    CONVERSATION_EXPORTED = "conversation_exported"
    SOURCE_ADDED = "source_added"
    SOURCE_CHANGED = "source_changed"
    SOURCE_PAUSED = "source_paused"
    SOURCE_RESUMED = "source_resumed"
    SOURCE_TRIED = "source_tried"
    AGE_LIMIT_CHANGED = "age_limit_changed"
    SYNC_REQUESTED = "sync_requested"
    DELETION_APPROVED = "deletion_approved"
    DELETION_REFUSED = "deletion_refused"
    TURN_BLOCKED = "turn_blocked"
    TOPIC_CHANGED = "topic_changed"  # of before rules had versions
    GUARDRAIL_CHANGED = "guardrail_changed"
    GUARDRAIL_CASES_CHANGED = "guardrail_cases_changed"
    GUARDRAILS_PUBLISHED = "guardrails_published"
    GUARDRAILS_DRAFT_REPLACED = "guardrails_draft_replaced"
    GUARDRAIL_HIT = "guardrail_hit"  # what rules found in a turn, by kind and count
    RANKING_CHANGED = "ranking_changed"
    ANSWERS_CHANGED = "answers_changed"
    MODEL_ADDED = "model_added"
    MODEL_CHANGED = "model_changed"
    MODEL_REMOVED = "model_removed"
    MODEL_ENABLED = "model_enabled"
    MODEL_DISABLED = "model_disabled"
    MODEL_MADE_DEFAULT = "model_made_default"
    MODEL_TRIED = "model_tried"
    SEARCH_MODEL_ADDED = "search_model_added"
    SEARCH_MODEL_CHANGED = "search_model_changed"
    SEARCH_MODEL_REMOVED = "search_model_removed"
    SEARCH_MODEL_CHOSEN = "search_model_chosen"
    SEARCH_MODEL_TRIED = "search_model_tried"
    INDEX_SWITCHED = "index_switched"
    AUDIT_VERIFIED = "audit_verified"
    AUDIT_EXPORTED = "audit_exported"
    SECRET_KEY_REPLACED = "secret_key_replaced"  # noqa: S105 - the name of an event
    PERSON_ERASED = "person_erased"
    PERSON_EXPORTED = "person_exported"
    RETENTION_APPLIED = "retention_applied"  # what was older than it is kept
    IDENTITY_PROVIDER_ADDED = "identity_provider_added"
    IDENTITY_PROVIDER_CHANGED = "identity_provider_changed"
    IDENTITY_PROVIDER_OPENED = "identity_provider_opened"
    IDENTITY_PROVIDER_CLOSED = "identity_provider_closed"
    IDENTITY_PROVIDER_REMOVED = "identity_provider_removed"
    IDENTITY_KEY_ANNOUNCED = "identity_key_announced"  # our next key at a provider
    IDENTITY_KEY_CHANGED = "identity_key_changed"
    IDENTITY_METADATA_READ = "identity_metadata_read"  # other metadata of a provider than before
    IDENTITY_METADATA_FAILED = "identity_metadata_failed"
    IDENTITY_MESSAGE_REFUSED = "identity_message_refused"  # what came in a provider's name is not believed
    IDENTITY_SIGNED_OUT = "identity_signed_out"  # a provider ended sessions
    IDENTITY_DISCONNECTED = "identity_disconnected"
    IDENTITY_JOINED = "identity_joined"  # a provider's subject and an account
    IDENTITY_REFUSED = "identity_refused"  # somebody came from a provider and was not let in
    SECOND_FACTOR_FAILED = "second_factor_failed"  # after the right password
    APP_CODES_SET_UP = "app_codes_set_up"
    APP_CODES_REMOVED = "app_codes_removed"
    RECOVERY_CODES_MADE = "recovery_codes_made"
    RECOVERY_CODE_USED = "recovery_code_used"
    PASSKEY_ADDED = "passkey_added"
    PASSKEY_REMOVED = "passkey_removed"
    PASSKEY_REFUSED = "passkey_refused"  # it counted backwards: somebody may have a copy
    SECOND_FACTOR_POSTPONED = "second_factor_postponed"  # on a demo
    FACTORS_RESET = "factors_reset"  # by somebody who manages people
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - the name of an event
    EMERGENCY_MADE = "emergency_made"  # an emergency account
    EMERGENCY_RENEWED = "emergency_renewed"  # its passphrase and codes
    EMERGENCY_REMOVED = "emergency_removed"
    EMERGENCY_USED = "emergency_used"
    EMERGENCY_ACKNOWLEDGED = "emergency_acknowledged"  # somebody saw that it was used
    INVITATION_MADE = "invitation_made"
    INVITATION_REVOKED = "invitation_revoked"
    INVITATION_USED = "invitation_used"
    PASSWORD_OFFERED = "password_offered"  # noqa: S105 - a link to a new one, by whoever runs the server
    ROLE_KEPT = "role_kept"  # a provider's groups would have left nobody who can manage people
    PROVISIONING_KEY_ISSUED = "provisioning_key_issued"
    PROVISIONING_KEY_REVOKED = "provisioning_key_revoked"
    PERSON_PROVISIONED = "person_provisioned"  # a provider manages an account from now on
    PERSON_RENAMED = "person_renamed"  # by a provider
    PERSON_UNPROVISIONED = "person_unprovisioned"
    PROVISIONING_REFUSED = "provisioning_refused"
    ADDRESS_KEPT = "address_kept"  # a provider tells another address of somebody than the account has
    GROUP_PROVISIONED = "group_provisioned"
    GROUP_CHANGED = "group_changed"
    GROUP_UNPROVISIONED = "group_unprovisioned"
    SLACK_PERSON_JOINED = "slack_person_joined"  # a Slack user and an account, by a link or by the address
    SLACK_PERSON_LEFT = "slack_person_left"
    SLACK_CONNECTED = "slack_connected"  # a workspace
    SLACK_CREDENTIALS_CHANGED = "slack_credentials_changed"
    SLACK_CHANGED = "slack_changed"  # whether addresses say who somebody is, and where Mundap is
    SLACK_OPENED = "slack_opened"
    SLACK_CLOSED = "slack_closed"
    SLACK_REMOVED = "slack_removed"
    SLACK_POLICY_CHANGED = "slack_policy_changed"  # how a workspace or a channel is answered
    LOCAL_ONLY_REFUSED = "local_only_refused"  # at most hourly; something would have left the house


def record(event: Event, *, actor_id: int | None = None, actor: str = "", **data: Json) -> None:
    """Append one event; it goes with the transaction. `data` holds ids, names and counts.

    Raises:
        TypeError, ValueError: `data` holds what JSON cannot.
    """
    origin = current_origin()
    said = Entry(
        uid=uuid.uuid4().hex,
        at=timezone.now(),
        event=str(event),
        actor_id=actor_id,
        actor=cleaned(actor)[:_LONGEST_ACTOR],
        address=origin.address,
        via=str(origin.via),
        data=cast(dict[str, Json], settled(data)),
        salt=secrets.token_hex(16),
    )
    said = replace(said, mac=content_code(said, own_key()))
    AuditEvent.of(said).save()
    transaction.on_commit(chain_new, robust=True)
