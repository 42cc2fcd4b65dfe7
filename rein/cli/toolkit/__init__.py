"""What commands share: what is asked, read and shown, and how it looks in a terminal."""
