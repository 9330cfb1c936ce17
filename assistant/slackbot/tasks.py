"""Celery's side of Slack: answers that stand there are judged again when something has changed."""

from __future__ import annotations

from celery import shared_task

from assistant.slackbot import rechecking, watching


@shared_task(name="assistant.slackbot.tasks.recheck_posts", expires=60, time_limit=1800)
def recheck_posts() -> None:
    """Take back what may no longer be seen."""
    watching.watch_channels()
    rechecking.recheck_all()
