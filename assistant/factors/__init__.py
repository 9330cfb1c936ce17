"""What a person shows besides a password: passkeys, codes of an app, recovery codes. And passwords."""
