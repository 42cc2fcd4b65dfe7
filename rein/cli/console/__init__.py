"""The terminal itself: what is typed, what is shown, and how wide it is."""
