"""What a person can do, one module a step. The only layer that joins documents, money, servers and memory."""
