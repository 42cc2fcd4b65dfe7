"""HTTP plumbing that all endpoints share."""
