"""``python -m tests.faults``: the fault matrix, injected and told. See ``report``."""

import sys

from tests.faults.report import main

if __name__ == "__main__":
    sys.exit(main())
