"""Every column that holds something sealed, and for what purpose each row of it was sealed.

A column that is sealed and not named here would be lost with the former key: a test holds this against
all models, and `rotate_key` refuses to begin where one is missing.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.apps import apps
from django.conf import settings
from django.db import models

from assistant.accounts import digests
from assistant.audit import keyring
from assistant.common.errors import MundapError
from assistant.common.sealing import seal, unseal

# app.Model.column -> the purpose; `{pk}` stands for the row's key.
PURPOSES: Mapping[str, str] = {
    "accounts.DigestKey.sealed_key": digests.SEALED_FOR,
    "audit.FormerKey.sealed_key": keyring.SEALED_FOR,
    "catalogue.LanguageModel.sealed_key": "language model {pk}",
    "documents.SearchModel.sealed_key": "search model {pk}",
    "factors.AuthenticatorApp.sealed_secret": "authenticator app {pk}",
    "factors.WaitingForm.sealed_fields": "waiting form {pk}",
    "identity.IdentityProvider.sealed_secrets": "identity provider {pk}",
    "slackbot.Job.sealed_payload": "slack job {pk}",
    "slackbot.Workspace.sealed_secrets": "slack workspace {pk}",
    "sync.Source.sealed_secrets": "source {pk}",
}


def unnamed() -> list[str]:
    """Columns that seem to hold something sealed and have no purpose above."""
    return sorted(
        label
        for model in apps.get_models()
        for column in model._meta.concrete_fields
        if isinstance(column, models.BinaryField) and column.name.startswith("sealed")
        if (label := f"{model._meta.label}.{column.name}") not in PURPOSES
    )


def rows_of(label: str) -> tuple[type[models.Model], str]:
    """The model and the column of a label."""
    app_and_model, column = label.rsplit(".", 1)
    return apps.get_model(app_and_model), column


def purpose_of(label: str, key: object) -> str:
    """What this row's value was sealed for."""
    return PURPOSES[label].format(pk=key)


def is_under_present_key(sealed: bytes, purpose: str) -> bool:
    """Whether the present key alone opens it."""
    try:
        unseal(sealed, key=str(settings.SECRET_KEY), purpose=purpose)
    except MundapError:
        return False
    return True


def sealed_anew(sealed: bytes, purpose: str) -> bytes:
    """The same under the present key.

    Raises:
        MundapError: neither the present key nor one that is being replaced opens it.
    """
    opened = unseal(
        sealed, key=str(settings.SECRET_KEY), older=settings.SECRET_KEY_FALLBACKS, purpose=purpose
    )
    return seal(opened, key=str(settings.SECRET_KEY), purpose=purpose)
