"""Commands: what one was paid: where it lies, and spending it."""
