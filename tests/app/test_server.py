"""The server without a browser: who is let in, what is refused, and what is left on the disk."""

import http.client
import io
import json
import socket
import struct

import numpy as np
import pytest
from PIL import Image
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from skelvid.angles.table import ANGLE_NAMES
from skelvid.app.camera import Camera, decode
from skelvid.app.rows import describe, rows_of
from skelvid.app.server import make_app, safe_name, serve
from skelvid.errors import ConfigError, VideoError
from tests.app.serving import served
from tests.made_result import MISSED, make_result
from tests.pipeline import fakes

BRIEF = ("export.files=[csv]", "export.plots=false", "export.overlay=false", "export.report=false")


@pytest.fixture
def jobs(tmp_path):
    return tmp_path / "jobs"


@pytest.fixture
def port(monkeypatch, jobs):
    fakes.install(monkeypatch.setattr, monkeypatch.setitem)
    with served(make_app(folder=jobs, sets=BRIEF, max_upload_bytes=100_000)) as port:
        yield port


def ask(port, method, path, *, body=None, **headers):
    """Return status, headers and body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(
        method, path, body=body, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, answer.headers, content


def picture(places, size_hw=(120, 160), *, time_s=0.0):
    file = io.BytesIO()
    Image.fromarray(fakes.draw(places, size_hw)).save(file, "JPEG", quality=95, subsampling=0)
    return struct.pack("<d", time_s) + file.getvalue()


def talk(port, first, pictures):
    """Have a sitting; return the rows and the messages that came."""
    rows, said = [], []
    with connect(f"ws://127.0.0.1:{port}/api/live") as server:
        server.send(json.dumps(first) if isinstance(first, dict) else first)
        said.append(server.recv())
        for message in pictures:
            server.send(message)
            answer = server.recv()
            (said if isinstance(answer, str) else rows).append(answer)
        if rows:
            server.send('{"end": true}')
        said += list(server)
    return [np.frombuffer(row, "<f4") for row in rows], [json.loads(text) for text in said]


class TestWhoIsLetIn:
    def test_the_page_itself(self, port):
        status, headers, body = ask(port, "GET", "/", Origin=f"http://127.0.0.1:{port}")
        assert status == 200
        assert b"skelvid" in body
        assert "default-src 'self'" in headers["Content-Security-Policy"]

    @pytest.mark.parametrize("path", ["/", "/api/about", "/api/videos"])
    def test_not_other_sites_nor_other_names(self, port, path):
        method = "POST" if path == "/api/videos" else "GET"
        assert ask(port, method, path, body=b"x", Host="evil.example")[0] == 403
        assert ask(port, method, path, body=b"x", Origin="http://evil.example")[0] == 403

    def test_not_other_sites_by_websocket(self, port):
        with (
            pytest.raises(InvalidStatus),
            connect(f"ws://127.0.0.1:{port}/api/live", origin=Origin("http://evil.example")),
        ):
            pass

    def test_listens_to_this_machine_only_and_says_when_a_port_is_taken(self):
        with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(ConfigError, match="cannot be had"):
            serve(host="127.0.0.1", port=taken.getsockname()[1], sets=(), max_upload_bytes=1)

    def test_nothing_but_results_can_be_fetched(self, port):
        for path in ("/../server.py", "/%2e%2e/server.py", "/api/jobs/x", "/api/jobs/x/rows/0", "/api/jobs/x/files/a"):
            assert ask(port, "GET", path)[0] == 404


class TestUpload:
    @pytest.mark.parametrize("length", [True, False])
    def test_too_large(self, port, jobs, length):
        # Without a length it comes in chunks, and only counting helps.
        body = bytes(100_001) if length else iter([bytes(60_000), bytes(60_000)])
        status, _, said = ask(port, "POST", "/api/videos?name=a.mp4", body=body)
        assert status == 400
        assert "at most" in json.loads(said)["error"]
        assert not any(jobs.iterdir())

    def test_empty_and_wrong_settings(self, port, jobs):
        assert b"no video" in ask(port, "POST", "/api/videos?name=a.mp4", body=b"")[2]
        assert b"metres" in ask(port, "POST", "/api/videos?name=a.mp4&motion.height_m=178", body=b"x")[2]
        assert not jobs.exists() or not any(jobs.iterdir())

    def test_page_may_not_change_what_it_should_not(self, port, jobs, tmp_path):
        film = fakes.make_film(tmp_path / "a.mp4", 12).read_bytes()
        _, _, said = ask(port, "POST", "/api/videos?name=a.mp4&motion.lifter=/etc/passwd&export.plots=true", body=film)
        job = json.loads(said)["job"]
        while (state := json.loads(ask(port, "GET", f"/api/jobs/{job}")[2]))["state"] in ("waiting", "running"):
            pass
        assert state["state"] == "done", state
        assert {entry["name"] for entry in state["files"]} == {"angles.csv", "config.yaml", "log.txt"}
        assert ask(port, "GET", f"/api/jobs/{job}/files/.cache/x")[0] == 404
        status, headers, content = ask(port, "GET", f"/api/jobs/{job}/files/angles.csv")
        assert status == 200
        assert "attachment" in headers["Content-Disposition"]
        assert b"knee_angle_r" in content
        rows = np.frombuffer(ask(port, "GET", f"/api/jobs/{job}/rows/0")[2], "<f4").reshape(12, -1)
        assert np.isfinite(rows).all()
        assert ask(port, "GET", f"/api/jobs/{job}/rows/1")[0] == 404
        assert ask(port, "DELETE", f"/api/jobs/{job}")[0] == 200
        assert not any(jobs.iterdir())

    @pytest.mark.parametrize(
        ("name", "safe"), [("../a.mp4", "a.mp4"), ("..\\c\\d.mov", "d.mov"), ("", "video.mp4"), (".hidden", "hidden")]
    )
    def test_names(self, name, safe):
        assert safe_name(name) == safe


class TestLive:
    def test_each_picture_gets_a_row(self, port):
        rows, said = talk(port, {}, [picture([(20 + n, 20)], time_s=n / 25) for n in range(12)])
        assert said == [{"ready": True}]
        assert [row[0] for row in rows] == pytest.approx([n / 25 for n in range(12)])
        knee = 1 + ANGLE_NAMES.index("knee_angle_r")
        assert all(np.isfinite(row[knee]) for row in rows[-6:])
        assert 20 < rows[-1][-2:].min() < 130

    def test_nobody_gives_rows_of_nothing(self, port):
        rows, _ = talk(port, {}, [picture([], time_s=n / 25) for n in range(3)])
        assert all(np.isnan(row[1:]).all() for row in rows)

    def test_recording_becomes_a_job(self, port, jobs):
        _, said = talk(port, {"record": True}, [picture([(20 + n, 20)], time_s=n / 25) for n in range(12)])
        job = said[-1]["job"]
        while (state := json.loads(ask(port, "GET", f"/api/jobs/{job}")[2]))["state"] in ("waiting", "running"):
            pass
        assert "angles.csv" in {entry["name"] for entry in state["files"]}

    @pytest.mark.parametrize(
        ("first", "message", "said"),
        [
            ({}, b"12345678no picture", "no picture"),
            ({}, b"short", "no picture"),
            ({}, picture([], (10, 2000)), "too large"),
            ("no json", b"", "not understood"),
            ("[1]", b"", "not understood"),
            ({"motion.height_m": 178}, b"", "metres"),
        ],
    )
    def test_nonsense_is_one_sentence(self, port, first, message, said):
        _, messages = talk(port, first, [message] if message else [])
        assert said in messages[-1]["error"]

    def test_one_at_a_time_and_free_again(self, port):
        with connect(f"ws://127.0.0.1:{port}/api/live") as one:
            one.send("{}")
            one.recv()
            with connect(f"ws://127.0.0.1:{port}/api/live") as other:
                assert "another page" in str(other.recv())
        rows, _ = talk(port, {}, [picture([])])
        assert len(rows) == 1

    def test_times_always_rise(self):
        camera = Camera()
        for time_s in (5.0, 4.0, float("nan")):
            camera.put(picture([], time_s=time_s))
        camera.end()
        times = [frame.time_s for frame in camera._frames()]
        assert np.diff(times).min() > 0

    def test_other_size_is_refused(self):
        camera = Camera()
        camera.put(picture([]))
        with pytest.raises(VideoError, match="changed their size"):
            camera.put(picture([], (120, 200)))

    def test_colours(self):
        image = decode(picture([(20, 20)])[8:])
        assert np.abs(image[60, 35].astype(int) - fakes.RED).max() < 12


class TestRows:
    def test_floor_is_zero_and_up_is_second(self):
        result = make_result()
        about = describe(result.landmark_names)
        rows = rows_of(result)
        assert rows.shape == (6, 1 + len(ANGLE_NAMES) + 3 * about["points"])
        knee = 1 + ANGLE_NAMES.index("knee_angle_r")
        assert rows[0, knee] == pytest.approx(np.degrees(result.angles["knee_angle_r"][0]), abs=1e-3)
        assert np.isnan(rows[MISSED, 1:]).all()
        points_m = rows[0, 1 + len(ANGLE_NAMES) :].reshape(-1, 3)
        assert points_m[0] == pytest.approx([0.0, 1.0, 0.0], abs=1e-5)

    def test_is_json(self):
        assert json.loads(json.dumps(describe(("heel_r",))))["version"]


def test_server_leaves_nothing_behind(monkeypatch, tmp_path):
    fakes.install(monkeypatch.setattr, monkeypatch.setitem)
    app = make_app(folder=tmp_path / "jobs", sets=BRIEF)
    film = fakes.make_film(tmp_path / "a.mp4", 12).read_bytes()
    with served(app) as port:
        ask(port, "POST", "/api/videos?name=a.mp4", body=film)
        assert (tmp_path / "jobs").exists()
    assert not (tmp_path / "jobs").exists()
