"""Commands: sealed messages between the parties of a job."""
