"""The route that Slack calls."""

from __future__ import annotations

from django.urls import path

from assistant.slackbot import views

app_name = "slackbot"

urlpatterns = [path("<slug:handle>/", views.receive, name="receive")]
