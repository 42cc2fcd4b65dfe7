"""Money: deposits seen on the chain, balances, and the buckets that are bought with them."""
