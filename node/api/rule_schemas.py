"""Documents that the rules describe, described in the API by the rules' own schemas.

`protocol/schemas` holds what a record, a document and a proof bundle are; the interface takes them
as objects and lets the rules judge. So a field only says which of them it has, and the description
refers to that schema.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import WithJsonSchema

from protocol.schemas import SCHEMAS, schema

MARK = "x-rule"
COMPONENTS = {
    "document": "ConsentDocument",
    "record": "ConsentRecord",
    "proof-bundle": "ProofBundle",
}

DocumentObject = Annotated[dict[str, Any], WithJsonSchema({MARK: "document"})]
RecordObject = Annotated[dict[str, Any], WithJsonSchema({MARK: "record"})]
ProofObject = Annotated[dict[str, Any], WithJsonSchema({MARK: "proof-bundle"})]


def describe_rules(document: dict[str, Any]) -> None:
    """Puts the schemas of the rules among the components, and a reference wherever one is named."""
    for name in SCHEMAS:
        described = {key: value for key, value in schema(name).items() if not key.startswith("$")}
        document["components"]["schemas"][COMPONENTS[name]] = described
    names = {schema(name)["$id"]: _reference(name) for name in SCHEMAS}
    for part in ("paths", "components"):
        document[part] = _referring(document[part], names)


def _reference(name: str) -> str:
    return f"#/components/schemas/{COMPONENTS[name]}"


def _referring(part: Any, names: dict[str, str]) -> Any:
    """A copy, whose marks and references among the schemas are references within the document."""
    if isinstance(part, list):
        return [_referring(each, names) for each in part]
    if not isinstance(part, dict):
        return part
    if MARK in part:
        return {"$ref": _reference(part[MARK])}
    return {
        name: names.get(value, value)
        if name == "$ref" and isinstance(value, str)
        else _referring(value, names)
        for name, value in part.items()
    }
