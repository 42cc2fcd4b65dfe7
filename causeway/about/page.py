"""The endpoints as a web page for people: one HTML file that loads nothing."""

from __future__ import annotations

from html import escape
from typing import Any

from flask import Flask

from causeway.api.openapi import Endpoint, endpoints, parameters_of
from causeway.api.shapes import Schema
from rein import __version__

PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h2 { font: 600 1.1rem ui-monospace, monospace; margin: 2.5rem 0 0; }
table { border-collapse: collapse; } td { padding: .15rem 1rem .15rem 0; vertical-align: top; }
code { font-family: ui-monospace, monospace; } .where { color: #666; }
"""


def page(app: Flask) -> str:
    """The page."""
    listed = list(endpoints(app))
    return f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Causeway</title>
<style>{_STYLE}</style>
<h1>Causeway {escape(__version__)}</h1>
<p>A server of Rein. For programs, the same is at <a href="/openapi.json">/openapi.json</a>. The endpoints under
<code>/v1</code> are those of today; the others are those of 2016.</p>
{"".join(_endpoint(each) for each in listed)}
</html>
"""


def _endpoint(endpoint: Endpoint) -> str:
    operation = endpoint.operation
    rows = "".join(
        f"<tr><td><code>{escape(name)}</code><td class=where>{where}{' *' if required else ''}"
        f"<td>{escape(_kind(schema))}<td>{escape(schema.get('description', ''))}"
        for where, name, required, schema in parameters_of(operation, endpoint.method)
    )
    answers = f"<p>Answers {escape(_kind_of_answer(operation.answers))}.</p>" if operation.answers else ""
    return (
        f"<h2>{endpoint.method} {escape(endpoint.path)}</h2>\n<p>{escape(endpoint.summary)}</p>\n"
        f"<table>{rows}</table>\n{answers}\n"
    )


def _kind(schema: Schema) -> str:
    """A schema in a few words."""
    if "enum" in schema and "type" in schema:
        return " | ".join(str(each) for each in schema["enum"])
    if schema.get("type") == "integer":
        return f"{schema['minimum']} to {schema['maximum']}"
    if schema.get("type") == "array":
        return f"list of up to {schema['maxItems']}"
    return str(schema.get("type", "0 | 1"))


def _kind_of_answer(answer: Any) -> str:
    return ", ".join(answer.__dataclass_fields__)
