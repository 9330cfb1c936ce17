"""Django app of this package."""

from django.apps import AppConfig


class GuardrailsConfig(AppConfig):
    """`assistant.guardrails`."""

    name = "assistant.guardrails"
