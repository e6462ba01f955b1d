"""What the rows of the table of cases stand on: queues, handles and tasks, made when a row names them
by a placeholder such as `<url>`."""

import base64
import itertools
import json
import re
import uuid

from botocore.exceptions import ClientError

PLACEHOLDER = re.compile(r"<([a-z_]+)>")
_NUMBERS = itertools.count()


class Scene:
    """The placeholders of one case. Each is made once, by the method of its name."""

    def __init__(self, sqs):
        self._sqs = sqs
        self._prefix = f"case-{uuid.uuid4().hex[:12]}"
        self._made: dict[str, str] = {}

    def fill(self, value):
        """The value with its placeholders replaced, in texts, keys, lists and maps."""
        if isinstance(value, str):
            return PLACEHOLDER.sub(lambda found: self.get(found[1]), value)
        if isinstance(value, dict):
            return {self.fill(key): self.fill(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.fill(inner) for inner in value]
        return value

    def get(self, name: str) -> str:
        if name not in self._made:
            self._made[name] = getattr(self, f"_make_{name}")()
        return self._made[name]

    def _fresh(self, suffix: str = "") -> str:
        return f"{self._prefix}-{next(_NUMBERS)}{suffix}"

    def _create(self, name: str, **attributes: str) -> str:
        return self._sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]

    def _arn_of(self, url: str) -> str:
        answer = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return answer["Attributes"]["QueueArn"]

    def _received(self, url: str) -> str:
        answer = self._sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5)
        return answer["Messages"][0]["ReceiptHandle"]

    # Queues

    def _make_url(self) -> str:
        return self._create(self._fresh())

    def _make_name(self) -> str:
        return self.get("url").rsplit("/", 1)[1]

    def _make_arn(self) -> str:
        return self._arn_of(self.get("url"))

    def _make_account(self) -> str:
        return self.get("url").rsplit("/", 2)[1]

    def _make_fresh(self) -> str:
        return self._fresh()

    def _make_fresh_fifo(self) -> str:
        return self._fresh(".fifo")

    def _make_missing(self) -> str:
        return self.get("url") + "-missing"

    def _make_missing_arn(self) -> str:
        return self.get("arn") + "-missing"

    def _make_fifo(self) -> str:
        return self._create(
            self._fresh(".fifo"), FifoQueue="true", ContentBasedDeduplication="true"
        )

    def _make_fifo_arn(self) -> str:
        return self._arn_of(self.get("fifo"))

    def _make_plain_fifo(self) -> str:
        """Without content-based deduplication."""
        return self._create(self._fresh(".fifo"), FifoQueue="true")

    def _make_small(self) -> str:
        """Takes messages of 1,024 bytes."""
        return self._create(self._fresh(), MaximumMessageSize="1024")

    def _make_deleted_name(self) -> str:
        name = self._fresh()
        self._sqs.delete_queue(QueueUrl=self._create(name))
        return name

    def _make_purged(self) -> str:
        url = self._create(self._fresh())
        self._sqs.purge_queue(QueueUrl=url)
        return url

    def _make_purged_name(self) -> str:
        return self.get("purged").rsplit("/", 1)[1]

    def _make_delayed_name(self) -> str:
        name = self._fresh()
        self._create(name, DelaySeconds="2")
        return name

    def _make_labelled(self) -> str:
        """Has a permission of the label `known`."""
        url = self._create(self._fresh())
        account = url.rsplit("/", 2)[1]
        self._sqs.add_permission(
            QueueUrl=url, Label="known", AWSAccountIds=[account], Actions=["ReceiveMessage"]
        )
        return url

    # Messages

    def _make_handle(self) -> str:
        """Of a message that is in flight."""
        self._sqs.send_message(QueueUrl=self.get("url"), MessageBody="body")
        return self._received(self.get("url"))

    def _make_deleted_handle(self) -> str:
        handle = self._make_handle()
        self._sqs.delete_message(QueueUrl=self.get("url"), ReceiptHandle=handle)
        return handle

    def _make_foreign_handle(self) -> str:
        """Of a message of another queue."""
        url = self._create(self._fresh())
        self._sqs.send_message(QueueUrl=url, MessageBody="body")
        return self._received(url)

    # Dead letters

    def _make_dead_arn(self) -> str:
        """A dead-letter queue with one source and some messages."""
        dead = self._create(self._fresh())
        arn = self._arn_of(dead)
        policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1})
        self._create(self._fresh(), RedrivePolicy=policy)
        for number in range(5):
            self._sqs.send_message(QueueUrl=dead, MessageBody=str(number))
        self._made["dead"] = dead
        return arn

    def _make_dead(self) -> str:
        self.get("dead_arn")
        return self._made["dead"]

    def _make_closed_arn(self) -> str:
        """A queue that lets nobody use it for dead letters."""
        policy = json.dumps({"redrivePermission": "denyAll"})
        return self._arn_of(self._create(self._fresh(), RedriveAllowPolicy=policy))

    def _make_task(self) -> str:
        """A task that runs: one message a second."""
        answer = self._sqs.start_message_move_task(
            SourceArn=self.get("dead_arn"),
            DestinationArn=self.get("arn"),
            MaxNumberOfMessagesPerSecond=1,
        )
        return answer["TaskHandle"]

    def _make_running_arn(self) -> str:
        """A source whose messages are being moved."""
        self.get("task")
        return self.get("dead_arn")

    def _make_cancelled_task(self) -> str:
        handle = self._make_task()
        self._sqs.cancel_message_move_task(TaskHandle=handle)
        return handle

    def _make_unknown_task(self) -> str:
        return self._task_of(self.get("dead_arn"))

    def _make_task_of_missing(self) -> str:
        return self._task_of(self.get("missing_arn"))

    @staticmethod
    def _task_of(arn: str) -> str:
        task = {"taskId": str(uuid.uuid4()), "sourceArn": arn}
        return base64.b64encode(json.dumps(task).encode()).decode()

    def clean(self) -> None:
        """Ends the task that a case started, so that it moves nothing any more."""
        task = self._made.get("task")
        if task is not None:
            try:
                self._sqs.cancel_message_move_task(TaskHandle=task)
            except ClientError:
                return
