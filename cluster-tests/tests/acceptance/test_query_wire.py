"""The Query protocol on the wire: forms, queries in the path, XML, its JSON form."""

import base64
import urllib.parse

import pytest

from squorum_tests.client import ACCOUNT
from squorum_tests.query_model import NAMESPACE
from squorum_tests.raw_http import RawConnection

VERSION = {"Version": "2012-11-05"}


@pytest.fixture
def wire(node):
    with RawConnection(node.port) as connection:
        yield connection


@pytest.fixture
def url(wire, unique):
    created = wire.query("/", {"Action": "CreateQueue", "QueueName": unique(), **VERSION})
    return created.xml_text("CreateQueueResult/QueueUrl")


@pytest.fixture
def path(url):
    return urllib.parse.urlsplit(url).path


@pytest.fixture
def receive(wire, path):
    """The bodies of what the queue has."""

    def receive(count: int = 10) -> list[str]:
        form = {"Action": "ReceiveMessage", "MaxNumberOfMessages": str(count)}
        root = wire.query(path, form).xml
        return [body.text for body in root.iter(f"{{{NAMESPACE}}}Body")]

    return receive


def error_of(answer) -> tuple:
    return (
        answer.status,
        answer.xml_text("Error/Code"),
        answer.xml_text("Error/Message"),
    )


@pytest.mark.fact("query.answer-form", "wire.request-id")
def test_form_of_an_answer(wire, url):
    answer = wire.query("/", {"Action": "SendMessage", "QueueUrl": url, "MessageBody": "a"})
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/xml")
    assert answer.xml.tag == f"{{{NAMESPACE}}}SendMessageResponse"
    parts = [part.tag.removeprefix(f"{{{NAMESPACE}}}") for part in answer.xml]
    assert parts == ["SendMessageResult", "ResponseMetadata"]
    assert answer.xml_text("SendMessageResult/MD5OfMessageBody") is not None
    request_id = answer.xml_text("ResponseMetadata/RequestId")
    assert request_id == answer.headers["x-amzn-requestid"]
    assert len(request_id) == 36


@pytest.mark.fact("query.answer-form")
def test_answers_without_a_result(wire, url):
    """No `Result` where the action has no output; an empty one where nothing came."""
    for fields in (
        {
            "Action": "SetQueueAttributes",
            "Attribute.1.Name": "DelaySeconds",
            "Attribute.1.Value": "0",
        },
        {"Action": "PurgeQueue"},
    ):
        answer = wire.query("/", {"QueueUrl": url, **fields})
        parts = [part.tag.removeprefix(f"{{{NAMESPACE}}}") for part in answer.xml]
        assert (answer.status, parts) == (200, ["ResponseMetadata"]), fields
    empty = wire.query("/", {"Action": "ReceiveMessage", "QueueUrl": url})
    assert b"<ReceiveMessageResult/>" in empty.body


@pytest.mark.fact("query.form", "query.queue-of-the-path", "query.version-optional")
def test_forms_at_the_root_and_at_the_queue(wire, url, path, receive):
    send = {"Action": "SendMessage", "MessageBody": "at the root", "QueueUrl": url}
    assert wire.query("/", {**send, **VERSION}).status == 200
    assert wire.query(path, {"Action": "SendMessage", "MessageBody": "at the queue"}).status == 200
    assert sorted(receive()) == ["at the queue", "at the root"]


@pytest.mark.fact("query.get")
def test_everything_in_the_path(wire, path, receive):
    sent = wire.query(path, {"Action": "SendMessage", "MessageBody": "a b&c", **VERSION}, "GET")
    assert sent.status == 200
    assert receive() == ["a b&c"]
    name = path.rsplit("/", 1)[1]
    found = wire.query("/", {"Action": "GetQueueUrl", "QueueName": name}, "GET")
    assert found.xml_text("GetQueueUrlResult/QueueUrl").endswith(path)


@pytest.mark.fact("query.queue-of-the-path", "queue-url.host-is-ignored")
def test_queue_url_wins_over_the_path(wire, url, path, receive):
    for given in (url, path.rsplit("/", 1)[1], f"https://queue.amazonaws.com{path}"):
        send = {"Action": "SendMessage", "MessageBody": given, "QueueUrl": given}
        assert wire.query(f"/{ACCOUNT}/elsewhere", send).status == 200
    assert len(receive()) == 3


@pytest.mark.fact("queue-url.aws-hosts")
@pytest.mark.parametrize(
    "host", ["sqs.eu-west-1.amazonaws.com", "eu-west-1.queue.amazonaws.com", "queue.amazonaws.com"]
)
def test_hosts_of_aws(wire, unique, host):
    create = {"Action": "CreateQueue", "QueueName": unique()}
    url = wire.query("/", create, Host=host).xml_text("CreateQueueResult/QueueUrl")
    assert urllib.parse.urlsplit(url).netloc == host
    path = urllib.parse.urlsplit(url).path
    sent = wire.query(path, {"Action": "SendMessage", "MessageBody": "a"}, Host=host)
    assert sent.status == 200


@pytest.mark.fact("query.names", "wire.binary")
def test_names_in_forms_and_in_xml(wire, path):
    """Lists and maps are flat, in both directions."""
    raw = base64.b64encode(b"\0\1\2").decode()
    sent = wire.query(
        path,
        {
            "Action": "SendMessageBatch",
            "SendMessageBatchRequestEntry.1.Id": "a",
            "SendMessageBatchRequestEntry.1.MessageBody": "body",
            "SendMessageBatchRequestEntry.1.MessageAttribute.1.Name": "text",
            "SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.DataType": "String",
            "SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.StringValue": "ü",
            "SendMessageBatchRequestEntry.1.MessageAttribute.2.Name": "raw",
            "SendMessageBatchRequestEntry.1.MessageAttribute.2.Value.DataType": "Binary",
            "SendMessageBatchRequestEntry.1.MessageAttribute.2.Value.BinaryValue": raw,
        },
    )
    entry = "SendMessageBatchResult/SendMessageBatchResultEntry"
    assert sent.xml_text(f"{entry}/Id") == "a"
    received = wire.query(
        path,
        {
            "Action": "ReceiveMessage",
            "AttributeName.1": "SenderId",
            "MessageAttributeName.1": "text",
            "MessageAttributeName.2": "raw",
        },
    )
    message = "ReceiveMessageResult/Message"
    assert received.xml_text(f"{message}/Body") == "body"
    assert received.xml_text(f"{message}/Attribute/Name") == "SenderId"
    found = {
        attribute.findtext(f"{{{NAMESPACE}}}Name"): [
            (part.tag.removeprefix(f"{{{NAMESPACE}}}"), part.text)
            for part in attribute.find(f"{{{NAMESPACE}}}Value")
        ]
        for attribute in received.xml.iter(f"{{{NAMESPACE}}}MessageAttribute")
    }
    assert {name: sorted(parts) for name, parts in found.items()} == {
        "text": [("DataType", "String"), ("StringValue", "ü")],
        "raw": [("BinaryValue", raw), ("DataType", "Binary")],
    }


@pytest.mark.fact("query.names", "tags.kept")
def test_names_of_tags(wire, unique):
    create = {"Action": "CreateQueue", "QueueName": unique()}
    tags = {"Tag.1.Key": "team", "Tag.1.Value": "blue", "Tag.2.Key": "stage", "Tag.2.Value": ""}
    url = wire.query("/", {**create, **tags}).xml_text("CreateQueueResult/QueueUrl")
    path = urllib.parse.urlsplit(url).path
    untag = {"Action": "UntagQueue", "TagKey.1": "stage"}
    assert wire.query(path, untag).status == 200
    listed = wire.query(path, {"Action": "ListQueueTags"})
    assert listed.xml_text("ListQueueTagsResult/Tag/Key") == "team"
    assert listed.xml_text("ListQueueTagsResult/Tag/Value") == "blue"


@pytest.mark.fact("query.names", "attribute.names")
def test_names_of_queue_attributes(wire, path):
    asked = {
        "Action": "GetQueueAttributes",
        "AttributeName.1": "DelaySeconds",
        "AttributeName.2": "VisibilityTimeout",
    }
    found = wire.query(path, asked).xml.iter(f"{{{NAMESPACE}}}Attribute")
    pairs = {tuple(part.text for part in attribute) for attribute in found}
    assert pairs == {("DelaySeconds", "0"), ("VisibilityTimeout", "30")}
    assert b"<Attribute>" not in wire.query(path, {"Action": "GetQueueAttributes"}).body


@pytest.mark.fact("query.both-attribute-name-lists")
@pytest.mark.parametrize("parameter", ["AttributeName", "MessageSystemAttributeName"])
def test_both_lists_of_attribute_names(wire, path, parameter):
    wire.query(path, {"Action": "SendMessage", "MessageBody": "a"})
    received = wire.query(path, {"Action": "ReceiveMessage", f"{parameter}.1": "SentTimestamp"})
    assert received.xml_text("ReceiveMessageResult/Message/Attribute/Name") == "SentTimestamp"


@pytest.mark.fact("query.carriage-return")
@pytest.mark.parametrize("body", ["a\r\nb\rc", "\"quoted\" & <tagged> 'all'", "\ttab\n", "ü€😀"])
def test_bodies_in_xml(wire, path, receive, body):
    wire.query(path, {"Action": "SendMessage", "MessageBody": body})
    assert receive() == [body]


@pytest.mark.fact("query.error-body")
def test_form_of_an_error(wire, url):
    answer = wire.query("/", {"Action": "PurgeQueue", "QueueUrl": url + "-missing"})
    assert error_of(answer) == (
        400,
        "AWS.SimpleQueueService.NonExistentQueue",
        "The specified queue does not exist for this wsdl version.",
    )
    assert answer.xml.tag == f"{{{NAMESPACE}}}ErrorResponse"
    assert answer.headers["content-type"].startswith("text/xml")
    assert answer.xml_text("Error/Type") == "Sender"
    assert b"<Detail/>" in answer.body
    assert answer.xml_text("RequestId") == answer.headers["x-amzn-requestid"]


@pytest.mark.fact("wire.missing-parameter")
def test_missing_parameter(wire, path):
    answer = wire.query(path, {"Action": "SendMessage"})
    text = "The request must contain the parameter MessageBody."
    assert error_of(answer) == (400, "MissingParameter", text)


@pytest.mark.fact("query.unknown-action")
def test_unknown_action(wire, path):
    text = "The action FooBar is not valid for this endpoint."
    for target in ("/", path):
        for method in ("POST", "GET"):
            answer = wire.query(target, {"Action": "FooBar"}, method)
            assert error_of(answer) == (400, "InvalidAction", text), (target, method)


@pytest.mark.fact("query.actions-of-queue-paths")
def test_actions_that_queue_paths_do_not_have(wire, path, unique):
    for fields in ({"Action": "CreateQueue", "QueueName": unique()}, {"Action": "ListQueues"}):
        text = f"The action {fields['Action']} is not valid for this endpoint."
        assert error_of(wire.query(path, fields)) == (400, "InvalidAction", text)
    other = unique()
    wire.query("/", {"Action": "CreateQueue", "QueueName": other})
    found = wire.query(path, {"Action": "GetQueueUrl", "QueueName": other})
    assert found.xml_text("GetQueueUrlResult/QueueUrl").endswith(f"/{ACCOUNT}/{other}")


@pytest.mark.fact("query.no-action")
@pytest.mark.parametrize("accept", ["", "application/json"])
def test_no_action(wire, path, accept):
    answer = wire.query(path, {}, "GET", Accept=accept)
    assert answer.status == 404
    assert b"<UnknownOperationException/>" in answer.body
    assert answer.headers["content-type"].startswith("text/xml")


@pytest.mark.fact("query.accept-json")
def test_json_form_of_answers(wire, path):
    accept = {"Accept": "application/json"}
    listed = wire.query(
        "/", {"Action": "ListQueues", "QueueNamePrefix": path.rsplit("/", 1)[1]}, "GET", **accept
    )
    assert listed.headers["content-type"].startswith("application/json")
    response = listed.json["ListQueuesResponse"]
    assert len(response["ListQueuesResult"]["queueUrls"]) == 1
    request_id = response["ResponseMetadata"]["RequestId"]
    assert request_id == listed.headers["x-amzn-requestid"]
    asked = {"Action": "GetQueueAttributes", "AttributeName.1": "DelaySeconds"}
    found = wire.query(path, asked, "GET", **accept).json
    result = found["GetQueueAttributesResponse"]["GetQueueAttributesResult"]
    assert result["Attributes"] == [{"Name": "DelaySeconds", "Value": "0"}]
    wire.query(path, {"Action": "SendMessage", "MessageBody": "a"})
    received = wire.query(path, {"Action": "ReceiveMessage"}, "GET", **accept).json
    (message,) = received["ReceiveMessageResponse"]["ReceiveMessageResult"]["messages"]
    assert message["Body"] == "a"


@pytest.mark.fact("message.trace-header")
def test_trace_header_of_the_request(wire, path):
    trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
    wire.query(path, {"Action": "SendMessage", "MessageBody": "a"}, X_Amzn_Trace_Id=trace)
    asked = {"Action": "ReceiveMessage", "AttributeName.1": "AWSTraceHeader"}
    received = wire.query(path, asked)
    assert received.xml_text("ReceiveMessageResult/Message/Attribute/Value") == trace


@pytest.mark.fact("signature.optional-session-token")
def test_signed_in_the_path(wire, path, receive):
    """A presigned request, as botocore's SigV4QueryAuth makes them, or none at all."""
    signature = {
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": "test/20260101/us-east-1/sqs/aws4_request",
        "X-Amz-Date": "20260101T000000Z",
        "X-Amz-Expires": "3600",
        "X-Amz-SignedHeaders": "host",
        "X-Amz-Security-Token": "token",
        "X-Amz-Signature": "00",
    }
    send = {"Action": "SendMessage", "MessageBody": "presigned", **signature}
    assert wire.query(path, send, "GET", Authorization="").status == 200
    send = {"Action": "SendMessage", "MessageBody": "unsigned"}
    assert wire.query(path, send, "GET", Authorization="").status == 200
    assert sorted(receive()) == ["presigned", "unsigned"]


def test_identity_of_the_caller(wire):
    """STS on the same port: what SDKs and Terraform ask before anything else."""
    answer = wire.query("/", {"Action": "GetCallerIdentity", "Version": "2011-06-15"})
    assert answer.status == 200
    found = {part.tag.rsplit("}", 1)[1]: part.text for part in answer.xml.iter()}
    assert found["Account"] == ACCOUNT
    assert found["Arn"].startswith("arn:aws:")
    assert found["UserId"]
