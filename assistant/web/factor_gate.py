"""A session that showed less than its person must show is ended, whatever it asks for.

That happens when somebody gets a role, or when the installation asks for more than before. They sign in anew
and are led to what is missing. The API is asked with keys, which stand on their own.
"""

from __future__ import annotations

from django.contrib.auth import alogout, logout
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest

from assistant.accounts.models import User
from assistant.factors.rule import anoted, noted, suffices
from assistant.web.both_ways import BothWays


class FactorGateMiddleware(BothWays):
    """Stands below the one that says who is signed in, above everything that asks."""

    def prepare(self, request: HttpRequest) -> None:
        """End the session if it does not suffice."""
        user = request.user
        if isinstance(user, User) and not suffices(noted(request.session), user):
            logout(request)
            request.auser = _nobody

    async def aprepare(self, request: HttpRequest) -> None:
        """See `prepare`."""
        user = await request.auser()
        if isinstance(user, User) and not suffices(await anoted(request.session), user):
            await alogout(request)
            request.auser = _nobody  # Django changes `request.user` alone, and streams ask this


async def _nobody() -> AnonymousUser:
    return AnonymousUser()
