"""`python -m skelvid` is the command line."""

from skelvid.cli import main

main()
