"""What becomes of values whose bucket has expired."""
