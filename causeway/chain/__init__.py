"""What the operator's Bitcoin node says, for clients of 2016 that have none of their own. Nobody has to believe it."""
