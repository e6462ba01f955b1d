"""Handles jobs until SIGTERM. A job that fails is left alone: the queue tries it again, and after
`maxReceiveCount` attempts sets it aside in the dead-letter queue, where it is in nobody's way.
"""

import argparse
import signal
import threading

import boto3

WAIT_SECONDS = 2


def handle(job: str, mended: bool) -> None:
    """The fault: jobs named poison fail, until the program is mended."""
    if job.startswith("poison") and not mended:
        raise ValueError("does not know what to do")


def work(queue_url: str, mended: bool, stopping: threading.Event) -> None:
    sqs = boto3.client("sqs")
    while not stopping.is_set():
        answer = sqs.receive_message(
            QueueUrl=queue_url,
            MaxNumberOfMessages=10,
            WaitTimeSeconds=WAIT_SECONDS,
            MessageSystemAttributeNames=["ApproximateReceiveCount"],
        )
        for message in answer.get("Messages", []):
            name = f"{message['MessageId']} {message['Body']}"
            attempt = f"attempt {message['Attributes']['ApproximateReceiveCount']}"
            try:
                handle(message["Body"], mended)
            except ValueError as error:
                # Neither deleted nor made visible: its visibility timeout is the pause until then.
                print(f"failed {name} {attempt}: {error}", flush=True)
                continue
            print(f"handled {name} {attempt}", flush=True)
            sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("queue_url")
    parser.add_argument("--mended", action="store_true")
    arguments = parser.parse_args()
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    work(arguments.queue_url, arguments.mended, stopping)


if __name__ == "__main__":
    main()
