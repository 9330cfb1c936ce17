"""Provisioning by SCIM 2.0 (RFC 7643, RFC 7644): what an identity provider says before anybody signs in."""
