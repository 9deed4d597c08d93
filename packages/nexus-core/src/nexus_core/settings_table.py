"""Every setting of the core, with what it means: `nexus config` and the reference show this table."""

from __future__ import annotations

from typing import Any

import attrs


@attrs.frozen(kw_only=True)
class CoreSetting:
    """One value of the core's configuration."""

    key: str  #: dotted, as in nexus.toml
    doc: str
    default: Any = None
    env: str | None = None
    kind: str = "text"  #: text, flag, number, duration, list, networks
    secret: bool = False


#: Every setting of the core. `nexus config` and docs/reference/configuration.md show this table.
CORE_SETTINGS: tuple[CoreSetting, ...] = (
    CoreSetting(
        key="data_dir", env="NEXUS_DATA_DIR", doc="Embedded database, logs, worktrees. Default: the user's data folder."
    ),
    CoreSetting(
        key="database_url",
        env="NEXUS_DATABASE_URL",
        secret=True,
        doc="`sqlite:///path` or `postgresql://…`. Default: `nexus.db` in the data folder.",
    ),
    CoreSetting(
        key="broker_url",
        env="NEXUS_BROKER_URL",
        secret=True,
        doc="`amqp://…` or `redis://…`. Without one the worker asks the store.",
    ),
    CoreSetting(key="bind", env="NEXUS_BIND", default="127.0.0.1:8700", doc="Address and port of the server."),
    CoreSetting(
        key="public_url",
        env="NEXUS_PUBLIC_URL",
        doc="How people reach the server, for links and redirects. Default: from `bind`.",
    ),
    CoreSetting(
        key="url",
        env="NEXUS_URL",
        doc="The server that the CLI talks to. Default: the hub that runs on the same data folder, else embedded.",
    ),
    CoreSetting(key="token", env="NEXUS_TOKEN", secret=True, doc="The CLI's key for that server."),
    CoreSetting(
        key="bootstrap_admin_key",
        env="NEXUS_BOOTSTRAP_ADMIN_KEY",
        secret=True,
        doc="An admin key accepted from the first start on; 32 characters or more.",
    ),
    CoreSetting(key="sentry_dsn", env="NEXUS_SENTRY_DSN", secret=True, doc="Where errors are reported."),
    CoreSetting(
        key="cors_origins",
        env="NEXUS_CORS_ORIGINS",
        kind="list",
        default=(),
        doc="Browser clients elsewhere that may call the API.",
    ),
    CoreSetting(
        key="trusted_proxies",
        env="NEXUS_TRUSTED_PROXIES",
        kind="networks",
        default=(),
        doc="Proxies (addresses, or networks such as `10.0.0.0/8`) that are believed when `X-Forwarded-For` "
        "says where a request comes from.",
    ),
    CoreSetting(
        key="git_allow_local",
        env="NEXUS_GIT_ALLOW_LOCAL",
        kind="flag",
        default=False,
        doc="Repositories by local path, for demos and tests only.",
    ),
    CoreSetting(key="key_prefix", env="NEXUS_KEY_PREFIX", default="NX", doc="How tasks are shown: `NX-12`."),
    CoreSetting(
        key="auto_migrate",
        env="NEXUS_AUTO_MIGRATE",
        kind="flag",
        doc="Bring the schema up to date at start. Default: on for SQLite, off for PostgreSQL.",
    ),
    CoreSetting(
        key="assignment.automatic",
        env="NEXUS_ASSIGNMENT_AUTOMATIC",
        kind="flag",
        default=True,
        doc="Hand ready tasks to launched agents without being asked.",
    ),
    CoreSetting(key="assignment.policy", default="built-in", doc="The assignment policy in use, by name."),
    CoreSetting(
        key="assignment.max_failures",
        kind="number",
        default=3,
        doc="After so many failed runs a task waits for a person.",
    ),
    CoreSetting(
        key="assignment.retry_delay",
        env="NEXUS_ASSIGNMENT_RETRY_DELAY",
        kind="duration",
        default="1m",
        doc="Automatic assignment waits so long after a failed run, doubling each time.",
    ),
    CoreSetting(key="complexity.estimator", default="built-in", doc="The complexity estimator in use, by name."),
    CoreSetting(
        key="worker.lease",
        env="NEXUS_WORKER_LEASE",
        kind="duration",
        default="30s",
        doc="A job of a worker that fell silent for so long is taken up again.",
    ),
    CoreSetting(
        key="retention.jobs",
        env="NEXUS_RETENTION_JOBS",
        kind="duration",
        default="7d",
        doc="Jobs that are done are forgotten after so long. Dead ones stay.",
    ),
    CoreSetting(
        key="retention.deliveries",
        env="NEXUS_RETENTION_DELIVERIES",
        kind="duration",
        default="30d",
        doc="Webhooks that were handled are forgotten after so long; the events that they came stay, and so do those "
        "whose handling failed.",
    ),
    CoreSetting(
        key="worker.poll",
        env="NEXUS_WORKER_POLL",
        kind="duration",
        default="250ms",
        doc="How often a worker without a broker asks for work.",
    ),
    CoreSetting(
        key="worker.agents",
        env="NEXUS_WORKER_AGENTS",
        kind="number",
        default=4,
        doc="How many agents a worker runs at once.",
    ),
    CoreSetting(
        key="worker.threads",
        env="NEXUS_WORKER_THREADS",
        kind="number",
        default=2,
        doc="How many jobs of each other lane a worker runs at once.",
    ),
    CoreSetting(
        key="spool.megabytes",
        env="NEXUS_SPOOL_MEGABYTES",
        kind="number",
        default=2048,
        doc="So much may webhooks take in `spool/` of the data folder while the database is away; then 503.",
    ),
    CoreSetting(
        key="rate_limit.reads",
        env="NEXUS_RATE_LIMIT_READS",
        kind="number",
        default=300_000,
        doc="So many requests that read may a key make in a minute.",
    ),
    CoreSetting(
        key="rate_limit.writes",
        env="NEXUS_RATE_LIMIT_WRITES",
        kind="number",
        default=30_000,
        doc="So many requests that change something may a key make in a minute.",
    ),
    CoreSetting(
        key="rate_limit.anonymous",
        env="NEXUS_RATE_LIMIT_ANONYMOUS",
        kind="number",
        default=60_000,
        doc="So many requests without a key may an address make in a minute; health checks and webhooks do not count.",
    ),
    CoreSetting(
        key="rate_limit.failures",
        env="NEXUS_RATE_LIMIT_FAILURES",
        kind="number",
        default=6_000,
        doc="So many keys and signatures that are not valid may come from an address in a minute.",
    ),
    CoreSetting(
        key="documents.delay",
        env="NEXUS_DOCUMENTS_DELAY",
        kind="duration",
        default="2s",
        doc="Documents follow a change after so long, so that many changes make one commit.",
    ),
)
