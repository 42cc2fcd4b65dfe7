"""What a person can do: case files and single documents: proving, keeping, verifying."""
