"""Commands: lists of jobs, people and what is known of them."""
