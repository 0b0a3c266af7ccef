"""Builds what functions are made of: layers from the lock, our library, the functions' code.

A layer of other people's packages is one dependency group of ``pyproject.toml``, taken from
``uv.lock`` with its hashes, for the architecture it will run on. Every archive is deterministic
(equal sources, equal bytes), holds byte code that is never checked against its source (``/opt``
is read-only, so each cold start would compile again), and lies in ``.cache/layers`` under the
hash of all that went into it; building it again costs a look-up.

    python -m layers.build [LAYER ...]     build and print where and how large
    python -m layers.build --check         also keep to Lambda's limit and import every package
"""

import argparse
import compileall
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from py_compile import PycInvalidationMode

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / ".cache" / "layers"
LIBRARY = ROOT / "layers" / "datavault" / "python"
FUNCTIONS = ROOT / "functions"
PYTHON = (3, 13)
# Lambda's limit for a function and all its layers, unzipped.
UNZIPPED_BYTES_MAX = 250 * 1024 * 1024
ARCHIVES_KEPT_MAX = 3
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
# Half the time of zlib's own 6, for archives 7 % larger, which travel by S3.
ZIP_LEVEL = 3
# What of our library never runs in the cloud.
UNSHIPPED = ("datavault/adapters/memory", "datavault/local", "datavault/cli", "datavault/client")


class Architecture(StrEnum):
    """What a function runs on, in Lambda's words."""

    ARM64 = "arm64"
    X86_64 = "x86_64"

    @property
    def platform(self) -> str:
        """Uv's word for it. Older manylinux lacks wheels or silently takes old ones."""
        return {"arm64": "aarch64"}.get(self, self) + "-manylinux_2_28"

    @classmethod
    def host(cls) -> "Architecture":
        """The architecture of this machine."""
        return cls.ARM64 if platform.machine() in {"aarch64", "arm64"} else cls.X86_64


@dataclass(frozen=True, slots=True)
class Layer:
    """A third-party layer: the dependency group ``layer-<name>``.

    ``unused`` are globs of files that nothing of ours imports; ``imports`` are modules to try
    beyond every top-level package; ``needs`` are the layers that are always loaded with it, whose
    packages it does not hold again; ``files`` is a folder of the repository that lies in the layer
    under its own path, without ``layers/``; ``unimported`` are packages that do not import as they
    are, but through a module of ours. ``unzipped_bytes_max`` is for it with those it needs.
    """

    name: str
    imports: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    files: Path | None = None
    unimported: tuple[str, ...] = ()
    unzipped_bytes_max: int = UNZIPPED_BYTES_MAX


# Each has a folder beside this file that says what is in it.
LAYERS = {
    layer.name: layer
    for layer in (
        Layer(
            "core",
            imports=(
                "aws_lambda_powertools.event_handler",
                "aws_lambda_powertools.logging",
                "aws_lambda_powertools.metrics",
                "cryptography.hazmat.primitives.ciphers.aead",
                "cryptography.hazmat.primitives.asymmetric.ec",
                "numpy.random",
                "obstore.store",
            ),
            # zstandard has a C and a CFFI backend; CPython takes the first.
            unused=("numpy/f2py/**", "zstandard/_cffi*", "pydantic/v1/**", "pydantic/mypy.py"),
        ),
        Layer(
            "columnar",
            imports=("pyarrow.compute", "pyarrow.parquet"),
            needs=("core",),
            unused=(
                *("pyarrow/libarrow_flight*", "pyarrow/libarrow_python_flight*"),
                *("pyarrow/_flight*", "pyarrow/flight.py", "pyarrow/_substrait*"),
                *("pyarrow/libarrow_s3*", "pyarrow/_s3fs*", "pyarrow/_azurefs*"),
                *("pyarrow/_gcsfs*", "pyarrow/_hdfs*"),
                *("pyarrow/_dataset*", "pyarrow/libarrow_python_parquet_encryption*"),
                *("pyarrow/_parquet_encryption*", "pyarrow/_orc*", "pyarrow/orc.py"),
                *("pyarrow/_pyarrow_cpp_tests*", "pyarrow/_cuda*", "pyarrow/cuda.py"),
                *("pyarrow/src/**", "pyarrow/includes/**", "pyarrow/*.pxi"),
                # The loader asks for the name with the ABI's number; the others are copies.
                *("pyarrow/*.so.*.*.*", "pyarrow/libarrow_python.so"),
            ),
        ),
        Layer(
            "privacy",
            imports=("onnxruntime", "phonenumbers", "re2", "stdnum.iban", "tokenizers"),
            needs=("core",),
            unused=(
                *("onnxruntime/transformers/**", "onnxruntime/quantization/**"),
                *("onnxruntime/tools/**", "onnxruntime/datasets/**", "onnxruntime/backend/**"),
                # The runtime once more, for callers in C: Python's extension has it within.
                *("onnxruntime/capi/libonnxruntime.so*", "onnxruntime/ThirdPartyNotices.txt"),
                # What `tokenizers` would fetch from a hub with, and imports only then.
                *("huggingface_hub/**", "hf_xet/**", "fsspec/**", "httpx2/**", "httpcore2/**"),
                # Texts for callers and maps of numbers to places: we only ask what is a number.
                *("phonenumbers/geodata/**", "phonenumbers/carrierdata/**"),
            ),
            files=ROOT / "layers" / "privacy" / "model",
            # Presidio asks for spaCy; `adapters.presidio.analyzer` stands in for it.
            unimported=("presidio_analyzer",),
            # Leaves room for other layers of a function that looks for personal data.
            unzipped_bytes_max=220_000_000,
        ),
        Layer("schemas", needs=("core",)),
    )
}

# In any package: what only its developers, compilers and type checkers read.
_DEVELOPERS = ("*.pyi", "*.pxd", "*.pyx", "*.h", "*.hpp", "*.c", "*.a", "*.lib", "py.typed")
_DEVELOPERS_FOLDERS = {"tests", "test", "include", "bin", "__pycache__"}

_INFORMATION = ("Metadata-Version:", "Name:", "Version:")


class BuildError(RuntimeError):
    """A layer could not be built, or is not fit to run."""


def third_party_layer(name: str, architecture: Architecture, *, slim: bool) -> Path:
    """The archive of a layer; ``slim`` costs seconds and saves what cold starts would load."""
    layer = LAYERS[name]
    requirements = _requirements(layer)
    form = "slim" if slim else "whole"
    files = list(_sources(layer.files)) if layer.files else []
    recipe = [requirements, Path(__file__).read_bytes(), architecture.encode(), form.encode()]
    recipe += _contents(files, ROOT)

    def install(python: Path) -> None:
        _install(requirements, python, architecture, slim=slim)
        if slim:
            _slim(python, layer.unused)
        _copy(files, ROOT / "layers", python.parent)

    return _archive(f"{name}-{architecture}-{form}", recipe, install, into="python", small=slim)


def library_layer() -> Path:
    """The archive of our library, without what only runs on a developer's machine."""
    unshipped = [LIBRARY / folder for folder in UNSHIPPED]
    sources = [path for path in _sources(LIBRARY) if not any(map(path.is_relative_to, unshipped))]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    metadata = f"Metadata-Version: 2.1\nName: datavault\nVersion: {project['version']}\n"

    def stage(python: Path) -> None:
        _copy(sources, LIBRARY, python)
        # So that `importlib.metadata` knows our version where nothing was installed.
        information = python / f"datavault-{project['version']}.dist-info"
        information.mkdir()
        (information / "METADATA").write_text(metadata)

    recipe = [metadata.encode(), *_contents(sources, LIBRARY)]
    return _archive("datavault", recipe, stage, into="python", small=True)


def function_code() -> Path:
    """The archive of ``functions/``, whose paths are the handlers' names."""
    sources = list(_sources(FUNCTIONS))
    return _archive(
        "functions",
        _contents(sources, ROOT),
        lambda target: _copy(sources, ROOT, target),
        into=".",
        small=True,
    )


def unzipped_bytes(archive: Path) -> int:
    """What an archive's files come to, as Lambda counts them."""
    with zipfile.ZipFile(archive) as entries:
        return sum(entry.file_size for entry in entries.infolist())


def check() -> None:
    """Build every layer for every architecture, and prove that they fit and can be imported.

    Raises:
        BuildError: one is over the limit with those it needs, or a package does not import.
            Imports are tried for this machine's architecture only.
    """
    ours = unzipped_bytes(library_layer()) + unzipped_bytes(function_code())
    for architecture in Architecture:
        for name, layer in LAYERS.items():
            archives = [
                third_party_layer(each, architecture, slim=True) for each in (name, *layer.needs)
            ]
            layers = sum(map(unzipped_bytes, archives))
            total = ours + layers
            if layers > layer.unzipped_bytes_max or total > UNZIPPED_BYTES_MAX:
                raise BuildError(
                    f"{name} {architecture}: {layers} bytes unzipped with what it needs, at most "
                    f"{layer.unzipped_bytes_max} allowed; with our code {total}, at most "
                    f"{UNZIPPED_BYTES_MAX}"
                )
            with_needs = " and ".join((name, *layer.needs))
            print(f"{architecture}: {total / 2**20:.1f} MiB of 250 MiB with {with_needs}")
    for name, layer in LAYERS.items():
        archives = [
            third_party_layer(each, Architecture.host(), slim=True) for each in (name, *layer.needs)
        ]
        modules = import_packages(*archives, also=layer.imports, but=layer.unimported)
        print(f"{name}: imports {', '.join(modules)}")


def import_packages(
    archive: Path, *needed: Path, also: Iterable[str] = (), but: Iterable[str] = ()
) -> list[str]:
    """Import each package of a layer, and of those it needs, ``but`` some, where nothing else is
    installed; return their names. A layer is an archive, or a folder that one was unpacked to."""
    # A folder's files are linked, which goes on one file system only.
    beside = archive.parent if archive.is_dir() else None
    with tempfile.TemporaryDirectory(dir=beside) as scratch:
        for each in (archive, *needed):
            _lay(each, Path(scratch))
        python = Path(scratch, "python")
        modules = sorted({*_top_level(python), *also} - {*but})
        script = f"import sys; sys.path.append({str(python)!r})\nimport {', '.join(modules)}"
        done = _run([sys.executable, "-I", "-S", "-B", "-c", script], check=False)
        if done.returncode:
            raise BuildError(f"{archive.name}: {done.stderr.decode()[-2000:]}")
        return modules


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="layers.build", description="Build the Lambda layers.")
    parser.add_argument("layer", nargs="*", help=f"of {', '.join(LAYERS)}; all of them by default")
    parser.add_argument("--architecture", choices=list(Architecture), default=Architecture.host())
    parser.add_argument("--whole", action="store_true", help="do not slim: faster, larger")
    parser.add_argument("--check", action="store_true", help="limits and imports")
    given = parser.parse_args(arguments)
    if unknown := set(given.layer) - set(LAYERS):
        parser.error(f"no layer {', '.join(sorted(unknown))}; there are {', '.join(LAYERS)}")
    try:
        if given.check:
            check()
            return 0
        for name in given.layer or LAYERS:
            archive = third_party_layer(
                name, Architecture(given.architecture), slim=not given.whole
            )
            zipped, unzipped = archive.stat().st_size / 2**20, unzipped_bytes(archive) / 2**20
            print(f"{archive.relative_to(ROOT)}: {unzipped:.1f} MiB, {zipped:.1f} MiB zipped")
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _requirements(layer: Layer) -> bytes:
    """The layer's part of the lock: exact versions with their hashes."""
    held = {name for needed in layer.needs for name in _packages(_requirements(LAYERS[needed]))}
    export = ["export", "--quiet", "--frozen", "--no-header", "--no-annotate", "--no-emit-project"]
    # Exported once more than needed, as uv refuses to leave out what is not there.
    group = ["--only-group", f"layer-{layer.name}"]
    whole = _run([*_uv(), *export, *group]).stdout
    again = [f"--no-emit-package={name}" for name in _packages(whole) if name in held]
    return _run([*_uv(), *export, *group, *again]).stdout if again else whole


def _packages(requirements: bytes) -> list[str]:
    lines = requirements.decode().splitlines()
    return [line.split("==")[0] for line in lines if "==" in line and line[0].isalpha()]


def _install(requirements: bytes, target: Path, architecture: Architecture, *, slim: bool) -> None:
    with tempfile.NamedTemporaryFile(suffix=".txt") as file:
        file.write(requirements)
        file.flush()
        _run(
            [
                *(*_uv(), "pip", "install", "--quiet", "--no-deps", "--require-hashes"),
                *("--requirement", file.name, "--target", str(target)),
                *("--only-binary", ":all:", "--python-platform", architecture.platform),
                *("--python", sys.executable, "--python-version", ".".join(map(str, PYTHON))),
                # Slimming edits files, and a hard link would edit uv's own cache.
                *("--link-mode", "copy" if slim else "hardlink"),
            ]
        )


def _slim(python: Path, unused: Iterable[str]) -> None:
    """Remove what never runs: about a quarter of core."""
    for path in sorted(python.rglob("*"), reverse=True):
        relative = path.relative_to(python)
        if path.is_dir():
            if path.name in _DEVELOPERS_FOLDERS:
                shutil.rmtree(path)
        elif relative.parts[0].endswith(".dist-info"):
            _slim_information(path)
        elif any(path.match(glob) for glob in _DEVELOPERS) or any(
            relative.full_match(glob) for glob in unused
        ):
            path.unlink()
        elif ".so" in path.suffixes:
            path.write_bytes(loaded_part(path.read_bytes()))


def loaded_part(library: bytes) -> bytes:
    """A shared library without the symbols and sections that only linkers and debuggers read.

    They lie behind the last byte that a program header maps, and the loader reads program headers
    alone; so the file is cut there and its section table struck from the header. Of core this
    saves 16 of 103 MiB, as much as ``llvm-strip``, which is not on every machine that builds and
    can move segments, which breaks libraries that auditwheel has patched.
    """
    if library[:6] != b"\x7fELF\x02\x01":  # 64 bits, little-endian.
        return library
    table = int.from_bytes(library[0x20:0x28], "little")
    entry_bytes = int.from_bytes(library[0x36:0x38], "little")
    entries = int.from_bytes(library[0x38:0x3A], "little")
    end = table + entry_bytes * entries
    for header in range(table, end, entry_bytes):
        offset = int.from_bytes(library[header + 8 : header + 16], "little")
        end = max(end, offset + int.from_bytes(library[header + 32 : header + 40], "little"))
    without_sections = bytearray(library[:end])
    without_sections[0x28:0x30] = bytes(8)  # Where the section table begins,
    without_sections[0x3C:0x40] = bytes(4)  # how many sections, and which one has their names.
    return bytes(without_sections)


def _slim_information(path: Path) -> None:
    """Keep what ``importlib.metadata`` is asked for: name, version and entry points."""
    if path.name == "METADATA":
        head = path.read_text().split("\n\n", 1)[0].splitlines()
        kept = [
            line for line in head if line.startswith(("Metadata-Version:", "Name:", "Version:"))
        ]
        path.write_text("\n".join(kept) + "\n")
    elif path.name != "entry_points.txt":
        path.unlink()


def _archive(
    name: str, recipe: Iterable[bytes], fill: Callable[[Path], None], *, into: str, small: bool
) -> Path:
    """The archive of what ``fill`` puts into a directory; kept by the hash of ``recipe``."""
    digest = hashlib.sha256(f"{sys.version}\0{small}".encode())
    for part in recipe:
        digest.update(hashlib.sha256(part).digest())
    target = CACHE / f"{name}-{digest.hexdigest()[:16]}.zip"
    if target.is_file():
        os.utime(target)
        return target
    if sys.version_info[:2] != PYTHON:
        wanted = ".".join(map(str, PYTHON))
        raise BuildError(
            f"layers hold byte code of Python {wanted}; this is {sys.version.split()[0]}"
        )
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        tree = Path(scratch, "tree")
        (tree / into).mkdir(parents=True)
        fill(tree / into)
        _compile(tree)
        _zip(tree, Path(scratch, "archive.zip"), small=small)
        Path(scratch, "archive.zip").rename(target)
    _forget_oldest(name)
    return target


def _compile(tree: Path) -> None:
    compileall.compile_dir(
        tree,
        quiet=2,
        workers=os.cpu_count() or 1,
        force=True,
        invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
        # The scratch directory's name must not be in the byte code.
        stripdir=str(tree),
        prependdir="/opt",
    )


def _zip(tree: Path, target: Path, *, small: bool) -> None:
    method = zipfile.ZIP_DEFLATED if small else zipfile.ZIP_STORED
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(path for path in tree.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(tree).as_posix(), ZIP_EPOCH)
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, path.read_bytes(), method, ZIP_LEVEL)


def _forget_oldest(name: str) -> None:
    made = sorted(
        CACHE.glob(f"{name}-{'[0-9a-f]' * 16}.zip"), key=lambda path: path.stat().st_mtime
    )
    for old in made[:-ARCHIVES_KEPT_MAX]:
        old.unlink(missing_ok=True)


def _sources(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path


def _contents(sources: Iterable[Path], root: Path) -> list[bytes]:
    return [
        part
        for path in sources
        for part in (str(path.relative_to(root)).encode(), path.read_bytes())
    ]


def _copy(sources: Iterable[Path], root: Path, target: Path) -> None:
    for path in sources:
        copy = target / path.relative_to(root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)


def _top_level(python: Path) -> Iterator[str]:
    for path in python.iterdir():
        if path.is_dir() and (path / "__init__.py").is_file():
            yield path.name
        elif path.suffix in {".py", ".so"}:
            yield path.name.split(".")[0]


def _lay(layer: Path, target: Path) -> None:
    """Lay a layer over those that lie there, as Lambda does."""
    if layer.is_dir():
        shutil.copytree(layer, target, copy_function=_link, dirs_exist_ok=True)
        return
    with zipfile.ZipFile(layer) as entries:
        entries.extractall(target)


def _link(source: str, target: str) -> None:
    Path(target).unlink(missing_ok=True)
    os.link(source, target)


def _uv() -> list[str]:
    """How uv is called here: as whoever runs us, from the path, or as a module."""
    if given := os.environ.get("UV"):
        return [given]
    if found := shutil.which("uv"):
        return [found]
    return [sys.executable, "-m", "uv"]


def _run(command: list[str], *, check: bool = True) -> subprocess.CompletedProcess[bytes]:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    if check and done.returncode:
        raise BuildError(f"{' '.join(command[:4])} ...: {done.stderr.decode()[-2000:]}")
    return done


if __name__ == "__main__":
    sys.exit(main())
