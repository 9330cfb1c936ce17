"""Django app of this package."""

from django.apps import AppConfig


class SlackbotConfig(AppConfig):
    """`assistant.slackbot`."""

    name = "assistant.slackbot"
