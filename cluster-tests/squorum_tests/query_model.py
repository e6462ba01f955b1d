"""boto3 over the Query protocol: the service's model as botocore ships it, with the names that forms
and XML had when SDKs still spoke them. botocore has the serializer and the parser; only its model of
SQS has moved on to JSON."""

import functools
import json
import tempfile
from pathlib import Path

import boto3
import botocore.loaders
import botocore.session

SERVICE, VERSION = "sqs", "2012-11-05"
NAMESPACE = f"http://queue.amazonaws.com/doc/{VERSION}/"
# What a list's elements are called; elements that are structures have the structure's name.
ELEMENTS = {
    "AWSAccountIdList": "AWSAccountId",
    "ActionNameList": "ActionName",
    "AttributeNameList": "AttributeName",
    "BinaryList": "BinaryListValue",
    "MessageAttributeNameList": "MessageAttributeName",
    "MessageSystemAttributeList": "MessageSystemAttributeName",
    "QueueUrlList": "QueueUrl",
    "StringList": "StringListValue",
    "TagKeyList": "TagKey",
}
# What a member of a structure is called, where it is a map or a list of values.
MEMBERS = {
    "Attributes": "Attribute",
    "BinaryListValues": "BinaryListValue",
    "MessageAttributes": "MessageAttribute",
    "MessageSystemAttributes": "MessageSystemAttribute",
    "StringListValues": "StringListValue",
    "Tags": "Tag",
    "tags": "Tag",
}


@functools.cache
def session() -> boto3.session.Session:
    """A session whose SQS clients speak Query."""
    core = botocore.session.Session()
    core.set_config_variable("data_path", str(_data_path()))
    return boto3.session.Session(botocore_session=core)


@functools.cache
def _data_path() -> Path:
    directory = Path(tempfile.mkdtemp(prefix="squorum-query-model-"))
    file = directory / SERVICE / VERSION / "service-2.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(model()))
    return directory


def model() -> dict:
    found = botocore.loaders.Loader().load_service_model(SERVICE, "service-2", VERSION)
    found = json.loads(json.dumps(found))
    metadata = found["metadata"]
    for member in ("awsQueryCompatible", "jsonVersion", "targetPrefix"):
        metadata.pop(member, None)
    metadata |= {"protocol": "query", "protocols": ["query"], "xmlNamespace": NAMESPACE}
    for name, operation in found["operations"].items():
        if "output" in operation:
            operation["output"]["resultWrapper"] = f"{name}Result"
    for name, shape in found["shapes"].items():
        _name_parts(name, shape, found["shapes"])
    return found


def _name_parts(name: str, shape: dict, shapes: dict) -> None:
    if shape["type"] == "list":
        element = shape["member"]
        is_structure = shapes[element["shape"]]["type"] == "structure"
        element["locationName"] = element["shape"] if is_structure else ELEMENTS[name]
    elif shape["type"] == "map":
        shape["key"]["locationName"] = "Key" if name == "TagMap" else "Name"
        shape["value"]["locationName"] = "Value"
    elif shape["type"] == "structure":
        for member, target in shape.get("members", {}).items():
            is_map = shapes[target["shape"]]["type"] == "map"
            if is_map or target["shape"] in ("BinaryList", "StringList"):
                target["locationName"] = MEMBERS[member]
