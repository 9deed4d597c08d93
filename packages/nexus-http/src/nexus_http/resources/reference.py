"""The description of the API: OpenAPI for tools, a page for people."""

from __future__ import annotations

import base64
import hashlib
from functools import cache, cached_property
from typing import Any

import falcon

from nexus_http.encoding import encode
from nexus_http.openapi import describe
from nexus_http.operations import PUBLIC, Resource, operation
from nexus_http.reference_assets import SCRIPT, STYLE
from nexus_http.reference_page import render


class OpenApi(Resource):
    """The OpenAPI document."""

    @cached_property
    def _document(self) -> bytes:
        return encode(describe(self.nexus))

    @operation(PUBLIC, "Read this description of the API", answers=("application/json",))
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """OpenAPI 3.1, made from the routes themselves."""
        resp.content_type = "application/json"
        resp.data = self._document


class Docs(Resource):
    """The page for people."""

    @cached_property
    def _page(self) -> bytes:
        document: dict[str, Any] = describe(self.nexus)
        return render(document).encode()

    @operation(PUBLIC, "Read the API reference as a page", answers=("text/html",))
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Every operation with its fields, examples and errors; one file that loads nothing, so it works offline."""
        resp.set_header("Content-Security-Policy", _policy())
        resp.content_type = "text/html; charset=utf-8"
        resp.data = self._page


@cache
def _policy() -> str:
    """What the page may do: be styled and searched by its own style and script, and nothing else."""
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (STYLE, SCRIPT)]
    return (
        f"default-src 'none'; style-src 'sha256-{hashes[0]}'; script-src 'sha256-{hashes[1]}'; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    )
