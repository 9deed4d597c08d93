"""An import as a process of its own, to be killed. Arguments: the URL of the database, the file, the repository."""

import sys
from pathlib import Path

from engines import open_hub


def main(url: str, file: str, repository: str) -> None:
    """Import the file; says on standard output when it begins."""
    content = Path(file).read_bytes()
    with open_hub(url) as nexus:
        print("begins", flush=True)
        nexus.tasks.import_file(content, repository)


if __name__ == "__main__":
    main(*sys.argv[1:])
