"""HTTP plumbing: what every endpoint needs and none should repeat."""
