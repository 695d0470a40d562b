"""``python -m rnnae_live.page FOLDER``: the control page of the session in a folder; the front starts it."""

import sys

from rnnae_live.live.child import main
from rnnae_live.page.process import PageProcess

if __name__ == "__main__":
    sys.exit(main(PageProcess))
