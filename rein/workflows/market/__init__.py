"""What a person can do: lists of jobs, people and what is known of them."""
