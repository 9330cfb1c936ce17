"""Celery's side of Slack: answers that stand there are judged again when something has changed."""

from __future__ import annotations

from celery import shared_task

from assistant.slackbot import jobs, rechecking, watching


@shared_task(name="assistant.slackbot.tasks.recheck_posts", expires=60, time_limit=1800)
def recheck_posts() -> None:
    """Take back what may no longer be seen, and end what waits for a workspace that is closed."""
    jobs.end_waiting()
    watching.watch_channels()
    rechecking.recheck_all()
