"""One job in one file that proves itself: no network, no account, no database. Pure but for reading and writing it."""
