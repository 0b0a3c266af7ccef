"""An assembly is made once for the same sources."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from datavault.local.synth import SynthesisFailed, synthesize

APP = """
import sys
from pathlib import Path

stage, out = sys.argv[2], Path(sys.argv[4])
out.mkdir()
(out / "manifest.json").write_text(stage)
with open("runs", "a") as runs:
    runs.write(stage + "\\n")
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for folder in ("infra", "functions", "layers/core/build", "layers/datavault/python"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "cdk.json").write_text("{}")
    (tmp_path / "infra" / "__init__.py").touch()
    (tmp_path / "infra" / "app.py").write_text(APP)
    return tmp_path


def runs(project: Path) -> list[str]:
    return (project / "runs").read_text().split()


def test_equal_sources_are_synthesized_once_per_stage(project: Path) -> None:
    first = synthesize("local", project=project)
    assert (first / "manifest.json").read_text() == "local"
    assert synthesize("local", project=project) == first
    assert synthesize("dev", project=project) != first
    assert runs(project) == ["local", "dev"]


def test_a_changed_source_is_synthesized_again_and_a_built_layer_is_not_one(project: Path) -> None:
    synthesize("local", project=project)
    (project / "layers/core/build/layer.zip").write_bytes(b"x")
    synthesize("local", project=project)
    assert runs(project) == ["local"]
    (project / "functions" / "new.py").write_text("")
    synthesize("local", project=project)
    assert runs(project) == ["local", "local"]


def test_a_failure_shows_what_the_app_printed(project: Path) -> None:
    (project / "infra" / "app.py").write_text("raise SystemExit('no such stage')")
    with pytest.raises(SynthesisFailed, match="no such stage"):
        synthesize("local", project=project)
    assert [path.name for path in (project / ".cache/synth").iterdir()] == ["local.lock"]


def test_of_two_at_once_one_synthesizes(project: Path) -> None:
    with ThreadPoolExecutor(2) as threads:
        made = [threads.submit(synthesize, "local", project=project) for _ in range(2)]
    assert len({each.result() for each in made}) == 1
    assert runs(project) == ["local"]
