"""How much an account or a key asked for lately."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class RateCounter(models.Model):
    """One counter of `rate_limits`: of one account or one key, never of several."""

    key = models.CharField(max_length=64, primary_key=True)  # the limit and the number of the account or key
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="+")
    level = models.FloatField(default=0)  # requests, files or bytes that still count
    at = models.DateTimeField(db_index=True)  # when `level` was so
    told_at = models.DateTimeField(null=True)  # when the trail last heard that it was full

    def __str__(self) -> str:
        return self.key
