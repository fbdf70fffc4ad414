"""Write the file that lists this extension in Slicer's Extensions Index.

    python Testing/tools/write_index_entry.py https://host/owner/CoronarySeg.git ../ExtensionsIndex/CoronarySeg.json

The public address is given here because the sources do not know where they are published; category and dependencies are
those of CMakeLists.txt, so that the two cannot differ. The file follows version 1.0.1 of Slicer's schema of catalog
entries.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = "https://raw.githubusercontent.com/Slicer/Slicer/main/Schemas/slicer-extension-catalog-entry-schema-v1.0.1.json#"
EXPERIMENTAL = 1


def entry(address: str, revision: str = "main") -> dict:
    """The entry for sources published at ``address``. ValueError when that is no address of a git repository."""
    if not re.fullmatch(r"https://[\w.-]+/[\w./-]+", address):
        raise ValueError(f"'{address}' is no public https address of a git repository.")
    lists = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    return {
        "$schema": SCHEMA,
        "build_dependencies": _set(lists, "EXTENSION_DEPENDS").split(),
        "build_subdirectory": ".",
        "category": _set(lists, "EXTENSION_CATEGORY"),
        "scm_revision": revision,
        "scm_type": "git",
        "scm_url": address,
        "tier": EXPERIMENTAL,
    }


def main(arguments: list[str]) -> int:
    if len(arguments) != 2:
        sys.stderr.write(__doc__ or "")
        return 2
    text = json.dumps(entry(arguments[0]), indent=2) + "\n"
    Path(arguments[1]).write_text(text, encoding="utf-8")
    return 0


def _set(lists: str, name: str) -> str:
    return re.search(rf'set\({name} "([^"]*)"\)', lists).group(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
