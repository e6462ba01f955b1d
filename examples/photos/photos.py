"""Takes photos, has four worker processes resize them, and ends when every one is done.

export AWS_ENDPOINT_URL=http://localhost:9324
export AWS_ACCESS_KEY_ID=anything AWS_SECRET_ACCESS_KEY=anything AWS_DEFAULT_REGION=us-east-1
python photos.py
"""

import argparse
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

import boto3
from PIL import Image, ImageDraw

WORKER = Path(__file__).with_name("worker.py")
WORKERS = 4
# Longer than a photo ever takes. What a dead worker held comes back after this time.
VISIBILITY_TIMEOUT_SECONDS = 10
BATCH = 10
SEND_ATTEMPTS = 5
DEADLINE_SECONDS = 300
# SIGTERM may come before a worker can hear it.
ENDED_WELL = {0, -signal.SIGTERM}
COUNTERS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)


def take_photos(directory: Path, count: int) -> list[Path]:
    """Each in a colour of its own, with its number in it."""
    (directory / "small").mkdir(parents=True, exist_ok=True)
    photos = []
    for number in range(count):
        colour = (number * 37 % 256, number * 91 % 256, number * 153 % 256)
        picture = Image.new("RGB", (1280, 960), colour)
        ImageDraw.Draw(picture).text((480, 360), str(number), fill="white", font_size=240)
        photos.append(directory / f"photo-{number:04}.jpg")
        picture.save(photos[-1])
    return photos


def send(sqs, queue_url: str, photos: list[Path]) -> None:
    """A batch may succeed in part: what the answer lists in `Failed` is sent again."""
    entries = [{"Id": str(n), "MessageBody": str(photo)} for n, photo in enumerate(photos)]
    for attempt in range(SEND_ATTEMPTS):
        time.sleep(attempt)
        answer = sqs.send_message_batch(QueueUrl=queue_url, Entries=entries)
        failed = {entry["Id"] for entry in answer.get("Failed", [])}
        entries = [entry for entry in entries if entry["Id"] in failed]
        if not entries:
            return
    raise RuntimeError(f"not sent: {entries}")


def is_empty(sqs, queue_url: str) -> bool:
    found = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=COUNTERS)["Attributes"]
    return all(found[name] == "0" for name in COUNTERS)


def wait(sqs, queue_url: str, photos: list[Path], workers: list[subprocess.Popen]) -> int:
    """Until every photo is resized and no message is left; returns how many photos are."""
    small = photos[0].parent / "small"
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        resized = sum((small / photo.name).exists() for photo in photos)
        if resized == len(photos) and is_empty(sqs, queue_url):
            return resized
        if time.monotonic() > deadline or any(worker.poll() is not None for worker in workers):
            return resized
        time.sleep(0.5)


def stop(workers: list[subprocess.Popen]) -> list[int]:
    """As an operating system or Kubernetes does: SIGTERM, then patience. Returns the exit codes."""
    for worker in workers:
        worker.terminate()
    return [worker.wait() for worker in workers]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=40)
    parser.add_argument("--directory", type=Path, help="where photos go (default: a new one)")
    parser.add_argument("--keep", action="store_true", help="leave the queue, to look at it")
    arguments = parser.parse_args()
    directory = arguments.directory or Path(tempfile.mkdtemp(prefix="photos-"))
    photos = take_photos(directory, arguments.photos)

    sqs = boto3.client("sqs")
    # A queue of its own for each run of the example; a program of yours has one for good.
    queue_url = sqs.create_queue(
        QueueName=f"photos-{uuid.uuid4().hex[:8]}",
        Attributes={"VisibilityTimeout": str(VISIBILITY_TIMEOUT_SECONDS)},
    )["QueueUrl"]
    print(f"queue {queue_url}", flush=True)
    command = [sys.executable, str(WORKER), queue_url]
    workers = [subprocess.Popen(command) for _ in range(WORKERS)]
    try:
        for first in range(0, len(photos), BATCH):
            send(sqs, queue_url, photos[first : first + BATCH])
        print(f"sent {len(photos)}", flush=True)
        resized = wait(sqs, queue_url, photos, workers)
    finally:
        exit_codes = stop(workers)
    empty = is_empty(sqs, queue_url)
    if not arguments.keep:
        sqs.delete_queue(QueueUrl=queue_url)
    print(f"resized {resized} of {len(photos)}, see {directory / 'small'}")
    return 0 if resized == len(photos) and empty and set(exit_codes) <= ENDED_WELL else 1


if __name__ == "__main__":
    sys.exit(main())
