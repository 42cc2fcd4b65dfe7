"""What the operator's Bitcoin node says, for legacy clients that have none of their own. Nobody has to believe it."""
