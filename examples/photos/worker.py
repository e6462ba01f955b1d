"""Resizes photos until SIGTERM: one of any number of processes that share the work of one queue.

A message is deleted after its thumbnail is on disk and never before. A worker that dies keeps nothing:
what it had in its hands comes back when the visibility timeout is over, and another one does it.
"""

import argparse
import logging
import os
import signal
import sys
import threading
import time
from pathlib import Path

import boto3
from PIL import Image

# Up to 20 is possible and costs least; this is also the longest that an idle worker takes to end.
WAIT_SECONDS = 2
THUMBNAIL_PIXELS = (160, 160)

log = logging.getLogger("worker")


def resize(photo: Path) -> None:
    """Twice does no harm, as a message may come twice. The thumbnail appears whole or not at all."""
    thumbnail = photo.parent / "small" / photo.name
    unfinished = thumbnail.with_suffix(f".{os.getpid()}")
    with Image.open(photo) as picture:
        picture.thumbnail(THUMBNAIL_PIXELS)
        picture.save(unfinished, format="JPEG")
    unfinished.replace(thumbnail)


def work(queue_url: str, stopping: threading.Event) -> None:
    sqs = boto3.client("sqs")
    while not stopping.is_set():
        asked = time.monotonic()
        # One at a time: whatever a worker holds beyond that, an idle one could be doing.
        answer = sqs.receive_message(
            QueueUrl=queue_url, MaxNumberOfMessages=1, WaitTimeSeconds=WAIT_SECONDS
        )
        for message in answer.get("Messages", []):
            waited = time.monotonic() - asked
            photo = Path(message["Body"])
            log.info("received %s %s after %.3f s", message["MessageId"], photo.name, waited)
            resize(photo)
            sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
            log.info("deleted %s %s", message["MessageId"], photo.name)
    log.info("ended")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("queue_url")
    arguments = parser.parse_args()
    # SIGTERM ends the loop between two messages, so that a worker that is ended has none in its hands.
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    line = "%(asctime)s.%(msecs)03d worker %(process)d %(message)s"
    logging.basicConfig(format=line, datefmt="%Y-%m-%dT%H:%M:%S", stream=sys.stdout)
    log.setLevel(logging.INFO)
    work(arguments.queue_url, stopping)


if __name__ == "__main__":
    main()
