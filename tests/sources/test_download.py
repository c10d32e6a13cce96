"""Downloads against a real HTTP server on this machine that misbehaves in the ways that servers do."""

import hashlib
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mosforge.core.errors import MosforgeError
from mosforge.sources import download as module
from mosforge.sources.download import ATTEMPTS, download

DATA = bytes(range(256)) * 800
SHA256 = ("sha256", hashlib.sha256(DATA).hexdigest())
MD5 = ("md5", hashlib.md5(DATA).hexdigest())


class Server(ThreadingHTTPServer):
    """Serves `data`; each flag is one way to misbehave."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.data = DATA
        self.ranges = True
        self.cuts: list[int] = []  # bytes after which the next answers break off
        self.states: list[int] = []  # HTTP states that the next requests get
        self.length = True
        self.shift = 0  # resumes so many bytes from where it was asked to
        self.asked: list[str | None] = []
        self.gate = threading.Event()  # answers wait for it
        self.gate.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/data.bin"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        server, wanted = self.server, self.headers.get("Range")
        server.asked.append(wanted)
        server.gate.wait(10)
        if server.states:
            self.send_error(server.states.pop(0))
            return
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and server.ranges else 0
        if start and start >= len(server.data):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(server.data)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body = server.data[start:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header(
                "Content-Range", f"bytes {start + server.shift}-{len(server.data) - 1}/{len(server.data)}"
            )
        if server.length:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: server.cuts.pop(0)] if server.cuts else body)

    def log_message(self, format: str, *args: object) -> None:
        """Keeps the test's output clean."""


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield running
    running.shutdown()
    thread.join()
    running.server_close()


@pytest.fixture
def waits() -> list[float]:
    return []


def get(server: Server, target: Path, waits: list[float], **options: object) -> Path:
    arguments = {"checksum": SHA256, "size": len(DATA)} | options
    return download(server.url, target, sleep=waits.append, **arguments)


@pytest.mark.parametrize("checksum", [SHA256, MD5])
@pytest.mark.parametrize("size", [len(DATA), None])
def test_a_good_server(
    server: Server, tmp_path: Path, waits: list[float], checksum: tuple[str, str], size: int | None
) -> None:
    target = tmp_path / "downloads" / "data.bin"
    get(server, target, waits, checksum=checksum, size=size)
    assert target.read_bytes() == DATA
    assert [path.name for path in target.parent.iterdir()] == ["data.bin"]
    assert waits == []


def test_a_broken_connection_is_resumed_where_it_broke(
    server: Server, tmp_path: Path, waits: list[float]
) -> None:
    server.cuts = [1000, 2000]
    assert get(server, tmp_path / "data.bin", waits).read_bytes() == DATA
    assert server.asked == [None, "bytes=1000-", "bytes=3000-"]


def test_two_sources_in_one_archive_download_it_once(
    server: Server, tmp_path: Path, waits: list[float]
) -> None:
    server.gate.clear()
    target = tmp_path / "data.bin"
    with ThreadPoolExecutor(2) as both:
        jobs = [both.submit(get, server, target, waits) for _ in range(2)]
        time.sleep(0.3)  # both have begun
        server.gate.set()
        assert [job.result().read_bytes() for job in jobs] == [DATA, DATA]
    assert server.asked == [None]
    assert [path.name for path in tmp_path.iterdir()] == ["data.bin"]


def test_a_refused_download_leaves_no_empty_part(server: Server, tmp_path: Path, waits: list[float]) -> None:
    server.states = [404]
    with pytest.raises(MosforgeError, match="404"):
        get(server, tmp_path / "data.bin", waits)
    assert list(tmp_path.iterdir()) == []


def test_a_later_run_goes_on_from_the_part(server: Server, tmp_path: Path, waits: list[float]) -> None:
    (tmp_path / "data.bin.part").write_bytes(DATA[:777])
    assert get(server, tmp_path / "data.bin", waits).read_bytes() == DATA
    assert server.asked == ["bytes=777-"]


def test_a_server_without_ranges_starts_again(server: Server, tmp_path: Path, waits: list[float]) -> None:
    server.ranges, server.cuts = False, [150_000, 100_000]
    assert get(server, tmp_path / "data.bin", waits).read_bytes() == DATA
    assert server.asked == [None, "bytes=150000-", "bytes=100000-"]


def test_a_complete_part_of_unknown_size_is_recognised(
    server: Server, tmp_path: Path, waits: list[float]
) -> None:
    (tmp_path / "data.bin.part").write_bytes(DATA)
    assert get(server, tmp_path / "data.bin", waits, size=None).read_bytes() == DATA
    assert server.asked == [f"bytes={len(DATA)}-"]


@pytest.mark.parametrize("size", [len(DATA), None])
def test_a_part_that_is_too_long_is_thrown_away(
    server: Server, tmp_path: Path, waits: list[float], size: int | None
) -> None:
    (tmp_path / "data.bin.part").write_bytes(DATA + b"more")
    assert get(server, tmp_path / "data.bin", waits, size=size).read_bytes() == DATA


def test_a_server_that_resumes_elsewhere_is_not_believed(
    server: Server, tmp_path: Path, waits: list[float]
) -> None:
    server.shift, server.cuts = 10, [1000]
    with pytest.raises(
        MosforgeError, match="resumes at another byte than it was asked for, 6 times in a row"
    ):
        get(server, tmp_path / "data.bin", waits)
    assert (tmp_path / "data.bin.part").read_bytes() == DATA[:1000]


def test_passing_faults_are_waited_out_ever_longer(
    server: Server, tmp_path: Path, waits: list[float]
) -> None:
    server.states = [503, 500, 429, 502]
    assert get(server, tmp_path / "data.bin", waits).read_bytes() == DATA
    assert waits == [1.0, 2.0, 4.0, 8.0]


def test_a_server_that_brings_nothing_new_is_given_up(
    server: Server, tmp_path: Path, waits: list[float]
) -> None:
    server.ranges, server.cuts = False, [500] * 50
    with pytest.raises(MosforgeError, match=r"broke after 500 of 204,800 bytes, 6 times in a row; run again"):
        get(server, tmp_path / "data.bin", waits)
    assert len(server.asked) == ATTEMPTS + 1
    assert [path.name for path in tmp_path.iterdir()] == ["data.bin.part"]


def test_a_missing_file_is_reported_at_once(server: Server, tmp_path: Path, waits: list[float]) -> None:
    server.states = [404]
    with pytest.raises(MosforgeError, match="the server answers 404"):
        get(server, tmp_path / "data.bin", waits)
    assert waits == []


def test_wrong_bytes_are_not_kept(server: Server, tmp_path: Path, waits: list[float]) -> None:
    server.data = DATA[:-1] + b"!"
    with pytest.raises(
        MosforgeError, match=r"data\.bin: its sha256 is [0-9a-f]{64} where .* is declared; nothing"
    ):
        get(server, tmp_path / "data.bin", waits)
    assert list(tmp_path.iterdir()) == []


def test_another_size_is_refused_before_it_is_fetched(
    server: Server, tmp_path: Path, waits: list[float]
) -> None:
    with pytest.raises(MosforgeError, match="the server offers 204,800 bytes where 10 are declared"):
        get(server, tmp_path / "data.bin", waits, size=10)
    assert list(tmp_path.iterdir()) == []


def test_a_short_answer_without_a_length_is_resumed(
    server: Server, tmp_path: Path, waits: list[float]
) -> None:
    server.length, server.cuts = False, [5000]
    assert get(server, tmp_path / "data.bin", waits).read_bytes() == DATA
    assert server.asked == [None, "bytes=5000-"]


def test_a_file_that_was_put_there_is_verified_and_used(
    server: Server, tmp_path: Path, waits: list[float]
) -> None:
    target = tmp_path / "data.bin"
    target.write_bytes(DATA)
    get(server, target, waits)
    assert server.asked == []
    target.write_bytes(DATA[::-1])
    with pytest.raises(MosforgeError, match="delete it to download"):
        get(server, target, waits)
    assert target.exists()


def test_nobody_listens(tmp_path: Path, waits: list[float]) -> None:
    idle = Server()
    idle.server_close()
    with pytest.raises(
        MosforgeError, match=r"the connection broke .*download the file yourself to .*data\.bin$"
    ):
        get(idle, tmp_path / "data.bin", waits)
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0]


def test_a_full_disk_is_not_taken_for_a_broken_connection(
    server: Server, tmp_path: Path, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "_copy", fail)
    with pytest.raises(OSError, match="No space left"):
        get(server, tmp_path / "data.bin", waits)
    assert waits == []


@pytest.mark.parametrize("url", ["ftp://example.org/x.tar", "file:///etc/hostname", "x.tar"])
def test_other_addresses_are_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(MosforgeError, match="not an http or https address"):
        download(url, tmp_path / "x.tar", SHA256)
