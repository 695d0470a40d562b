"""``python -m rnnae_live``: the command line, where the script ``rnnae-live`` is not on the path."""

from rnnae_live.cli import main

if __name__ == "__main__":
    main()
