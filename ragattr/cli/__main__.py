"""`python -m ragattr.cli`."""

from ragattr.cli import main

main()
