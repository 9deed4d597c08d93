"""What the tests of the plugin in a hub share: a clock to move, the stand-in for Slack, and hubs that talk to it."""

from datetime import UTC, datetime, timedelta

import pytest

from nexus_core import Config, Nexus
from nexus_demo.standins.slack import SlackStandIn
from nexus_plugin_slack import hooks

SECRET = "a-signing-secret-of-slack"


class HandClock:
    """A clock that stands still until it is moved."""

    def __init__(self):
        self.at = datetime.now(UTC)

    def now(self):
        return self.at

    def move(self, **length):
        self.at += timedelta(**length)


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def slack():
    with SlackStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def open_hub(tmp_path, clock, slack):
    opened = []

    def open_(more=(), **settings):
        known = {
            "signing_secret": SECRET,
            "bot_token": slack.token,
            "api_url": slack.url,
            "users": {"U1": "alice"},
        }
        config = Config(values={"data_dir": str(tmp_path)}, plugins={"slack": {**known, **settings}})
        nexus = Nexus.open(config, plugins=[hooks, *more], load_plugins=False, clock=clock)
        opened.append(nexus)
        return nexus

    yield open_
    for nexus in opened:
        nexus.close()
