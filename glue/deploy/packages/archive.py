"""Zip archives that come out the same, byte for byte, wherever they are made.

Entries are sorted, carry one fixed time and one fixed mode, and are stored, not deflated:
deflate has many valid outputs for one input, and zlib, zlib-ng and their versions choose
differently. Lambda unpacks both alike; a stored archive only takes longer to upload.
"""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

EARLIEST_TIME = (1980, 1, 1, 0, 0, 0)
FILE_MODE = 0o100644
UNIX = 3

NOT_SHIPPED = ("__pycache__", "tests")
NOT_SHIPPED_SUFFIXES = (".pyc", ".pyo", ".pyi", ".pyx", ".pxd", ".md", ".orig", ".rej", "~")


def is_shipped(name: str) -> bool:
    """Tell whether a file belongs in a package: no caches, tests, stubs or hidden files."""
    parts = name.split("/")
    return not any(part in NOT_SHIPPED or part.startswith(".") for part in parts) and not (
        name.endswith(NOT_SHIPPED_SUFFIXES)
    )


def files_below(folder: Path, prefix: str = "") -> dict[str, Path]:
    """Return the shipped files below a folder by their name in the archive."""
    found = {
        f"{prefix}{path.relative_to(folder).as_posix()}": path
        for path in folder.rglob("*")
        if path.is_file()
    }
    return {name: path for name, path in found.items() if is_shipped(name)}


def write_archive(target: Path, files: Mapping[str, Path]) -> None:
    """Write files into an archive under the given names."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, EARLIEST_TIME)
            entry.create_system = UNIX
            entry.external_attr = FILE_MODE << 16
            archive.writestr(entry, files[name].read_bytes())
