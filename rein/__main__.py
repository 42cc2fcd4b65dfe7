"""`python -m rein`"""

from rein.cli.main import main

main()
