"""SAML 2.0: what a company's identity provider says, and how it is known to have said it."""
