"""What a person can do: the escrows: what the chain shows, plans, signatures and payments."""
