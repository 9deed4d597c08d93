"""Who somebody in Slack is to Nexus. Nobody may change anything whom the settings do not name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nexus_core.domain.access import Actor, ActorKind, Scope
from nexus_core.errors import Forbidden, NotFound

from .settings import Settings

if TYPE_CHECKING:
    from nexus_core.plugins.context import Context

    from .sansio import Request


def check_workspace(request: Request, settings: Settings) -> None:
    """Refuse people of a workspace that is not on the list, if there is one.

    :raises Forbidden: it is another workspace
    """
    if settings.team_id and request.team not in settings.team_id:
        raise Forbidden("This workspace is not connected to this hub.", reason="workspace")


def identify(request: Request, ctx: Context, scope: Scope) -> Actor:
    """The person behind a request, as an actor who has the scope.

    :raises Forbidden: another workspace, nobody we know, or somebody who may not do this
    """
    settings = ctx.settings(Settings)
    check_workspace(request, settings)
    username = settings.users.get(request.user)
    if username is None:
        raise Forbidden(
            "I do not know which Nexus user you are. An admin can tell me, in [plugins.slack] users.",
            reason="not linked",
        )
    try:
        user = ctx.nexus.users.find(username)
    except NotFound:
        raise Forbidden(f"There is no Nexus user {username}.", reason="no such user") from None
    actor = Actor(kind=ActorKind.USER, name=user.username, id=user.id, scopes=user.role.scopes)
    actor.require(scope)
    return actor
