"""What a person can do: being told of what happens."""
