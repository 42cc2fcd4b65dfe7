"""What a person can do: what is wrong with an installation."""
