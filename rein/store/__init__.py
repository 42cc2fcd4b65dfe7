"""What this machine remembers: one SQLite file per home."""
