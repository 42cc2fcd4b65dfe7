"""Commands: lists of jobs and people, ratings, hiding."""
