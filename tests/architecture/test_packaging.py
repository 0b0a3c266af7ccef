"""What a wheel of this project carries; building one takes longer than looking at what decides."""

import json
import tomllib
from pathlib import Path

from datavault.adapters.ner import model

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
WHEEL = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
MODEL = "layers/privacy/model"


def test_the_names_model_lies_where_the_library_looks_for_it() -> None:
    library, source = WHEEL["only-include"]
    assert source == MODEL
    installed = ROOT / library.removesuffix("datavault") / WHEEL["sources"][MODEL]
    assert installed in model._PLACES
    assert WHEEL["sources"][library.removesuffix("/datavault")] == ""


def test_the_models_folder_holds_what_its_manifest_names_and_no_more() -> None:
    manifest = json.loads((ROOT / MODEL / "manifest.json").read_text())
    wanted = {
        manifest["tokenizer"]["file"],
        *(each["file"] for each in manifest["graphs"].values()),
    }
    kept = {each.name for each in (ROOT / MODEL).iterdir()}
    assert kept == {*wanted, "manifest.json", "NOTICE.md"}


def test_what_the_command_imports_for_names_is_installed_with_it() -> None:
    asked = {each.split(">")[0] for each in PROJECT["project"]["dependencies"]}
    assert {"onnxruntime", "tokenizers", "google-re2", "phonenumberslite"} <= asked
    assert "CC-BY-SA-4.0" in PROJECT["project"]["license"]
    assert f"{MODEL}/NOTICE.md" in PROJECT["project"]["license-files"]
