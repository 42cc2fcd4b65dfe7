"""What a person can do: notifications of what happens."""
