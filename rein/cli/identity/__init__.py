"""Commands: identities: setting up, enrolling, restoring, backups."""
