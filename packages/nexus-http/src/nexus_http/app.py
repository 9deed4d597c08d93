"""The application: a Falcon WSGI app over a `Nexus`. Reading the configuration is `Nexus.open`'s business."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import falcon

from . import problems, routes
from .auth import Authentication
from .client_address import ClientAddress
from .counters import RequestCounters
from .idempotency import Idempotency
from .limits import Limits
from .manners import Manners
from .metering import Meter
from .middleware import BodyRules, Journal

if TYPE_CHECKING:
    from nexus_core.domain.access import Actor
    from nexus_core.nexus import Nexus

_EXPOSED = ("ETag", "Location", "Retry-After", "X-Request-Id", "Idempotency-Replayed", "RateLimit", "RateLimit-Policy")


def create_app(
    nexus: Nexus, *, trusted: Actor | None = None, counters: RequestCounters | None = None, meter: Meter | None = None
) -> falcon.App[Any, Any]:
    """The REST API of a hub.

    `trusted` acts when a request brings no key; it is for the in-process transport alone. `counters` and
    `meter` are shared by the processes of a server.

    :raises PluginError: a plugin's route cannot be added
    """
    counters = counters or RequestCounters()
    config = nexus.config
    app: falcon.App[Any, Any] = falcon.App(
        middleware=[
            Journal(counters, tls=config.public_url.startswith("https:")),
            ClientAddress(config["trusted_proxies"]),
            *_cors(config["cors_origins"]),
            Authentication(nexus, trusted),
            BodyRules(),
            Manners(),
            *([] if trusted else [Limits(config, meter or Meter())]),
            Idempotency(nexus),
        ]
    )
    app.req_options.strip_url_path_trailing_slash = True
    problems.install(app)

    routes.install(app, nexus, counters)
    return app


def _cors(origins: tuple[str, ...]) -> list[falcon.CORSMiddleware[Any, Any]]:
    return [falcon.CORSMiddleware(allow_origins=list(origins), expose_headers=_EXPOSED)] if origins else []
