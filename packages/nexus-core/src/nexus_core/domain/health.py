"""Health: what was looked at, and what was found."""

from __future__ import annotations

import attrs


@attrs.frozen(kw_only=True)
class Finding:
    """One thing that was looked at."""

    name: str
    ok: bool
    message: str
    checked: bool = True  #: false: there was nothing to look at
