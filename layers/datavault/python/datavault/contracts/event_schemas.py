"""Write the schemas of all events, and a sample of each: ``... event_schemas FOLDER``.

Run as ``uv run python -m datavault.contracts.event_schemas events``. Schemas are written anew; a
sample is written once, when its version is, and kept for ever: a test reads all of them.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from datavault.contracts.events import VERSIONS, CloudEvent, Data, data_schema, schema_id
from datavault.domain.events import SOURCE

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def file_name(kind: str, version: int) -> str:
    """The file of a version, in either folder."""
    return f"{kind}.v{version}.json"


def schema(kind: str, version: int, data: type[Data]) -> dict[str, Any]:
    """The JSON Schema of a version: of the whole event, with that of its data in ``$defs``."""
    made = CloudEvent[data].model_json_schema()  # type: ignore[valid-type]
    fixed = {"type": f"{SOURCE}.{kind}", "dataschema": data_schema(kind, version, data)}
    for name, value in fixed.items():
        made["properties"][name] |= {"const": value}
    # Both have defaults in the model, and both are in every event.
    made["required"] = list(made["properties"])
    return {
        "$schema": _DIALECT,
        "$id": schema_id(kind, version),
        **made,
        "title": f"{kind} v{version}",
    }


def sample(kind: str, version: int, data: type[Data]) -> dict[str, Any]:
    """An event of a version, made of the examples of its fields."""
    event: type[BaseModel] = CloudEvent[data]  # type: ignore[valid-type]
    given = _examples(event) | {
        "type": f"{SOURCE}.{kind}",
        "dataschema": data_schema(kind, version, data),
        "data": _examples(data),
    }
    made: dict[str, Any] = json.loads(event.model_validate(given).model_dump_json())
    return made


def texts() -> Mapping[str, str]:
    """Every schema as its file holds it, by the file's name."""
    return {
        file_name(kind, version): _text(schema(kind, version, data))
        for kind, version, data in VERSIONS
    }


def main(folder: Path) -> None:
    """Write them below ``folder``."""
    for name, text in texts().items():
        (folder / "schemas" / name).write_text(text)
    for kind, version, data in VERSIONS:
        file = folder / "samples" / file_name(kind, version)
        if not file.exists():
            file.write_text(_text(sample(kind, version, data)))


def _text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _examples(model: type[BaseModel]) -> dict[str, Any]:
    return {name: field.examples[0] for name, field in model.model_fields.items() if field.examples}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
