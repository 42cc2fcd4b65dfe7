"""Keys at rest, and which key speaks for whom."""
