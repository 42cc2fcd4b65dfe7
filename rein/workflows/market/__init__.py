"""What a person can do: lists of jobs and people, ratings, hiding."""
