"""Which way a request travels, and what becomes of it when it does not arrive."""

import json
import socket
import threading

import pytest

from nexus_cli.failures import Failure
from nexus_cli.remote import Remote
from nexus_cli.transport import Request
from nexus_core.location import Hub, write_hub

NOTHING = {"task": None, "reasons": []}


def free_port() -> int:
    """A port where nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_the_configured_server_is_asked_with_the_configured_key(nexus, server, monkeypatch):
    """NEXUS_URL and NEXUS_TOKEN come first."""
    server.answer("GET", "/tasks/next", NOTHING)
    monkeypatch.setenv("NEXUS_URL", f"{server.url}/")
    monkeypatch.setenv("NEXUS_TOKEN", "nxs_mine")
    ran = nexus("task", "next", "--json", "--max-complexity", "3", "--skill", "a", "--skill", "b")

    assert (0, NOTHING) == (ran.code, ran.document)
    assert "/api/v1/tasks/next?max_complexity=3&skills=a&skills=b" == server.asked[0][1]
    assert "Bearer nxs_mine" == server.asked[0][2]["Authorization"]


def test_the_flag_wins_over_the_environment_and_the_file(nexus, server, tmp_path, monkeypatch):
    """Flags, then environment, then file."""
    (tmp_path / "nexus.toml").write_text(f'url = "http://127.0.0.1:{free_port()}"\ntoken = "nxs_of_file"\n')
    monkeypatch.setenv("NEXUS_CONFIG", str(tmp_path / "nexus.toml"))
    monkeypatch.setenv("NEXUS_URL", f"http://127.0.0.1:{free_port()}")
    server.answer("GET", "/me", {"kind": "key", "name": "k", "scopes": [], "repositories": None, "agent": None})
    ran = nexus("--url", server.url, "whoami", "--json")

    assert (0, "k") == (ran.code, ran.document["name"])
    assert "Bearer nxs_of_file" == server.asked[0][2]["Authorization"]


def test_the_hub_of_the_data_folder_is_asked_with_its_key(nexus, server, tmp_path):
    """With no server configured, the running hub is found by what it left."""
    (tmp_path / "data").mkdir()
    write_hub(tmp_path / "data", Hub(server.url, "nxs_local", 1))
    server.answer("GET", "/tasks/next", NOTHING)

    assert 0 == nexus("task", "next", "--json").code
    assert "Bearer nxs_local" == server.asked[0][2]["Authorization"]


def test_a_dead_hub_is_passed_over_in_silence(nexus, tmp_path):
    """A hub that left its file and died costs nothing: the command runs in this process."""
    (tmp_path / "data").mkdir()
    write_hub(tmp_path / "data", Hub(f"http://127.0.0.1:{free_port()}", "nxs_local", 1))
    ran = nexus("task", "next", "--json")

    assert (0, NOTHING, "") == (ran.code, ran.document, ran.err)


def test_a_spoilt_hub_file_is_ignored(nexus, tmp_path):
    """Half a file is no hub."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "hub.json").write_text('{"url": "http://127')

    assert NOTHING == nexus("task", "next", "--json").document


def test_an_unreachable_server_is_one_line_and_75(nexus):
    """A configured server that is down is never replaced by the embedded store."""
    url = f"http://127.0.0.1:{free_port()}"
    ran = nexus("task", "next", "--url", url)

    assert (75, "") == (ran.code, ran.out)
    assert f"nexus: {url} cannot be reached: nothing listens there. Is it running?\n" == ran.err


def test_a_refused_key_is_5(nexus, server):
    """401 says where the key is taken from."""
    server.answer("GET", "/me", {"detail": "this key is none of ours", "code": "unauthenticated"}, 401)
    ran = nexus("whoami", "--url", server.url)

    assert 5 == ran.code
    assert "nexus: this key is none of ours (the key is taken from NEXUS_TOKEN, or from `nexus login`)\n" == ran.err


def test_a_redirect_is_not_followed(nexus, server):
    """The key is not handed to whoever a server points at."""
    server.answer("GET", "/me", b"", 302, Location="http://127.0.0.1:9/")
    ran = nexus("whoami", "--url", server.url)

    assert 2 == ran.code
    assert "redirects to 'http://127.0.0.1:9/'" in ran.err


def test_a_page_that_is_no_answer_is_told_as_such(nexus, server):
    """Something else that listens there is not taken for Nexus."""
    server.answer("GET", "/me", b"<html>hello</html>")
    ran = nexus("whoami", "--url", server.url)

    assert 1 == ran.code
    assert "something that is no answer of Nexus" in ran.err


@pytest.mark.parametrize("url", ["nexus.example.com", "ftp://x", "http://", "http://x:99999", "http://x y"])
def test_an_address_that_makes_no_sense_is_bad_input(nexus, url):
    """It is refused before anything is sent."""
    ran = nexus("whoami", "--url", url)

    assert 2 == ran.code
    assert "is no address of a server" in ran.err


def test_a_silent_server_does_not_hold_the_command():
    """The time that a call may take is kept."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        remote = Remote(f"http://127.0.0.1:{listener.getsockname()[1]}", None)

        with pytest.raises(Failure, match="did not answer in time") as caught:
            remote.send(Request("GET", "/me", {}, None, 0.1))

    assert 75 == caught.value.exit_code


def test_the_address_may_hold_a_path_and_the_api(server):
    """A server below a path is reached, and the API's own path is not doubled."""
    server.answers["GET", "/hub/api/v1/me"] = (200, {}, {})
    answer = Remote(f"{server.url}/hub/api/v1", None).send(Request("GET", "/me", {}, None, 5))

    assert 200 == answer.status


def test_a_key_narrows_what_the_embedded_way_may_do(nexus, monkeypatch):
    """A token that is given is honoured in this process too."""
    made = nexus("key", "create", "reader", "--role", "viewer", "--json").document
    monkeypatch.setenv("NEXUS_TOKEN", made["key"])

    assert 5 == nexus("task", "add", "not allowed").code
    assert "reader" in nexus("whoami").out


def test_a_body_travels_as_json(nexus, server):
    """Text that is not ASCII arrives whole."""
    server.answer("POST", "/inbox/4/answer", {"id": 4, "body": "which?", "answer": "größer"})
    nexus("inbox", "answer", "4", "größer", "--url", server.url)
    method, _, headers, body = server.asked[0]

    assert ("POST", "application/json") == (method, headers["Content-Type"])
    assert {"answer": "größer"} == json.loads(body)


def test_the_address_of_a_repository_is_not_the_servers(nexus, server):
    """`repo add` takes --url for the repository; --server names the server there."""
    server.answer("POST", "/repositories", {"code": "duplicate", "detail": "it exists already"}, 409)
    ran = nexus("repo", "add", "acme/api", "--url", "https://git.example.com/api.git", "--server", server.url)

    assert 4 == ran.code
    assert "https://git.example.com/api.git" == json.loads(server.asked[0][3])["url"]


def test_a_call_that_breaks_off_is_made_again_under_one_key():
    """A server that hangs up twice and is busy with the same request once: the command gets its answer in the end."""
    heads: list[bytes] = []
    answers = (
        b"",
        b'HTTP/1.1 409 Conflict\r\nContent-Length: 20\r\n\r\n{"code":"in_flight"}',
        b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}",
    )

    def serve(listener: socket.socket) -> None:
        for answer in answers:
            client, _ = listener.accept()
            with client:
                heads.append(client.recv(65536).partition(b"\r\n\r\n")[0])
                client.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        remote = Remote(f"http://127.0.0.1:{listener.getsockname()[1]}", None)
        status = remote.send(Request("POST", "/tasks", {}, b"{}", 5)).status
        thread.join(5)
    keys = {line for head in heads for line in head.split(b"\r\n") if line.startswith(b"Idempotency-Key: ")}

    assert (201, 3, 1) == (status, len(heads), len(keys))
