"""Commands: who one is: setting up, enrolling, renewing, restoring, backups."""
