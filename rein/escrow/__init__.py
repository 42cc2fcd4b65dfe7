"""Contract terms to scripts, addresses and transactions, and every check before a signature. Pure."""
