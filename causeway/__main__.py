"""`python -m causeway` is the command `causeway`."""

from causeway.cli import main

main()
