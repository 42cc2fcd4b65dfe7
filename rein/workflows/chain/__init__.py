"""What the chain shows of orders: read, compared with the documents, and remembered."""
