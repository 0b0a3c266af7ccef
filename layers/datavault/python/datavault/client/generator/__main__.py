"""Write the client's methods from the operations table: ``python -m datavault.client.generator``.

For each capability three modules: ``routing`` (what a call needs to know), ``blocking`` and
``awaiting`` (its methods, for ``Vault`` and ``AsyncVault``, from one template). They are written
out, rather than made at run time, so that type checkers and editors see every signature. A test
compares them with the table.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from datavault.client.generator.methods import Flavour, methods_module, package_module
from datavault.client.generator.operations import Described, described
from datavault.client.generator.routes import routes_module
from datavault.contracts.operations import OPERATIONS, Operation

FOLDER = Path(__file__).parents[1]
COMMAND = "python -m datavault.client.generator"


def modules(table: tuple[Operation, ...] = OPERATIONS) -> dict[str, str]:
    """The text of every generated module by its path below the client's folder, unformatted."""
    capabilities: dict[str, list[Described]] = {}
    for row in table:
        capabilities.setdefault(row.capability, []).append(described(row))
    texts = {"routing/__init__.py": '"""Generated: what calls need to know, by capability."""\n'}
    for capability, rows in capabilities.items():
        texts[f"routing/{capability}.py"] = routes_module(capability, rows)
    for flavour in Flavour:
        texts[f"{flavour.folder}/__init__.py"] = package_module(tuple(capabilities), flavour)
        for capability, rows in capabilities.items():
            texts[f"{flavour.folder}/{capability}.py"] = methods_module(capability, rows, flavour)
    return texts


def formatted(texts: dict[str, str]) -> Iterator[tuple[str, str]]:
    """The same as the project's formatter writes them."""
    for path, text in texts.items():
        yield path, _ruff(["check", "--fix", "-q", "--select", "F401,I"], text, path)


def _ruff(check: list[str], text: str, path: str) -> str:
    name = ["--stdin-filename", str(FOLDER / path), "-"]
    for arguments in ([*check, *name], ["format", "-q", *name]):
        done = subprocess.run(
            ["ruff", *arguments], input=text, capture_output=True, text=True, check=True
        )
        text = done.stdout
    return text


def main() -> None:
    """Write them all."""
    written = dict(formatted(modules()))
    for path, text in written.items():
        file = FOLDER / path
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    for folder in ("routing", *(flavour.folder for flavour in Flavour)):
        for file in (FOLDER / folder).glob("*.py"):
            if f"{folder}/{file.name}" not in written:
                file.unlink()
    sys.stdout.write(f"{len(written)} modules written\n")


if __name__ == "__main__":
    main()
