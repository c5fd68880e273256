"""A form that could not be taken is shown again: what was filled in stays, and what is wrong stands
beside its field."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError

from node.api.organisation.forms import Form
from node.api.page_route import problem_of
from node.problems import FieldProblem, Problem
from protocol.errors import ProtocolError

FAULTS = (Problem, ProtocolError, RequestValidationError)
"""What may come of reading a form."""


def fault_of(error: Exception, request: Request, form: Form) -> Problem:
    """The problem, where all that it names are fields of the form. Raises the error again if not:
    nothing that is filled in would mend it, so it has a page of its own."""
    problem = problem_of(error, request)
    named = {_field_of(each) for each in problem.errors}
    if not named or not named <= form.fields.keys():
        raise error
    return problem


def values_of(form: Form | None, problem: Problem | None) -> dict[str, Any]:
    """What `organisation/form_parts.html` shows; of a form that is shown for the first time, both
    are None."""
    wrong: dict[str, FieldProblem] = {}
    for each in [] if problem is None else problem.errors:
        wrong.setdefault(_field_of(each), each)
    return {"filled": None if form is None else form.fields, "wrong": wrong, "problem": problem}


def _field_of(each: FieldProblem) -> str:
    """A place in a list is a line of its field."""
    return each.field.partition(".")[0]
