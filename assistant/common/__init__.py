"""Values and rules that every layer shares. Nothing here knows Django, Celery or the database."""
