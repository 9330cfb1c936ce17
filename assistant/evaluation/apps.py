"""Django app of this package."""

from django.apps import AppConfig


class EvaluationConfig(AppConfig):
    """`assistant.evaluation`."""

    name = "assistant.evaluation"
