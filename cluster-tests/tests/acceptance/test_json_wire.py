"""AWS JSON 1.0 on the wire, where SDKs hide it: names, absences, headers, paths."""

import base64

import pytest

from squorum_tests.client import ACCOUNT
from squorum_tests.raw_http import RawConnection, request_bytes


@pytest.fixture
def wire(node):
    with RawConnection(node.port) as connection:
        yield connection


@pytest.fixture
def url(wire, unique):
    return wire.call("CreateQueue", {"QueueName": unique()}).json["QueueUrl"]


@pytest.mark.fact("json.content-type", "wire.request-id")
def test_headers_of_an_answer(wire, url):
    answer = wire.call("SendMessage", {"QueueUrl": url, "MessageBody": "a"})
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/x-amz-json-1.0"
    assert len(answer.headers["x-amzn-requestid"]) == 36
    assert "x-amzn-query-error" not in answer.headers
    other = wire.call("SendMessage", {"QueueUrl": url, "MessageBody": "a"})
    assert other.headers["x-amzn-requestid"] != answer.headers["x-amzn-requestid"]


@pytest.mark.fact("json.absent-not-empty")
def test_what_has_no_value_is_absent(wire, url):
    nothing = f"{url.rsplit('/', 1)[1]}-nothing"
    calls = {
        "ReceiveMessage": {"QueueUrl": url},
        "GetQueueAttributes": {"QueueUrl": url},
        "ListQueues": {"QueueNamePrefix": nothing},
        "ListQueueTags": {"QueueUrl": url},
    }
    for action, arguments in calls.items():
        answer = wire.call(action, arguments)
        assert (answer.status, answer.body.strip()) in ((200, b"{}"), (200, b"")), action
    for action in ("SetQueueAttributes", "PurgeQueue", "DeleteQueue"):
        answer = wire.call(action, {"QueueUrl": url, "Attributes": {"DelaySeconds": "0"}})
        assert (answer.status, answer.body) == (200, b""), action


@pytest.mark.fact("json.absent-not-empty", "batch.results")
def test_batches_answer_no_empty_lists(wire, url):
    sent = wire.call(
        "SendMessageBatch", {"QueueUrl": url, "Entries": [{"Id": "a", "MessageBody": "a"}]}
    )
    assert sent.json.keys() == {"Successful"}
    failed = wire.call(
        "DeleteMessageBatch", {"QueueUrl": url, "Entries": [{"Id": "a", "ReceiptHandle": "x"}]}
    )
    assert failed.json.keys() == {"Failed"}
    assert failed.json["Failed"][0].keys() == {"Id", "SenderFault", "Code", "Message"}


@pytest.mark.fact("json.lower-case-names", "tags.kept")
def test_names_in_lower_case(wire, unique):
    """`tags` of CreateQueue and `queueUrls` of ListDeadLetterSourceQueues."""
    created = wire.call("CreateQueue", {"QueueName": unique(), "tags": {"team": "blue"}})
    dead = created.json["QueueUrl"]
    assert wire.call("ListQueueTags", {"QueueUrl": dead}).json == {"Tags": {"team": "blue"}}
    found = wire.call("GetQueueAttributes", {"QueueUrl": dead, "AttributeNames": ["QueueArn"]})
    arn = found.json["Attributes"]["QueueArn"]
    policy = f'{{"deadLetterTargetArn":"{arn}","maxReceiveCount":"1"}}'
    attributes = {"RedrivePolicy": policy}
    source = wire.call("CreateQueue", {"QueueName": unique(), "Attributes": attributes})
    listed = wire.call("ListDeadLetterSourceQueues", {"QueueUrl": dead})
    assert listed.json == {"queueUrls": [source.json["QueueUrl"]]}


@pytest.mark.fact("json.error-body", "json.error-namespaces")
def test_errors(wire, url):
    modelled = wire.call("PurgeQueue", {"QueueUrl": url + "-missing"})
    assert modelled.status == 400
    assert modelled.json == {
        "__type": "com.amazonaws.sqs#QueueDoesNotExist",
        "message": "The specified queue does not exist.",
    }
    code = "AWS.SimpleQueueService.NonExistentQueue;Sender"
    assert modelled.headers["x-amzn-query-error"] == code
    assert modelled.headers["content-type"] == "application/x-amz-json-1.0"
    assert len(modelled.headers["x-amzn-requestid"]) == 36
    other = wire.call("SendMessage", {"QueueUrl": url})
    assert other.json["__type"] == "com.amazon.coral.service#MissingRequiredParameterException"
    assert other.headers["x-amzn-query-error"] == "MissingParameter;Sender"
    value = wire.call("ReceiveMessage", {"QueueUrl": url, "MaxNumberOfMessages": 11})
    assert value.json["__type"] == "com.amazon.coral.service#InvalidParameterValueException"
    assert value.headers["x-amzn-query-error"] == "InvalidParameterValue;Sender"


@pytest.mark.fact("json.queue-path", "queue-url.host-is-ignored")
def test_at_the_path_of_a_queue(wire, url):
    """As PHP's SDK posts; whatever the path, `QueueUrl` counts."""
    name = url.rsplit("/", 1)[1]
    for path in (f"/{ACCOUNT}/{name}", "/elsewhere/nothing"):
        sent = request_bytes("SendMessage", {"QueueUrl": url, "MessageBody": path})
        wire.send(sent.replace(b"POST / ", f"POST {path} ".encode()))
        assert wire.read_answer().status == 200
    received = wire.call("ReceiveMessage", {"QueueUrl": name, "MaxNumberOfMessages": 2})
    bodies = {message["Body"] for message in received.json["Messages"]}
    assert bodies == {f"/{ACCOUNT}/{name}", "/elsewhere/nothing"}


@pytest.mark.fact("queue-url.aws-hosts")
@pytest.mark.parametrize(
    "host", ["sqs.us-east-1.amazonaws.com", "us-east-1.queue.amazonaws.com", "queue.amazonaws.com"]
)
def test_hosts_of_aws(wire, unique, host):
    """The URL leads back to the host that the client asked."""
    name = unique()
    url = wire.call("CreateQueue", {"QueueName": name}, Host=host).json["QueueUrl"]
    assert url == f"http://{host}/{ACCOUNT}/{name}"
    sent = wire.call("SendMessage", {"QueueUrl": url, "MessageBody": "a"})
    assert sent.status == 200


@pytest.mark.fact("wire.binary")
def test_binary_is_base64(wire, url):
    raw = bytes(range(256))
    value = {"DataType": "Binary", "BinaryValue": base64.b64encode(raw).decode()}
    message = {"QueueUrl": url, "MessageBody": "a", "MessageAttributes": {"b": value}}
    assert wire.call("SendMessage", message).status == 200
    received = wire.call("ReceiveMessage", {"QueueUrl": url, "MessageAttributeNames": ["All"]})
    assert received.json["Messages"][0]["MessageAttributes"] == {"b": value}


@pytest.mark.fact("message.trace-header")
def test_trace_header_of_the_request(wire, url):
    """Kept, but no system attribute of the message: there is no digest of it."""
    trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
    message = {"QueueUrl": url, "MessageBody": "a"}
    sent = wire.call("SendMessage", message, X_Amzn_Trace_Id=trace)
    assert "MD5OfMessageSystemAttributes" not in sent.json
    received = wire.call(
        "ReceiveMessage", {"QueueUrl": url, "MessageSystemAttributeNames": ["AWSTraceHeader"]}
    )
    assert received.json["Messages"][0]["Attributes"] == {"AWSTraceHeader": trace}


@pytest.mark.fact("signature.optional-session-token")
def test_signed_by_header_with_a_session_token_or_not_at_all(wire, url):
    message = {"QueueUrl": url, "MessageBody": "a"}
    assert wire.call("SendMessage", message, X_Amz_Security_Token="token").status == 200
    assert wire.call("SendMessage", message, Authorization="").status == 200


def test_unknown_action(wire):
    answer = wire.call("FooBar", {})
    assert answer.status == 400
    assert answer.json["message"] == "The action FooBar is not valid for this endpoint."
    assert answer.headers["x-amzn-query-error"] == "InvalidAction;Sender"
