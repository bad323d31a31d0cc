"""`python -m codeset.cli` is the `codeset` command."""

from codeset.cli import main

if __name__ == "__main__":
    main()
