"""Values under keys: the one place where anything is written for an owner."""
