"""Commands: the escrows: what the chain shows, plans, signatures and payments."""
