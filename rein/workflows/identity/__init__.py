"""What a person can do: who one is: setting up, enrolling, renewing, restoring, backups."""
