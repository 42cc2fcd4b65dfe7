"""What a person can do: what moves a job before and beside its money."""
