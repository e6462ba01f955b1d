"""What Terraform's AWS provider does with an `aws_sqs_queue`: `resource.py NAME FASTER` creates it,
waits until what was set reads back equal six times in a row, changes it, waits again, deletes it, and
waits until it was not there fifteen times in a row. The provider pauses five seconds between two reads,
and three after a deletion, here divided by FASTER. Prints what it saw as one JSON object.
"""

import json
import os
import sys
import time

import boto3

EQUAL_READS = 6
PAUSE_SECONDS = 5.0
MISSING_READS = 15
PAUSE_AFTER_DELETE_SECONDS = 3.0
READS_MAX = 60
# Compared by what they mean: the provider does not mind spaces and the order of keys.
DOCUMENTS = {"Policy", "RedrivePolicy", "RedriveAllowPolicy"}
# A default that AWS does not show; the provider has known that since its issue 19786.
HIDDEN = {"KmsDataKeyReusePeriodSeconds": "300"}


class Resource:
    def __init__(self, sqs, name: str, faster: float):
        self.sqs = sqs
        self.name = name
        self.faster = faster
        self.url = ""
        self.reads = 0

    def create(self, attributes: dict[str, str], tags: dict[str, str]) -> None:
        answer = self.sqs.create_queue(QueueName=self.name, Attributes=attributes, tags=tags)
        self.url = answer["QueueUrl"]
        self.wait_until_equal(attributes)
        assert self.sqs.list_queue_tags(QueueUrl=self.url)["Tags"] == tags

    def update(self, attributes: dict[str, str], old_tags: dict, tags: dict[str, str]) -> None:
        self.sqs.set_queue_attributes(QueueUrl=self.url, Attributes=attributes)
        self.wait_until_equal(attributes)
        self.sqs.untag_queue(QueueUrl=self.url, TagKeys=sorted(old_tags))
        self.sqs.tag_queue(QueueUrl=self.url, Tags=tags)
        assert self.sqs.list_queue_tags(QueueUrl=self.url)["Tags"] == tags

    def wait_until_equal(self, wanted: dict[str, str]) -> None:
        equal = 0
        for _ in range(READS_MAX):
            answer = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["All"])
            self.reads += 1
            equal = equal + 1 if is_equal(answer.get("Attributes", {}), wanted) else 0
            if equal == EQUAL_READS:
                return
            time.sleep(PAUSE_SECONDS / self.faster)
        raise TimeoutError(f"{wanted} did not come: {answer}")

    def delete(self) -> None:
        self.sqs.delete_queue(QueueUrl=self.url)
        missing = 0
        for _ in range(READS_MAX):
            missing = missing + 1 if self.is_missing() else 0
            if missing == MISSING_READS:
                return
            time.sleep(PAUSE_AFTER_DELETE_SECONDS / self.faster)
        raise TimeoutError("it does not go away")

    def is_missing(self) -> bool:
        self.reads += 1
        try:
            self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["All"])
        except self.sqs.exceptions.QueueDoesNotExist as error:
            return error.response["Error"]["Code"] == "AWS.SimpleQueueService.NonExistentQueue"
        return False


def is_equal(found: dict[str, str], wanted: dict[str, str]) -> bool:
    """An empty text is set to take an attribute away: it is then not there. Nor is what HIDDEN has."""
    for name, value in wanted.items():
        got = found.get(name, HIDDEN.get(name, ""))
        if name in DOCUMENTS and value and got:
            got, value = json.loads(got), json.loads(value)
        if got != value:
            return False
    return True


def main(name: str, faster: float) -> None:
    sqs = boto3.client("sqs", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
    dead = Resource(sqs, f"{name}-dead", faster)
    dead.create({"MessageRetentionPeriod": "1209600"}, {"Name": "dead letters"})
    arn = sqs.get_queue_attributes(QueueUrl=dead.url, AttributeNames=["QueueArn"])
    arn = arn["Attributes"]["QueueArn"]
    account = arn.split(":")[4]
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "send",
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
                "Action": "sqs:SendMessage",
                "Resource": arn.removesuffix("-dead"),
            }
        ],
    }
    queue = Resource(sqs, name, faster)
    queue.create(
        {
            "DelaySeconds": "90",
            "MaximumMessageSize": "2048",
            "MessageRetentionPeriod": "86400",
            "ReceiveMessageWaitTimeSeconds": "10",
            "VisibilityTimeout": "30",
            "SqsManagedSseEnabled": "true",
            "RedrivePolicy": json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 4}),
            "Policy": json.dumps(policy),
        },
        {"Environment": "production", "Name": ""},
    )
    queue.update(
        {"DelaySeconds": "0", "RedrivePolicy": "", "Policy": ""},
        {"Environment": "production", "Name": ""},
        {"Environment": "test"},
    )
    fifo = Resource(sqs, f"{name}.fifo", faster)
    fifo.create(
        {
            "FifoQueue": "true",
            "ContentBasedDeduplication": "true",
            "DeduplicationScope": "messageGroup",
            "FifoThroughputLimit": "perMessageGroupId",
            "KmsMasterKeyId": "alias/aws/sqs",
            "KmsDataKeyReusePeriodSeconds": "300",
        },
        {"Name": "in order"},
    )
    resources = (fifo, queue, dead)
    for resource in resources:
        resource.delete()
    reads = {resource.name.removeprefix(name): resource.reads for resource in resources}
    print(json.dumps({"reads": reads}))


main(sys.argv[1], float(sys.argv[2]))
