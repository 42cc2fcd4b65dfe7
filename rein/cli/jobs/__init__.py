"""Commands: what moves a job before and beside its money."""
