"""Deployment packages and layers, unpacked once per content and shared by all clouds.

A tree is named by the hash of its archive, appears whole or not at all, and is never
written to again, so clouds that run side by side can share one store.
"""

import hashlib
import io
import os
import shutil
import stat
import tempfile
import threading
import time
import zipfile
from pathlib import Path

from datavault.local.lambdas.managed_runtime import compile_tree, publish

# No cloud that still uses a tree has been running for this long.
UNUSED_DAYS_MAX = 30


class CodeStore:
    """Unpacked archives below one directory."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = threading.Lock()
        # Hashing a layer of 20 MB takes longer than a warm call; the emulator keeps one
        # object per archive, so its identity stands for its content while it lives.
        self._known: dict[int, tuple[bytes, Path]] = {}

    def unpack(self, archive: bytes) -> Path:
        """Return the directory that holds the files of ``archive``, byte-compiled."""
        known = self._known.get(id(archive))
        if known is not None and known[0] is archive:
            return known[1]
        with self._lock:
            target = self._root / f"code-{hashlib.sha256(archive).hexdigest()}"
            if target.is_dir():
                os.utime(target)
            else:
                self._unpack_to(target, archive)
            self._known[id(archive)] = (archive, target)
            return target

    def forget_unused(self) -> None:
        """Remove what no cloud has unpacked for ``UNUSED_DAYS_MAX``."""
        oldest = time.time() - UNUSED_DAYS_MAX * 24 * 3600
        for tree in self._root.glob("code-*"):
            if tree.stat().st_mtime < oldest:
                shutil.rmtree(tree, ignore_errors=True)

    def _unpack_to(self, target: Path, archive: bytes) -> None:
        self._root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._root, prefix="code-") as scratch:
            tree = Path(scratch, "tree")
            tree.mkdir()
            with zipfile.ZipFile(io.BytesIO(archive)) as entries:
                for entry in entries.infolist():
                    extracted = Path(entries.extract(entry, tree))
                    if (entry.external_attr >> 16) & stat.S_IXUSR and extracted.is_file():
                        extracted.chmod(0o755)
            compile_tree(tree)
            publish(tree, target)
