"""The configuration: a file, then the environment, then flags; every fault at once."""

from datetime import timedelta

import pytest

from nexus_core.config import Config, load_config, parse_duration
from nexus_core.errors import ConfigurationError
from nexus_core.location import default_data_dir
from nexus_core.settings_table import CORE_SETTINGS


@pytest.fixture
def write(tmp_path):
    """Writes a nexus.toml and answers its path."""

    def write(text):
        path = tmp_path / "nexus.toml"
        path.write_text(text, "utf-8")
        return str(path)

    return write


def faults(path, environ=None):
    with pytest.raises(ConfigurationError) as caught:
        load_config(path, environ or {})
    return [tuple(fault) for fault in caught.value.faults]


def test_the_defaults_stand_when_nothing_is_said(tmp_path, monkeypatch):
    """An empty machine is a working configuration."""
    monkeypatch.chdir(tmp_path)
    environ = {"XDG_CONFIG_HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "share")}
    config = load_config(environ=environ)

    assert f"sqlite:///{tmp_path}/share/nexus/nexus.db" == config.database_url
    assert ("127.0.0.1:8700", "http://127.0.0.1:8700", "NX") == (config["bind"], config.public_url, config.key_prefix)
    assert timedelta(seconds=30) == config["worker.lease"]


def test_the_environment_wins_over_the_file_and_a_flag_over_both(write):
    """And each value remembers where it came from."""
    path = write('bind = "0.0.0.0:1"\nkey_prefix = "AB"\n[worker]\npoll = "1s"\n')
    config = load_config(path, {"NEXUS_BIND": "0.0.0.0:2", "NEXUS_KEY_PREFIX": "CD"}).replace(key_prefix="EF")

    assert ("0.0.0.0:2", "EF", timedelta(seconds=1)) == (config["bind"], config.key_prefix, config["worker.poll"])
    assert {"bind": "$NEXUS_BIND", "key_prefix": "a flag", "worker.poll": path} == dict(config.origins)


def test_an_empty_variable_counts_as_unset(write):
    """`NEXUS_BIND= nexus up` means the default."""
    assert "127.0.0.1:8700" == load_config(write(""), {"NEXUS_BIND": ""})["bind"]


def test_every_fault_is_reported_at_once_with_its_place(write):
    """File, key and what is expected; then those of the environment."""
    path = write(
        'bind = 7\nbnid = "x"\n[worker]\nlease = "soon"\nagents = 0\n[agents.ada]\nconcurrency = "many"\ncolour = 1\n'
    )

    assert [
        (f"{path}: bind", "expected a text"),
        (f"{path}: bnid", "there is no such setting"),
        (f"{path}: worker.lease", "expected a length of time such as 30s, 45m or 1h30m"),
        (f"{path}: worker.agents", "expected 1 or more"),
        ("$NEXUS_GIT_ALLOW_LOCAL", "expected true or false"),
        (f"{path}: agents.ada.concurrency", "expected a whole number"),
    ] == faults(path, {"NEXUS_GIT_ALLOW_LOCAL": "perhaps"})[:6]


def test_an_unknown_key_of_an_agent_names_those_that_are_known(write):
    """A typing mistake is found at start, not when the agent behaves oddly."""
    path = write("[agents.ada]\nskils = []\n")
    [(place, expected)] = faults(path)

    assert f"{path}: agents.ada.skils" == place
    assert "skills" in expected


@pytest.mark.parametrize(
    ("text", "said"),
    [("bind = ", "is not valid TOML"), ("[plugins]\ngithub = 3\n", "expected tables"), ("agents = 3\n", "tables")],
)
def test_a_broken_file_is_one_clear_line(write, text, said):
    """It names the file."""
    path = write(text)

    with pytest.raises(ConfigurationError, match=said) as caught:
        load_config(path, {})
    assert path in caught.value.message
    assert "\n" not in caught.value.message


def test_a_file_that_is_named_must_be_there(tmp_path):
    """Unlike the usual places, which may be empty."""
    with pytest.raises(ConfigurationError, match=r"gone.toml: cannot be read: No such file"):
        load_config(str(tmp_path / "gone.toml"), {})


def test_bytes_that_are_no_text_are_refused(tmp_path):
    """With the file's name."""
    path = tmp_path / "nexus.toml"
    path.write_bytes(b"\xff\xfe")

    with pytest.raises(ConfigurationError, match="is not valid TOML"):
        load_config(str(path), {})


def test_a_short_bootstrap_key_is_refused_without_being_shown(write):
    """It would be guessable, and errors end in logs."""
    [(place, expected)] = faults(write(""), {"NEXUS_BOOTSTRAP_ADMIN_KEY": "hunter2"})

    assert ("$NEXUS_BOOTSTRAP_ADMIN_KEY", "expected 32 characters or more") == (place, expected)


def test_an_agent_is_read_from_its_table(write):
    """With the defaults of an agent for what is not said."""
    text = (
        '[agents.claude]\npreset = "claude-code"\nskills = ["python"]\nmax_complexity = 8\nconcurrency = 2\n'
        'timeout = "1h30m"\nenv = ["ANTHROPIC_API_KEY"]\nrepositories = ["acme/api"]\n'
    )
    agent = load_config(write(text), {}).agents["claude"]

    assert agent.is_launched
    assert (frozenset({"python"}), 8, 2, ("ANTHROPIC_API_KEY",), frozenset({"acme/api"})) == (
        agent.skills, agent.max_complexity, agent.concurrency, agent.env, agent.repositories,
    )  # fmt: skip
    assert (timedelta(minutes=90), timedelta(minutes=30)) == (agent.timeout, agent.lease)


@pytest.mark.parametrize(
    ("text", "seconds"), [("250ms", 0.25), ("30s", 30), ("45m", 2700), ("1h30m", 5400), ("2d", 172800), (1.5, 1.5)]
)
def test_a_length_of_time_is_read(text, seconds):
    """Units can be strung together; a bare number means seconds."""
    assert timedelta(seconds=seconds) == parse_duration(text)


@pytest.mark.parametrize(
    "text", ["", "soon", "5", "5 parsecs", "-5s", "1h and 2m", True, None, [], -5, float("inf"), "9" * 12 + "d"]
)
def test_what_is_no_length_of_time_is_refused(text):
    """Half of a text is not taken for the whole."""
    with pytest.raises(ValueError, match="expected a length of time"):
        parse_duration(text)


def test_every_setting_has_a_default_that_its_own_kind_accepts():
    """A default is read like any other value."""
    for setting in CORE_SETTINGS:
        Config()[setting.key]


def test_no_two_settings_share_a_key_or_a_variable():
    """Each is said in one place."""
    keys = [setting.key for setting in CORE_SETTINGS]
    variables = [setting.env for setting in CORE_SETTINGS if setting.env]

    assert len(keys) == len(set(keys))
    assert len(variables) == len(set(variables))


def test_what_holds_a_password_is_marked_secret():
    """`nexus config` masks these."""
    secret = {setting.key for setting in CORE_SETTINGS if setting.secret}

    assert {"database_url", "broker_url", "token", "bootstrap_admin_key", "sentry_dsn"} == secret


def test_the_file_is_looked_for_here_then_in_the_users_folder(tmp_path, monkeypatch):
    """`./nexus.toml` wins over the user's own; `$NEXUS_CONFIG` over both."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nexus").mkdir()
    user, named = tmp_path / "nexus" / "nexus.toml", tmp_path / "named.toml"
    user.write_text('key_prefix = "USER"')
    named.write_text('key_prefix = "NAMED"')
    environ = {"XDG_CONFIG_HOME": str(tmp_path)}
    seen = [load_config(environ=environ).key_prefix]
    (tmp_path / "nexus.toml").write_text('key_prefix = "HERE"')
    seen += [load_config(environ=environ).key_prefix]
    seen += [load_config(environ={**environ, "NEXUS_CONFIG": str(named)}).key_prefix]

    assert ["USER", "HERE", "NAMED"] == seen


def test_the_data_folder_follows_the_platform(tmp_path):
    """XDG on Linux."""
    assert tmp_path / "nexus" == default_data_dir({"XDG_DATA_HOME": str(tmp_path)})


def test_a_data_folder_is_seen_from_where_one_stands(tmp_path, monkeypatch):
    """A relative one never becomes one at the root of the disk."""
    monkeypatch.chdir(tmp_path)
    config = Config(values={"data_dir": "my-hub"})

    assert (tmp_path / "my-hub", f"sqlite:///{tmp_path}/my-hub/nexus.db") == (config.data_dir, config.database_url)
