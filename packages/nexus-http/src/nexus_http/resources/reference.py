"""The description of the API: OpenAPI for tools, a page for people."""

from __future__ import annotations

import base64
import hashlib
from functools import cached_property
from typing import Any

import falcon

from nexus_http.encoding import encode
from nexus_http.openapi import describe
from nexus_http.operations import PUBLIC, Resource, operation
from nexus_http.reference_page import STYLE, render


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
        """Every operation with its fields and errors; one file, without scripts, so that it works offline."""
        style = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
        policy = f"default-src 'none'; style-src 'sha256-{style}'; frame-ancestors 'none'; base-uri 'none'"
        resp.set_header("Content-Security-Policy", policy)
        resp.content_type = "text/html; charset=utf-8"
        resp.data = self._page
