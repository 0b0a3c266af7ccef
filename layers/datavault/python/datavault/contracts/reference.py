"""The API's reference as one HTML page, written from the OpenAPI document.

The page asks nothing of any server: style and script are in it, and its content security policy
names them by hash and allows nothing else.
"""

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

type Document = Mapping[str, Any]

STYLE = """
:root{color-scheme:light dark;--line:color-mix(in srgb,currentColor 18%,transparent);
--soft:color-mix(in srgb,currentColor 6%,transparent)}
*{box-sizing:border-box}body{margin:0;font:16px/1.55 system-ui,sans-serif}
a{color:inherit}code,pre{font:13px/1.5 ui-monospace,monospace}
.page{display:grid;grid-template-columns:17rem minmax(0,52rem);gap:2.5rem;padding:0 1.5rem}
nav{position:sticky;top:0;height:100vh;overflow:auto;padding:1.25rem 0}
nav input{width:100%;padding:.5rem .6rem;font:inherit;border:1px solid var(--line);
border-radius:.4rem;background:transparent;color:inherit}
nav h2{font-size:.8rem;margin:1.1rem 0 .2rem;opacity:.65}
nav a{display:block;padding:.12rem 0;text-decoration:none}nav a:hover{text-decoration:underline}
main{padding:1.25rem 0 6rem}section{border-top:1px solid var(--line);margin-top:2.2rem;
padding-top:1.2rem}section h2,section h3{margin:.1rem 0 .5rem;scroll-margin-top:1rem}
.route{display:flex;gap:.6rem;align-items:baseline;overflow-wrap:anywhere}
.method{font-weight:700;font-size:.8rem;min-width:3.6rem}
pre{background:var(--soft);padding:.8rem 1rem;border-radius:.4rem;overflow:auto}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.92rem}
th,td{text-align:left;vertical-align:top;padding:.35rem .8rem .35rem 0;
border-bottom:1px solid var(--line)}th{font-weight:600}summary{cursor:pointer;margin:.4rem 0}
[hidden]{display:none!important}
@media(max-width:56rem){.page{display:block}nav{position:static;height:auto}}
"""

SCRIPT = """
const field = document.querySelector("#search");
const parts = [...document.querySelectorAll("[data-words]")];
const none = document.querySelector("#none");
field.addEventListener("input", () => {
  const words = field.value.toLowerCase().split(/\\s+/).filter(Boolean);
  let found = 0;
  for (const part of parts) {
    part.hidden = !words.every((word) => part.dataset.words.includes(word));
    found += part.hidden ? 0 : 1;
  }
  none.hidden = found > 0;
});
"""


def security_policy() -> str:
    """What the page may do: apply its own style and run its own script."""
    return (
        f"default-src 'none'; style-src '{_hash(STYLE)}'; script-src '{_hash(SCRIPT)}';"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def render(document: Document) -> str:
    """The page for an OpenAPI document."""
    info = document["info"]
    title = escape(f"{info['title']} API {info['version']}")
    return "".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width,initial-scale=1">',
            f"<title>{title}</title><style>{STYLE}</style></head>",
            '<body><div class="page"><nav aria-label="Operations">',
            '<input id="search" type="search" placeholder="Search" aria-label="Search operations">',
            '<p id="none" hidden>Nothing found.</p>',
            *_index(document),
            f"</nav><main><h1>{title}</h1>{_prose(info['description'])}",
            '<p>The same as a document for tools: <a href="openapi.json">openapi.json</a>.</p>',
            *(
                _operation(document, path, method, row)
                for path, method, row in _operations(document)
            ),
            *_schemas(document),
            f"</main></div><script>{SCRIPT}</script></body></html>",
        ]
    )


def curl(path: str, method: str, row: Document) -> str:
    """A command that does the operation, given the API's root URL and a token."""
    for parameter in row["parameters"]:
        if parameter.get("in") == "path":
            path = path.replace(f"{{{parameter['name']}}}", parameter["example"])
    lines = [f'curl "$API{path}"']
    if method != "get" and not (method == "post" and "requestBody" in row):
        lines.insert(1, f"-X {method.upper()}")
    if row.get("security") != []:
        lines.append('-H "Authorization: Bearer $TOKEN"')
    if "requestBody" in row:
        media_type, body = next(iter(row["requestBody"]["content"].items()))
        lines.append(f"-H 'Content-Type: {media_type}'")
        text = json.dumps(body["example"], ensure_ascii=False)
        lines.append("-d '" + text.replace("'", "'\\''") + "'")
    return " \\\n  ".join(lines)


def _operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    for path, methods in document["paths"].items():
        for method, row in methods.items():
            yield path, method, row


def _index(document: Document) -> Iterator[str]:
    for tag in document["tags"]:
        name = tag["name"]
        rows = [each for each in _operations(document) if name in each[2]["tags"]]
        words = " ".join(_words(path, method, row) for path, method, row in rows)
        yield f'<div data-words="{words}"><h2>{escape(name)}</h2>'
        for path, method, row in rows:
            identity = escape(row["operationId"])
            yield f'<a data-words="{_words(path, method, row)}" href="#{identity}">{identity}</a>'
        yield "</div>"


def _operation(document: Document, path: str, method: str, row: Document) -> str:
    identity = escape(row["operationId"])
    return "".join(
        [
            f'<section data-words="{_words(path, method, row)}">',
            f'<h2 id="{identity}">{identity}</h2>',
            f'<p class="route"><span class="method">{method.upper()}</span>',
            f"<code>{escape(path)}</code></p>",
            f"<p>{escape(row['summary'])}. {_inline(row['description'])}</p>",
            f"<pre>{escape(curl(path, method, row))}</pre>",
            *_parameters(document, row),
            *_body(row),
            *_responses(document, row),
            "</section>",
        ]
    )


def _parameters(document: Document, row: Document) -> Iterator[str]:
    rows = []
    for given in row["parameters"]:
        parameter = _resolved(document, given)
        rows.append(
            (
                f"<code>{escape(parameter['name'])}</code>",
                escape(parameter["in"]),
                _type(parameter["schema"]),
                _inline(parameter.get("description", "")),
            )
        )
    yield "<h3>Parameters</h3>"
    yield _table(("Name", "In", "Type", "Meaning"), rows)


def _body(row: Document) -> Iterator[str]:
    if "requestBody" not in row:
        return
    yield "<h3>Body</h3>"
    for media_type, content in row["requestBody"]["content"].items():
        yield f"<p><code>{escape(media_type)}</code>: {_type(content['schema'])}</p>"


def _responses(document: Document, row: Document) -> Iterator[str]:
    rows = []
    for status, given in row["responses"].items():
        response = _resolved(document, given)
        types = [
            f"<code>{escape(media_type)}</code> {_type(content['schema'])}"
            for media_type, content in response.get("content", {}).items()
        ]
        rows.append((status, "<br>".join(types), _inline(response["description"])))
    yield "<h3>Responses</h3>"
    yield _table(("Status", "Body", "Meaning"), rows)
    examples = [
        content["example"]
        for status, response in row["responses"].items()
        for content in response.get("content", {}).values()
        if status.startswith("2") and "example" in content
    ]
    for example in examples[:1]:
        text = json.dumps(example, indent=2, ensure_ascii=False)
        yield f"<details><summary>Example</summary><pre>{escape(text)}</pre></details>"


def _schemas(document: Document) -> Iterator[str]:
    for name, schema in document["components"]["schemas"].items():
        words = escape(f"{name} schema".lower())
        yield f'<section data-words="{words}"><h3 id="{escape(name)}">{escape(name)}</h3>'
        yield f"<p>{_inline(schema.get('description', ''))}</p>"
        required = set(schema.get("required", ()))
        rows = [
            (
                f"<code>{escape(field)}</code>",
                _type(shape),
                "required" if field in required else "",
                _inline(shape.get("description", "")),
            )
            for field, shape in schema.get("properties", {}).items()
        ]
        yield _table(("Field", "Type", "", "Meaning"), rows) if rows else f"<p>{_type(schema)}</p>"
        yield "</section>"


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    top = "".join(f"<th>{each}</th>" for each in head)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>" for cells in rows)
    return f'<div class="scroll"><table><tr>{top}</tr>{body}</table></div>'


def _type(schema: Document) -> str:
    """A schema in a few words, with its bounds."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(_type(each) for each in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(f"<code>{escape(str(each))}</code>" for each in schema["enum"])
    if "const" in schema:
        return f"<code>{escape(str(schema['const']))}</code>"
    kind = str(schema.get("type", "any"))
    if kind == "array":
        return f"list of {_type(schema['items'])}{_bounds(schema, 'minItems', 'maxItems')}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"map to {_type(schema['additionalProperties'])}"
    if kind == "integer":
        return f"integer{_bounds(schema, 'minimum', 'maximum')}"
    if kind == "string":
        return f"string{_bounds(schema, 'minLength', 'maxLength')}"
    return escape(kind)


def _bounds(schema: Document, least: str, most: str) -> str:
    low, high = schema.get(least), schema.get(most)
    if low is None and high is None:
        return ""
    if low is None:
        return f", at most {high}"
    return f", at least {low}" if high is None else f", {low} to {high}"


def _prose(text: str) -> str:
    return "".join(f"<p>{_inline(paragraph)}</p>" for paragraph in text.strip().split("\n\n"))


def _inline(text: str) -> str:
    """The little Markdown that descriptions use: code and strong."""
    marked = re.sub(r"``?([^`]+)``?", r"<code>\1</code>", escape(text, quote=False))
    return re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", marked)


def _words(path: str, method: str, row: Document) -> str:
    text = f"{row['operationId']} {method} {path} {row['summary']} {' '.join(row['tags'])}"
    return escape(text.lower())


def _resolved(document: Document, given: Document) -> Document:
    """The object itself, or what it refers to within the document."""
    if "$ref" not in given:
        return given
    found: Any = document
    for part in given["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    resolved: Document = found
    return resolved


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
