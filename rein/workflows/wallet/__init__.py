"""What a person can do: what one was paid: where it lies, and spending it."""
