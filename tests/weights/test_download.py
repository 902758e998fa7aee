"""Finding pretrained networks: only verified files are used, and the error says where to put missing ones."""

import hashlib
import os
import pickle
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import Request

import pytest
import torch
from support.paths import SHARED

from bench_core.weights import download
from bench_core.weights.download import OFFICIAL, MissingWeights, OfficialWeights

DOWNLOAD = download._download
INTERRUPTED = SHARED / "awkward" / "interrupted_download"
CONTENT = b"the tensors of a network"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@dataclass
class Server:
    """Server of one file at any path. `answer` holds the raw response; None never answers."""

    answer: bytes | None
    url: str = ""
    requests: int = 0


def http(body: bytes, length: int | None = None, status: str = "200 OK") -> bytes:
    return f"HTTP/1.0 {status}\r\nContent-Length: {len(body) if length is None else length}\r\n\r\n".encode() + body


@pytest.fixture
def server() -> Iterator[Server]:
    served = Server(http(CONTENT))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.requests += 1
            if served.answer is None:
                self.connection.settimeout(30)
                self.connection.recv(1)  # until the other side hangs up
            else:
                self.wfile.write(served.answer)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        served.url = f"http://127.0.0.1:{listening.server_port}/models/small-{SHA256[:8]}.pth"
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield served
        listening.shutdown()
        thread.join()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server: Server) -> Iterator[Path]:
    """Return the cache folder, with the local server as official address of ``small``."""
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "BENCH_WEIGHTS"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr(download, "_download", DOWNLOAD)
    monkeypatch.setitem(OFFICIAL, "small", OfficialWeights(server.url, SHA256))
    download.locate.cache_clear()
    yield tmp_path / "torch" / "hub" / "checkpoints"
    download.locate.cache_clear()


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return the folder of BENCH_WEIGHTS, in the user's home."""
    folder = tmp_path / "given"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("BENCH_WEIGHTS", "~/given")
    return folder


def filename() -> str:
    return OFFICIAL["small"].filename


def test_a_download_is_verified_and_cached(hub: Path) -> None:
    assert download.locate("small") == hub / filename()
    assert (hub / filename()).read_bytes() == CONTENT
    assert [path.name for path in hub.iterdir()] == [filename()]


def test_a_cached_file_is_not_downloaded_again(hub: Path, server: Server) -> None:
    download.locate("small")
    download.locate.cache_clear()
    download.locate("small")
    assert server.requests == 1


@pytest.mark.parametrize(
    "answer",
    [
        http(b"some other file"),
        http(CONTENT[:5], length=len(CONTENT)),
        http(CONTENT, status="404 Not Found"),
        http(b"<html>log in first</html>"),
        b"no HTTP at all\r\n\r\n",
        b"",
    ],
)
def test_a_download_that_is_not_the_official_file_leaves_nothing_behind(
    hub: Path, server: Server, answer: bytes
) -> None:
    server.answer = answer
    with pytest.raises(MissingWeights, match="the download failed"):
        download.locate("small")
    assert list(hub.iterdir()) == []


def test_a_redirect_is_followed_to_https_only(hub: Path, server: Server) -> None:
    server.answer = f"HTTP/1.0 302 Found\r\nLocation: {server.url}/elsewhere\r\n\r\n".encode()
    with pytest.raises(MissingWeights, match=f"leads to {server.url}/elsewhere, which is not https"):
        download.locate("small")
    assert server.requests == 1 and list(hub.iterdir()) == []
    follow, request = download._HttpsOnly().redirect_request, Request("https://official/a.pth")
    followed = follow(request, None, 302, "Found", {}, "https://elsewhere/a.pth")
    assert followed and followed.full_url == "https://elsewhere/a.pth"
    with pytest.raises(OSError, match="not https"):
        follow(request, None, 302, "Found", {}, "http://official/a.pth")


def test_a_server_that_does_not_answer_times_out(hub: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "DOWNLOAD_TIMEOUT", 0.2)
    server.answer = None
    with pytest.raises(MissingWeights, match=r"the download failed \(.*timed out"):
        download.locate("small")
    assert list(hub.iterdir()) == []


def test_without_a_network_the_error_says_where_to_put_which_file(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = OfficialWeights("http://127.0.0.1:9/small.pth", SHA256)
    monkeypatch.setitem(OFFICIAL, "small", nobody)
    with pytest.raises(MissingWeights) as caught:
        download.locate("small")
    assert all(part in str(caught.value) for part in ("small", nobody.url, "BENCH_WEIGHTS", str(hub)))


def test_a_failure_is_not_cached(hub: Path, server: Server) -> None:
    good, server.answer = server.answer, b""
    with pytest.raises(MissingWeights):
        download.locate("small")
    server.answer = good
    assert download.locate("small").is_file()


def test_the_users_folder_comes_before_the_cache(hub: Path, given: Path, server: Server) -> None:
    for folder in (hub, given):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / filename()).write_bytes(CONTENT)
    assert download.locate("small") == given / filename()
    assert server.requests == 0


def test_another_file_with_the_same_tensors_is_accepted(
    hub: Path, given: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alternatives = (("part.pth", hashlib.sha256(b"part").hexdigest()),)
    monkeypatch.setitem(OFFICIAL, "small", OfficialWeights("http://127.0.0.1:9/small.pth", SHA256, alternatives))
    (given / "part.pth").write_bytes(b"part")
    assert download.locate("small") == given / "part.pth"


def test_a_damaged_file_is_named_and_not_used(hub: Path, given: Path, server: Server) -> None:
    (given / filename()).write_bytes(CONTENT[:-1])
    assert download.locate("small") == hub / filename()
    download.locate.cache_clear()
    (hub / filename()).write_bytes(CONTENT[:-2])
    server.answer = b""
    with pytest.raises(MissingWeights) as caught:
        download.locate("small")
    for folder in ("~/given", "~/torch/hub/checkpoints"):  # without the user's name
        assert f"{folder}/{filename()} is damaged" in str(caught.value)


@pytest.mark.skipif(not INTERRUPTED.is_dir(), reason="wants a real interrupted download beside the repository")
def test_a_real_interrupted_download_is_named_and_not_used(
    hub: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_WEIGHTS", str(INTERRUPTED))
    official = OFFICIAL["inception"]
    monkeypatch.setitem(OFFICIAL, "inception", OfficialWeights(f"{server.url}/{official.filename}", official.sha256))
    with pytest.raises(MissingWeights, match=rf"{INTERRUPTED / official.filename} is damaged"):
        download.load("inception")


def test_only_the_features_are_loaded_from_a_torchvision_network(given: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = given / "network.pth"
    torch.save({"features.0.weight": torch.ones(2), "classifier.0.weight": torch.ones(3)}, path)
    official = OfficialWeights(f"https://nowhere/{path.name}", hashlib.sha256(path.read_bytes()).hexdigest())
    monkeypatch.setitem(OFFICIAL, "saved", official)
    assert set(download.load("saved")) == {"features.0.weight", "classifier.0.weight"}
    assert set(download.load_features("saved")) == {"0.weight"}


class Exploit:
    """Pickle that creates a folder when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> tuple:
        return os.mkdir, (self.path,)


def test_code_in_a_file_of_weights_is_not_run(given: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, trace = given / "evil.pth", tmp_path / "was here"
    torch.save({"weight": Exploit(trace)}, path)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setitem(OFFICIAL, "evil", OfficialWeights(f"https://nowhere/{path.name}", sha256))
    with pytest.raises(pickle.UnpicklingError):
        download.load("evil")
    assert not trace.exists()


@pytest.mark.parametrize("name", OFFICIAL)
def test_official_files_come_over_https_and_carry_their_checksum_in_their_name(name: str) -> None:
    official = OFFICIAL[name]
    assert urlparse(official.url).scheme == "https"
    assert official.filename.removesuffix(".pth").endswith(f"-{official.sha256[:8]}")
    assert all(re.fullmatch("[0-9a-f]{64}", sha256) for _, sha256 in official.accepted)
