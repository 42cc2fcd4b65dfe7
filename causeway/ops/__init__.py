"""Running a server: what it writes to its log."""
