"""What a person can do: identities: setting up, enrolling, restoring, backups."""
