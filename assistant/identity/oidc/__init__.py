"""Sign-in with OpenID Connect: the code flow with PKCE."""
