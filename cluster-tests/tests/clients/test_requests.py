"""Requests as clients send them that these tests do not install, by their documentation: Spring on the
AWS SDK for Java 2, MassTransit on .NET, Laravel on PHP, KEDA on Go; what each wants of an answer."""

import base64
import hashlib
import http.client
import json
import struct
from urllib.parse import urlsplit

from squorum_tests.raw_http import AUTHORIZATION


def call(node, action: str, payload: dict, path: str = "/", **headers: str):
    """Headers and structure of an answer that must be 200."""
    connection = http.client.HTTPConnection(node.place.host, node.port, timeout=30)
    given = {
        "Content-Type": "application/x-amz-json-1.0",
        "X-Amz-Target": f"AmazonSQS.{action}",
        "Authorization": AUTHORIZATION,
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    try:
        connection.request("POST", path, json.dumps(payload), given)
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    assert answer.status == 200, body
    return answer.headers, json.loads(body or "{}")


def test_spring_on_java(node, queue):
    """Java sends its own types behind the dot, asks for the codes of old errors, and throws when its
    digest of the attributes is another than the answer's."""
    made = queue()
    java = {
        "x_amzn_query_mode": "true",
        "amz_sdk_invocation_id": "4a1f6bd0-5a9d-0f4c-8f2e-0d8c9b7d1f11",
        "amz_sdk_request": "attempt=1; max=4",
        "User_Agent": "aws-sdk-java/2.31.0 md/io#sync md/http#Apache ua/2.1 api/SQS#2.31.x",
    }
    attributes = {
        "contentType": {"DataType": "String", "StringValue": "application/json"},
        "id": {"DataType": "String.java.util.UUID", "StringValue": "0d2f6a2e"},
        "timestamp": {"DataType": "Number.java.lang.Long", "StringValue": "1493147359900"},
        "raw": {"DataType": "Binary", "BinaryValue": base64.b64encode(b"\0\xff").decode()},
    }
    sent = {"QueueUrl": made.url, "MessageBody": "{}", "MessageAttributes": attributes}
    _, answer = call(node, "SendMessage", sent, **java)
    assert answer["MD5OfMessageAttributes"] == digest_of(attributes)
    assert answer["MD5OfMessageBody"] == hashlib.md5(b"{}").hexdigest()
    asked = {"QueueUrl": made.url, "MessageAttributeNames": ["All"], "MaxNumberOfMessages": 10}
    headers, answer = call(node, "ReceiveMessage", asked | {"WaitTimeSeconds": 20}, **java)
    assert headers["Content-Type"] == "application/x-amz-json-1.0"
    (message,) = answer["Messages"]
    assert message["MessageAttributes"] == attributes
    assert message["MD5OfMessageAttributes"] == digest_of(attributes)
    # An empty answer has no list that Java would take for a message.
    assert call(node, "ReceiveMessage", asked, **java)[1] == {}


def digest_of(attributes: dict) -> str:
    """By the names in order: length and bytes of name, type and value, and one byte of their kind."""
    parts = []
    for name, value in sorted(attributes.items()):
        text = value.get("StringValue")
        content = text.encode() if text is not None else base64.b64decode(value["BinaryValue"])
        kind = b"\1" if text is not None else b"\2"
        name_and_type = (name.encode(), value["DataType"].encode())
        parts += [struct.pack(">I", len(part)) + part for part in name_and_type]
        parts.append(kind + struct.pack(">I", len(content)) + content)
    return hashlib.md5(b"".join(parts)).hexdigest()


def test_masstransit_on_dotnet(node, unique):
    """.NET prints booleans with a capital, and sends empty maps."""
    name = unique(".fifo")
    attributes = {"FifoQueue": "True", "ContentBasedDeduplication": "True"}
    asked = {"QueueName": name, "Attributes": attributes, "tags": {}}
    url = call(node, "CreateQueue", asked)[1]["QueueUrl"]
    assert call(node, "CreateQueue", asked)[1]["QueueUrl"] == url
    names = {"QueueUrl": url, "AttributeNames": ["All"]}
    found = call(node, "GetQueueAttributes", names)[1]["Attributes"]
    assert found["FifoQueue"] == found["ContentBasedDeduplication"] == "true"
    entry = {"Id": "1", "MessageBody": "x", "MessageGroupId": "g", "MessageAttributes": {}}
    batch = {"QueueUrl": url, "Entries": [entry]}
    assert "MD5OfMessageAttributes" not in call(node, "SendMessageBatch", batch)[1]["Successful"][0]


def test_laravel_on_php(node, queue):
    """PHP posts JSON to the path of the queue."""
    made = queue()
    path = urlsplit(made.url).path
    job = json.dumps({"displayName": "App\\Jobs\\Resize", "attempts": 0})
    call(node, "SendMessage", {"QueueUrl": made.url, "MessageBody": job}, path)
    asked = {"QueueUrl": made.url, "AttributeNames": ["ApproximateReceiveCount"]}
    (message,) = call(node, "ReceiveMessage", asked, path)[1]["Messages"]
    assert message["Body"] == job
    # It counts its attempts by this.
    assert message["Attributes"] == {"ApproximateReceiveCount": "1"}
    # A job that is released comes back after a delay of its own.
    handle = {"QueueUrl": made.url, "ReceiptHandle": message["ReceiptHandle"]}
    call(node, "ChangeMessageVisibility", handle | {"VisibilityTimeout": 0}, path)
    (message,) = call(node, "ReceiveMessage", asked, path)[1]["Messages"]
    assert message["Attributes"] == {"ApproximateReceiveCount": "2"}
    handle["ReceiptHandle"] = message["ReceiptHandle"]
    call(node, "DeleteMessage", handle, path)
    assert made.counters() == (0, 0, 0)


def test_keda(node, queue):
    """It scales by three counters, and takes a queue's name from a path of exactly two segments."""
    made = queue()
    made.send_batch([{"Id": str(number), "MessageBody": "x"} for number in range(3)])
    made.receive_one()
    assert len(urlsplit(made.url).path.strip("/").split("/")) == 2
    names = (
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateNumberOfMessagesDelayed",
    )
    asked = {"QueueUrl": made.url, "AttributeNames": list(names)}
    found = call(node, "GetQueueAttributes", asked)[1]["Attributes"]
    assert found == dict(zip(names, ("2", "1", "0"), strict=True))
