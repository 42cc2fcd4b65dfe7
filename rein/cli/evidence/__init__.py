"""Commands: case files and single documents: proving, keeping, verifying."""
