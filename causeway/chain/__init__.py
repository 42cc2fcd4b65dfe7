"""The operator's Bitcoin node, for clients that have none of their own. Nobody has to trust it."""
