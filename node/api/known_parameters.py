"""A query parameter that a route does not know is refused, as unknown fields of a body are.

Who asks `/v1/participants?at=…` and gets today's answer would take it for that of another day.
"""

from __future__ import annotations

from fastapi import Request

from node.problems import Problem


async def require_known_parameters(request: Request) -> None:
    """A 422 problem for parameters that the description of the API does not have. Pages for people
    are not in it: links to them carry what others append."""
    if not request.scope["query_string"]:
        return
    operations = request.app.openapi()["paths"].get(request.scope["route"].path)
    if operations is None:
        return
    described = operations[request.method.lower()].get("parameters", ())
    known = [each["name"] for each in described if each["in"] == "query"]
    unknown = sorted(set(request.query_params) - set(known))
    if not unknown:
        return
    takes = f"takes {', '.join(known)}" if known else "takes none"
    remedy = f"Remove it: {request.scope['route'].path} {takes}."
    problems = [
        Problem.of("request-invalid", f"There is no query parameter {name}.", remedy).about(name)
        for name in unknown
    ]
    first, *others = problems
    first.errors += [error for problem in others for error in problem.errors]
    raise first
