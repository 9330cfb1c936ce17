"""Django app of this package."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """`assistant.audit`."""

    name = "assistant.audit"
