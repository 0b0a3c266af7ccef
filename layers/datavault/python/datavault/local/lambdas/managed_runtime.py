"""What AWS's Python runtime brings to every function, gathered once from this environment.

A function must see its own code, its layers and these distributions, and nothing else:
a dependency that is installed here and missing in a layer then fails here as it would
on AWS. Files are linked, not copied; byte code is compiled beside the links once.
"""

import hashlib
import importlib.metadata
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path, PurePath

# The runtime interface client and the SDK; what they require comes with them.
ROOT_DISTRIBUTIONS = ("awslambdaric", "boto3")
# Quietly, on every core, the files named on the standard input.
COMPILE_OPTIONS = ("-q", "-j", "0", "--invalidation-mode", "unchecked-hash", "-i", "-")


def interpreter() -> Path:
    """The interpreter that this environment was made from, without its site packages."""
    base: str = getattr(sys, "_base_executable", sys.executable)
    return Path(base)


def gather(cache: Path) -> Path:
    """Return a directory that holds the runtime's distributions, made on first use.

    Its name is a hash of their names, versions and places, so that another environment
    or an upgrade makes another one.
    """
    distributions = _closure(ROOT_DISTRIBUTIONS)
    identity = "\n".join(
        f"{each.name} {each.version} {each.locate_file('')}" for each in distributions
    )
    digest = hashlib.sha256(f"{sys.version}\n{identity}".encode()).hexdigest()[:16]
    target = cache / f"runtime-{digest}"
    if target.is_dir():
        return target
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix="runtime-") as scratch:
        tree = Path(scratch, "tree")
        for distribution in distributions:
            _link(distribution, tree)
        compile_tree(tree)
        publish(tree, target)
    return target


def compile_tree(tree: Path) -> None:
    """Compile every module that has no byte code yet.

    Unchecked-hash byte code is what the layers ship: it stays valid whatever happens to
    the time stamps of a file that went through a zip. A child process compiles, so that
    the emulator goes on serving.
    """
    tag = sys.implementation.cache_tag
    missing = [
        str(source)
        for source in tree.rglob("*.py")
        if not (source.parent / "__pycache__" / f"{source.stem}.{tag}.pyc").exists()
    ]
    if missing:
        subprocess.run(
            [str(interpreter()), "-S", "-m", "compileall", *COMPILE_OPTIONS],
            input="\n".join(missing).encode(),
            stdout=subprocess.DEVNULL,
            check=False,  # A template or a test of another Python's syntax may not compile.
        )


def publish(tree: Path, target: Path) -> None:
    """Move a finished tree into place; whoever came first wins, the trees are equal."""
    try:
        tree.rename(target)
    except OSError:
        if not target.is_dir():
            raise
        shutil.rmtree(tree)


def _closure(roots: tuple[str, ...]) -> list[importlib.metadata.Distribution]:
    found: dict[str, importlib.metadata.Distribution] = {}
    waiting = list(roots)
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name in found:
            continue
        found[name] = importlib.metadata.distribution(name)
        waiting += [
            re.split(r"[ ;<>=!~(\[]", requirement, maxsplit=1)[0]
            for requirement in found[name].requires or ()
            if "extra ==" not in requirement
        ]
    return [found[name] for name in sorted(found)]


def _link(distribution: importlib.metadata.Distribution, tree: Path) -> None:
    for file in distribution.files or ():
        path = PurePath(file)
        if ".." in path.parts or "__pycache__" in path.parts:
            continue
        link = tree / path
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(Path(str(distribution.locate_file(file))).resolve())
