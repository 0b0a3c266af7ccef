"""What the archives hold, that they are the same each time, and that they run."""

import importlib.util
import marshal
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from layers import build
from layers.build import Architecture, BuildError


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Path]:
    """The folder of an archive, unpacked once for all tests."""

    @cache
    def unpack(archive: Path) -> Path:
        folder = tmp_path_factory.mktemp("layer")
        with zipfile.ZipFile(archive) as entries:
            entries.extractall(folder)
        return folder

    return unpack


def names(archive: Path) -> set[str]:
    with zipfile.ZipFile(archive) as entries:
        return set(entries.namelist())


def compiled(name: str) -> str:
    folder, _, file = name.rpartition("/")
    return f"{folder}/__pycache__/{file.removesuffix('.py')}.cpython-313.pyc"


def test_the_librarys_layer_lacks_what_only_developers_run() -> None:
    held = names(build.library_layer())
    assert "python/datavault/contracts/operations/__init__.py" in held
    assert "python/datavault/adapters/aws/__init__.py" in held
    assert "python/datavault/py.typed" in held
    for folder in ("adapters/memory", "local", "cli", "client"):
        assert not [name for name in held if name.startswith(f"python/datavault/{folder}/")]


def test_the_librarys_layer_says_its_version(tmp_path: Path) -> None:
    with zipfile.ZipFile(build.library_layer()) as entries:
        entries.extractall(tmp_path)
    script = """
import sys, importlib.metadata
sys.path.append(sys.argv[1])
print(importlib.metadata.version("datavault"))
"""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script, tmp_path / "python"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == importlib.metadata.version("datavault")


def test_functions_keep_the_paths_that_are_their_handlers_names() -> None:
    held = names(build.function_code())
    assert "functions/records/append.py" in held
    assert "functions/edge/__init__.py" in held
    assert not [name for name in held if not name.startswith("functions/")]


def test_byte_code_is_never_checked_against_its_source() -> None:
    with zipfile.ZipFile(build.function_code()) as entries:
        code = entries.read(compiled("functions/records/append.py"))
    assert code[:4] == importlib.util.MAGIC_NUMBER
    # PEP 552: bit 0 says that a hash of the source is there, bit 1 that it is to be checked.
    assert int.from_bytes(code[4:8], "little") == 0b01
    assert marshal.loads(code[16:]).co_filename == "/opt/functions/records/append.py"


def test_equal_sources_make_equal_archives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    for attempt in ("first", "second"):
        monkeypatch.setattr(build, "CACHE", tmp_path / attempt)
        made.append(build.function_code())
    assert made[0] != made[1]
    assert made[0].name == made[1].name
    assert made[0].read_bytes() == made[1].read_bytes()


def test_a_changed_source_makes_another_archive_and_old_ones_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = tmp_path / "functions"
    sources.mkdir()
    monkeypatch.setattr(build, "ROOT", tmp_path)
    monkeypatch.setattr(build, "FUNCTIONS", sources)
    monkeypatch.setattr(build, "CACHE", tmp_path / "cache")
    made = []
    for number in range(build.ARCHIVES_KEPT_MAX + 2):
        (sources / "a.py").write_text(f"x = {number}")
        made.append(build.function_code())
        os.utime(made[-1], (number, number))
    assert len(set(made)) == len(made)
    assert [path.is_file() for path in made] == [False, False, True, True, True]


def test_the_core_layer_fits_and_imports_where_nothing_else_is_installed(
    unpacked: Callable[[Path], Path],
) -> None:
    archive = build.third_party_layer("core", Architecture.host(), slim=True)
    total = sum(
        build.unzipped_bytes(each)
        for each in (archive, build.library_layer(), build.function_code())
    )
    assert total < build.UNZIPPED_BYTES_MAX / 2
    modules = build.import_packages(unpacked(archive), also=build.LAYERS["core"].imports)
    assert {"cryptography", "numpy", "obstore", "zstandard"} <= set(modules)
    held = names(archive)
    assert not [name for name in held if name.endswith((".pyi", ".h", ".a", "/RECORD"))]
    assert not [name for name in held if "/tests/" in name]


def test_what_finds_personal_data_fits_beside_core() -> None:
    """On this machine's architecture; `.ci/run` checks both."""
    core, privacy = (
        build.third_party_layer(name, Architecture.host(), slim=True)
        for name in ("core", "privacy")
    )
    total = build.unzipped_bytes(core) + build.unzipped_bytes(privacy)
    assert total <= build.LAYERS["privacy"].unzipped_bytes_max
    files = ("manifest.json", "tokenizer.json", "fast.onnx", "thorough.onnx")
    assert {f"privacy/model/{each}" for each in files} <= set(names(privacy))
    # Held once: numpy is in core.
    assert not [name for name in names(privacy) if name.startswith("python/numpy/")]


def test_what_finds_personal_data_imports_beside_core_alone(
    unpacked: Callable[[Path], Path],
) -> None:
    core, privacy = (
        build.third_party_layer(name, Architecture.host(), slim=True)
        for name in ("core", "privacy")
    )
    layer = build.LAYERS["privacy"]
    layers = [unpacked(each) for each in (privacy, core, build.library_layer())]
    modules = build.import_packages(
        *layers,
        also=(*layer.imports, "datavault.adapters.ner.detector", "datavault.privacy"),
        but=layer.unimported,
    )
    assert {"onnxruntime", "phonenumbers", "re2", "stdnum", "tokenizers"} <= set(modules)
    # Presidio by itself, as what stands in for spaCy has to come first.
    build.import_packages(
        *layers,
        also=("datavault.adapters.presidio.analyzer",),
        but=(*modules, *layer.unimported),
    )


def test_what_reads_columns_fits_beside_core_and_imports(
    unpacked: Callable[[Path], Path],
) -> None:
    core, columnar = (
        build.third_party_layer(name, Architecture.host(), slim=True)
        for name in ("core", "columnar")
    )
    total = sum(
        build.unzipped_bytes(each)
        for each in (core, columnar, build.library_layer(), build.function_code())
    )
    assert total < build.UNZIPPED_BYTES_MAX * 3 / 4
    modules = build.import_packages(
        *map(unpacked, (columnar, core)), also=build.LAYERS["columnar"].imports
    )
    assert {"numpy", "pyarrow", "pyarrow.parquet"} <= set(modules)
    held = names(columnar)
    assert not [name for name in held if "flight" in name or "s3" in name]


def test_what_checks_records_is_small() -> None:
    schemas = build.third_party_layer("schemas", Architecture.host(), slim=True)
    assert build.unzipped_bytes(schemas) < 16 * 2**20


def test_what_checks_records_and_reads_columns_fits_beside_core_and_imports(
    unpacked: Callable[[Path], Path],
) -> None:
    core, columnar, schemas = (
        build.third_party_layer(name, Architecture.host(), slim=True)
        for name in ("core", "columnar", "schemas")
    )
    library = build.library_layer()
    parts = (core, columnar, schemas, library, build.function_code())
    total = sum(map(build.unzipped_bytes, parts))
    assert total < build.UNZIPPED_BYTES_MAX * 3 / 4
    also = ("datavault.adapters.json_schema.checking",)
    modules = build.import_packages(*map(unpacked, (schemas, core, library)), also=also)
    assert {"jsonschema_rs", "datavault.adapters.json_schema.checking"} <= set(modules)


def test_a_library_cut_after_its_last_segment_still_loads(tmp_path: Path) -> None:
    import blake3

    library = next(Path(blake3.__file__).parent.glob("*.so"))
    cut = build.loaded_part(library.read_bytes())
    assert len(cut) < library.stat().st_size
    assert build.loaded_part(cut) == cut
    package = tmp_path / "blake3"
    shutil.copytree(library.parent, package)
    (package / library.name).unlink()
    (package / library.name).write_bytes(cut)
    script = """
import sys
sys.path.append(sys.argv[1])
import blake3
print(blake3.blake3(b"").hexdigest())
"""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script, tmp_path],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == blake3.blake3(b"").hexdigest()


def test_what_is_no_library_is_left_alone() -> None:
    assert build.loaded_part(b"#!/bin/sh\n") == b"#!/bin/sh\n"


def test_a_package_that_does_not_import_is_told_by_name(tmp_path: Path) -> None:
    archive = tmp_path / "broken.zip"
    with zipfile.ZipFile(archive, "w") as entries:
        entries.writestr("python/broken/__init__.py", "import datavault")
    with pytest.raises(BuildError, match=r"(?s)broken\.zip: .*datavault"):
        build.import_packages(archive)


def test_uv_is_found_as_given_in_the_path_or_as_a_module(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("UV", "/somewhere/uv")
    assert build._uv() == ["/somewhere/uv"]
    monkeypatch.delenv("UV")
    monkeypatch.setenv("PATH", "")
    assert build._uv() == [sys.executable, "-m", "uv"]


def test_an_unknown_layer_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        build.main(["cheese"])
    assert "no layer cheese; there are core" in capsys.readouterr().err


def test_a_failing_command_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV", "false")
    with pytest.raises(BuildError, match="false export"):
        build.third_party_layer("core", Architecture.X86_64, slim=True)
