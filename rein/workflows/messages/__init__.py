"""What a person can do: sealed messages between the parties of a job."""
