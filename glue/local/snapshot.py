"""Copies of a stopped cloud's files that a later start can take up.

A snapshot is a folder named by its key. It is written under another name and renamed
when it is whole, so half a snapshot is never taken for one. Restoring works the same
way round: the copy is made beside the live folder and then put in its place.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

from glue.errors import InputError

KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
COMPLETE = "complete"
RESTORING = ".restoring"
# The emulator and this launcher replace these files and never change one in place, so a
# snapshot may share them; databases write into theirs, so those are truly copied.
LINKED = ("state", "s3")
COPIED = ("postgres", "secrets.json", "profiles", "deployed.json", "evalai", "kubernetes")


def check_key(key: str) -> str:
    """Return the key, or raise InputError if it could not name a folder."""
    if not KEY.fullmatch(key):
        raise InputError(
            "key", f"{key[:140]!r} cannot name a snapshot", "use letters, digits, dot, dash"
        )
    return key


def _link_or_copy(source: str, target: str) -> str:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without hard links
        shutil.copy2(source, target)
    return target


def _copy_with_owner(source: str, target: str) -> str:
    shutil.copy2(source, target)
    facts = Path(source).stat()
    if os.geteuid() == 0:
        os.chown(target, facts.st_uid, facts.st_gid)
    return target


def _special(folder: str, names: list[str]) -> list[str]:
    """Return what of a folder cannot be copied: sockets and pipes, which a job may have left."""
    paths = {name: Path(folder) / name for name in names}
    return [
        name
        for name, path in paths.items()
        if not (path.is_symlink() or path.is_file() or path.is_dir())
    ]


def _transfer(source: Path, target: Path, *, link: bool) -> None:
    """Copy a file or folder with modes and owners; a missing source is nothing to copy."""
    if source.is_file():
        _copy_with_owner(str(source), str(target))
    elif source.is_dir():
        shutil.copytree(
            source,
            target,
            symlinks=True,  # a job may have left links that lead anywhere
            ignore=_special,
            copy_function=_link_or_copy if link else _copy_with_owner,
        )
        if os.geteuid() == 0:
            for folder, _, _ in os.walk(source):
                facts = Path(folder).stat()
                os.chown(target / Path(folder).relative_to(source), facts.st_uid, facts.st_gid)


def _discard(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def save(home: Path, folder: Path, key: str) -> None:
    """Keep a copy of the stopped cloud in `home` under a key, and drop those of other keys."""
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f".{check_key(key)}.partial"
    _discard(partial)
    partial.mkdir()
    for name in LINKED:
        _transfer(home / name, partial / name, link=True)
    for name in COPIED:
        _transfer(home / name, partial / name, link=False)
    (partial / COMPLETE).write_text(key, encoding="utf-8")
    for other in folder.iterdir():
        if other != partial:
            _discard(other)
    partial.rename(folder / key)


def exists(folder: Path, key: str) -> bool:
    """Tell whether a whole snapshot of this key is there."""
    return (folder / check_key(key) / COMPLETE).is_file()


def keys(folder: Path) -> list[str]:
    """Return the keys of the whole snapshots in a folder, sorted."""
    if not folder.is_dir():
        return []
    names = (path.name for path in folder.iterdir())
    return sorted(name for name in names if KEY.fullmatch(name) and exists(folder, name))


def restore(home: Path, folder: Path, key: str) -> bool:
    """Put a snapshot in the place of the stopped cloud's files; False if there is none."""
    if not exists(folder, key):
        return False
    source = folder / key
    fresh = home / RESTORING
    _discard(fresh)
    fresh.mkdir(parents=True)
    for name in LINKED:
        _transfer(source / name, fresh / name, link=True)
    for name in COPIED:
        _transfer(source / name, fresh / name, link=False)
    present = [name for name in (*LINKED, *COPIED) if (fresh / name).exists()]
    (fresh / COMPLETE).write_text(json.dumps(present), encoding="utf-8")
    finish_restore(home)
    return True


def finish_restore(home: Path) -> None:
    """Bring a restore that was interrupted to its end, or drop it if its copy is not whole."""
    fresh = home / RESTORING
    if (fresh / COMPLETE).is_file():
        present = json.loads((fresh / COMPLETE).read_text(encoding="utf-8"))
        for name in (*LINKED, *COPIED):
            if (fresh / name).exists():
                _discard(home / name)
                (fresh / name).rename(home / name)
            elif name not in present:
                _discard(home / name)
        (fresh / COMPLETE).unlink()
    _discard(fresh)
