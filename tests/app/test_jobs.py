import threading
import time

import pytest

from skelvid.app import jobs as module
from skelvid.app.jobs import Jobs
from skelvid.errors import VideoError


@pytest.fixture
def jobs(tmp_path):
    jobs = Jobs(tmp_path / "jobs")
    yield jobs
    jobs.close()


def until(job, *states):
    end_s = time.monotonic() + 30
    while job.state not in states:
        assert time.monotonic() < end_s
        time.sleep(0.01)


def test_files_of_a_done_job_and_no_hidden_ones(jobs):
    place = jobs.new_place()

    def work(progress):
        progress("drawing", 3, 9)
        (place / "results" / ".cache").mkdir(parents=True)
        (place / "results" / ".cache" / "part").touch()
        (place / "results" / "angles.csv").write_text("a")
        return ()

    (place / "upload").mkdir()
    job = jobs.add(place, work, leftovers=place / "upload")
    until(job, "done")
    told = jobs.get(job.job_id).told()
    assert told["files"] == [{"name": "angles.csv", "bytes": 1}]
    assert (told["stage"], told["done"], told["total"]) == ("drawing", 3, 9)
    jobs.remove(job)
    assert jobs.get(job.job_id) is None
    assert not place.exists()


@pytest.mark.parametrize(
    ("error", "said"), [(VideoError("too dark"), "too dark"), (ZeroDivisionError(), "skelvid itself failed")]
)
def test_failures_are_sentences_and_uploads_go(jobs, error, said, caplog):
    place = jobs.new_place()
    (place / "upload").mkdir()

    def work(progress):
        raise error

    job = jobs.add(place, work, leftovers=place / "upload")
    until(job, "failed")
    assert said in job.error
    end_s = time.monotonic() + 10
    while (place / "upload").exists():
        assert time.monotonic() < end_s
    assert job.files() == []


def test_removed_while_it_runs(jobs):
    place, begun = jobs.new_place(), threading.Event()

    def work(progress):
        while True:
            begun.set()
            progress("finding people", 1, None)
            time.sleep(0.01)

    job = jobs.add(place, work)
    assert begun.wait(10)
    jobs.remove(job)
    until(job, "failed")
    end_s = time.monotonic() + 10
    while place.exists():
        assert time.monotonic() < end_s


def test_one_after_the_other(jobs):
    running, most = 0, 0

    def work(progress):
        nonlocal running, most
        running += 1
        most = max(most, running)
        time.sleep(0.02)
        running -= 1
        return ()

    several = [jobs.add(jobs.new_place(), work) for _ in range(3)]
    for job in several:
        until(job, "done")
    assert most == 1


def test_forgotten_results_are_removed(jobs, monkeypatch):
    old = jobs.add(jobs.new_place(), lambda progress: ())
    until(old, "done")
    monkeypatch.setattr(module, "KEEP_S", -1.0)
    new = jobs.add(jobs.new_place(), lambda progress: ())
    assert jobs.get(old.job_id) is None
    assert not old.place.exists()
    until(new, "done")
