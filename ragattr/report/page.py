"""Self-contained HTML pages: no script, nothing loaded, one style block that the policy names."""

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined, Template

from ragattr.report.summary import figure, readable


def render_page(name: str, view: Mapping[str, Any]) -> str:
    """A template of this folder, filled; its content security policy lets its style through."""
    template = _template(name)
    style = "".join(template.blocks["style"](template.new_context(dict(view))))
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return readable(template.render(view, style_hash=f"sha256-{digest}"))


@cache
def _template(name: str) -> Template:
    environment = Environment(
        loader=FunctionLoader(lambda own: files("ragattr.report").joinpath(own).read_text("utf-8")),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters["figure"] = figure
    return environment.get_template(name)
