"""Who may write: nonces, signatures, and the delegates that owners have enrolled."""
