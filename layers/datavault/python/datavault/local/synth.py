"""Synthesizes the app's cloud assembly, and not again while its sources stay as they are."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

SOURCES = ("infra", "functions", "layers", "statemachines", "events")
FILES = ("cdk.json", "pyproject.toml", "uv.lock")
# Built layers follow from the lock file; these modules are in no deployed asset.
IGNORED = ("__pycache__", "build", ".venv")
UNDEPLOYED = Path("layers/datavault/python/datavault/local")
ASSEMBLIES_KEPT_MAX = 4
ERROR_CHARACTERS_MAX = 4000


class SynthesisFailed(RuntimeError):
    """The app did not synthesize; the message ends with what it printed."""


def synthesize(stage: str, *, project: Path | None = None) -> Path:
    """Return the directory of the cloud assembly for ``stage``.

    Raises:
        SynthesisFailed: the app ended with an error.
        FileNotFoundError: this is an installed package, not a checkout.
    """
    root = project or checkout()
    cache = root / ".cache" / "synth"
    target = cache / f"{stage}-{_fingerprint(root)}"
    if target.is_dir():
        os.utime(target)
        return target
    cache.mkdir(parents=True, exist_ok=True)
    # Whoever comes second waits and finds it made, instead of making it at half the speed.
    with Path(cache, f"{stage}.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.is_dir():
            with tempfile.TemporaryDirectory(dir=cache, prefix=f"{stage}-") as scratch:
                out = Path(scratch, "assembly")
                _run(root, stage, out)
                out.rename(target)
            _forget_oldest(cache, stage)
    return target


def checkout() -> Path:
    """The root of the checkout that this module is part of."""
    root = Path(__file__).resolve().parents[5]
    if not (root / "cdk.json").is_file():
        raise FileNotFoundError(f"no cdk.json in {root}: synthesis needs a checkout")
    return root


def _run(root: Path, stage: str, out: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "infra.app", "--stage", stage, "--out", str(out)],
        cwd=root,
        # The bundled validators run in the infrastructure's own tests.
        env={"CDK_VALIDATION": "false", **os.environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SynthesisFailed(f"stage {stage}\n{done.stdout[-ERROR_CHARACTERS_MAX:]}")


def _fingerprint(root: Path) -> str:
    digest = hashlib.sha256(sys.version.encode())
    for path in _sources(root):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(root)} {content}\n".encode())
    return digest.hexdigest()[:16]


def _sources(root: Path) -> Iterator[Path]:
    for name in FILES:
        if (root / name).is_file():
            yield root / name
    for name in SOURCES:
        for directory, children, names in os.walk(root / name):
            here = Path(directory)
            children[:] = sorted(
                each
                for each in children
                if each not in IGNORED and here / each != root / UNDEPLOYED
            )
            yield from (here / each for each in sorted(names))


def _forget_oldest(cache: Path, stage: str) -> None:
    made = sorted(cache.glob(f"{stage}-*/"), key=lambda each: each.stat().st_mtime, reverse=True)
    for old in made[ASSEMBLIES_KEPT_MAX:]:
        shutil.rmtree(old, ignore_errors=True)
