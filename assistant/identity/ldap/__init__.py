"""Sign-in with the password of an LDAP directory, typed into our own form."""
