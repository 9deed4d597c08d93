"""`python -m nexus_cli` is the command `nexus`."""

import sys

from nexus_cli.main import main

sys.exit(main())
