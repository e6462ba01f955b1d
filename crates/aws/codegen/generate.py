#!/usr/bin/env python3
"""Generates `src/generated/` from the service model that botocore ships.

    python3 codegen/generate.py           writes the files
    python3 codegen/generate.py --check   exits 1 if the committed files are stale

Needs `botocore` (PyPI) and `rustfmt`. The model is read through botocore's own loader, so that its
version decides what is generated. Three things are not in the model and stand here: HTTP status and
Query code of each error (recorded from AWS), the errors that AWS raises without modelling them, and
the names that collections have in the Query protocol, which the model no longer describes.
"""

import pathlib
import re
import subprocess
import sys

import botocore
import botocore.loaders

SERVICE, VERSION = "sqs", "2012-11-05"
TARGET = pathlib.Path(__file__).resolve().parent.parent / "src" / "generated"
EDITION = "2024"

SIMPLE_QUEUE = "AWS.SimpleQueueService."
# Shape -> (HTTP status, code of the Query protocol).
MODELLED = {
    "BatchEntryIdsNotDistinct": (400, SIMPLE_QUEUE + "BatchEntryIdsNotDistinct"),
    "BatchRequestTooLong": (400, SIMPLE_QUEUE + "BatchRequestTooLong"),
    "EmptyBatchRequest": (400, SIMPLE_QUEUE + "EmptyBatchRequest"),
    "InvalidAddress": (404, "InvalidAddress"),
    "InvalidAttributeName": (400, "InvalidAttributeName"),
    "InvalidAttributeValue": (400, "InvalidAttributeValue"),
    "InvalidBatchEntryId": (400, SIMPLE_QUEUE + "InvalidBatchEntryId"),
    "InvalidIdFormat": (400, "InvalidIdFormat"),
    "InvalidMessageContents": (400, "InvalidMessageContents"),
    "InvalidSecurity": (403, "InvalidSecurity"),
    "KmsAccessDenied": (400, "KMS.AccessDeniedException"),
    "KmsDisabled": (400, "KMS.DisabledException"),
    "KmsInvalidKeyUsage": (400, "KMS.InvalidKeyUsageException"),
    "KmsInvalidState": (400, "KMS.InvalidStateException"),
    "KmsNotFound": (400, "KMS.NotFoundException"),
    "KmsOptInRequired": (403, "KMS.OptInRequired"),
    "KmsThrottled": (400, "KMS.ThrottlingException"),
    "MessageNotInflight": (400, SIMPLE_QUEUE + "MessageNotInflight"),
    "OverLimit": (403, "OverLimit"),
    "PurgeQueueInProgress": (403, SIMPLE_QUEUE + "PurgeQueueInProgress"),
    "QueueDeletedRecently": (400, SIMPLE_QUEUE + "QueueDeletedRecently"),
    "QueueDoesNotExist": (400, SIMPLE_QUEUE + "NonExistentQueue"),
    "QueueNameExists": (400, "QueueAlreadyExists"),
    "ReceiptHandleIsInvalid": (400, "ReceiptHandleIsInvalid"),
    "RequestThrottled": (400, "RequestThrottled"),
    "ResourceNotFoundException": (404, "ResourceNotFoundException"),
    "TooManyEntriesInBatchRequest": (400, SIMPLE_QUEUE + "TooManyEntriesInBatchRequest"),
    "UnsupportedOperation": (400, SIMPLE_QUEUE + "UnsupportedOperation"),
}
UNMODELLED = {
    "InternalFailure": (500, "InternalFailure"),
    "InvalidParameterValueException": (400, "InvalidParameterValue"),
    "MissingRequiredParameterException": (400, "MissingParameter"),
    "RequestEntityTooLargeException": (413, "RequestEntityTooLarge"),
    "SerializationException": (400, "MalformedInput"),
    "ServiceUnavailableException": (503, "ServiceUnavailable"),
    # What the SDKs of all languages retry with back-off, whatever their mode.
    "ThrottlingException": (400, "ThrottlingException"),
    "UnknownOperationException": (400, "InvalidAction"),
}

# What each element of a list is called in the Query protocol, and each entry of a map, its key and
# its value (the model of botocore 1.29, the last one for that protocol; move tasks and
# MessageSystemAttributeName came later: AWS's API reference).
LIST_NAMES = {
    "AWSAccountIdList": "AWSAccountId",
    "ActionNameList": "ActionName",
    "AttributeNameList": "AttributeName",
    "BatchResultErrorEntryList": "BatchResultErrorEntry",
    "BinaryList": "BinaryListValue",
    "ChangeMessageVisibilityBatchRequestEntryList": "ChangeMessageVisibilityBatchRequestEntry",
    "ChangeMessageVisibilityBatchResultEntryList": "ChangeMessageVisibilityBatchResultEntry",
    "DeleteMessageBatchRequestEntryList": "DeleteMessageBatchRequestEntry",
    "DeleteMessageBatchResultEntryList": "DeleteMessageBatchResultEntry",
    "ListMessageMoveTasksResultEntryList": "ListMessageMoveTasksResultEntry",
    "MessageAttributeNameList": "MessageAttributeName",
    "MessageList": "Message",
    "MessageSystemAttributeList": "MessageSystemAttributeName",
    "QueueUrlList": "QueueUrl",
    "SendMessageBatchRequestEntryList": "SendMessageBatchRequestEntry",
    "SendMessageBatchResultEntryList": "SendMessageBatchResultEntry",
    "StringList": "StringListValue",
    "TagKeyList": "TagKey",
}
MAP_NAMES = {
    "MessageBodyAttributeMap": ("MessageAttribute", "Name", "Value"),
    "MessageBodySystemAttributeMap": ("MessageSystemAttribute", "Name", "Value"),
    "MessageSystemAttributeMap": ("Attribute", "Name", "Value"),
    "QueueAttributeMap": ("Attribute", "Name", "Value"),
    "TagMap": ("Tag", "Key", "Value"),
}

MODEL = f"botocore {botocore.__version__}, {SERVICE} {VERSION}"
HEADER = f"""// Generated by codegen/generate.py from {MODEL}.
// Do not edit: change the generator and run it.

"""


def snake(name):
    name = name.replace("AWS", "Aws").replace("MD5", "Md5")
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


class Model:
    def __init__(self):
        model = botocore.loaders.Loader().load_service_model(SERVICE, "service-2", VERSION)
        self.shapes = model["shapes"]
        self.operations = dict(sorted(model["operations"].items()))
        inputs = [o["input"]["shape"] for o in self.operations.values() if "input" in o]
        outputs = [o["output"]["shape"] for o in self.operations.values() if "output" in o]
        self.inputs = self.reachable(inputs)
        self.outputs = self.reachable(outputs)

    def reachable(self, names):
        seen, todo = set(), list(names)
        while todo:
            name = todo.pop()
            if name in seen:
                continue
            seen.add(name)
            shape = self.shapes[name]
            todo += [member["shape"] for member in shape.get("members", {}).values()]
            todo += [shape[part]["shape"] for part in ("member", "key", "value") if part in shape]
        return seen

    def structures(self):
        used = self.inputs | self.outputs
        return [
            (name, shape)
            for name, shape in sorted(self.shapes.items())
            if shape["type"] == "structure" and name in used
        ]

    def rust_type(self, name):
        shape = self.shapes[name]
        kind = shape["type"]
        if kind == "string":
            return "Text<'a>"
        if kind == "blob":
            return "Blob<'a>"
        if kind in ("integer", "long"):
            return "Integer"
        if kind == "boolean":
            return "bool"
        if kind == "list":
            return f"List<{self.rust_type(shape['member']['shape'])}>"
        if kind == "map":
            assert self.shapes[shape["key"]["shape"]]["type"] == "string"
            return f"Map<'a, {self.rust_type(shape['value']['shape'])}>"
        assert kind == "structure", kind
        return name + self.lifetime(name)

    def lifetime(self, name):
        members = self.shapes[name].get("members", {}).values()
        return "<'a>" if any("'a" in self.rust_type(m["shape"]) for m in members) else ""


def shapes(model):
    out = [HEADER, "use serde::{Deserialize, Serialize};\n\n"]
    out.append("use crate::shape::{Blob, Integer, List, Map, Text};\n")
    for name, shape in model.structures():
        is_input, is_output = name in model.inputs, name in model.outputs
        derives = ["Clone", "Debug", "Default"]
        derives += ["Deserialize"] if is_input else []
        derives += ["Serialize"] if is_output else []
        out.append(f"\n#[derive({', '.join(derives)})]\n")
        out.append(f"pub(crate) struct {name}{model.lifetime(name)} {{\n")
        for member, target in shape.get("members", {}).items():
            rust = model.rust_type(target["shape"])
            collection = rust.startswith(("List<", "Map<")) and not is_input
            options = [f'rename = "{member}"']
            if is_input and "'a" in rust:
                options.insert(0, "borrow")
            if is_output:
                empty = f"{rust.split('<')[0]}::is_empty" if collection else "Option::is_none"
                options.append(f'skip_serializing_if = "{empty}"')
            out.append(f"    #[serde({', '.join(options)})]\n")
            rust = rust if collection else f"Option<{rust}>"
            out.append(f"    pub(crate) {snake(member)}: {rust},\n")
        out.append("}\n")
    return "".join(out)


def layout(model, name):
    """An expression for how a shape travels in the Query protocol."""
    shape = model.shapes[name]
    kind = shape["type"]
    if kind == "structure":
        return snake(name).upper()
    if kind == "list":
        element = layout(model, shape["member"]["shape"])
        return f'Layout::List {{ name: "{LIST_NAMES[name]}", element: &{element} }}'
    if kind == "map":
        entry, key, value = MAP_NAMES[name]
        of_value = layout(model, shape["value"]["shape"])
        names = f'name: "{entry}", key_name: "{key}", value_name: "{value}"'
        return f"Layout::Map {{ {names}, value: &{of_value} }}"
    assert kind in ("string", "blob", "integer", "long", "boolean"), kind
    return "Layout::Scalar"


def layouts(model):
    out = [HEADER, "use super::Action;\nuse crate::protocol::query::{Layout, Member};\n"]
    for name, shape in model.structures():
        out.append(f"\nstatic {snake(name).upper()}: Layout = Layout::Structure(&[\n")
        for member, target in shape.get("members", {}).items():
            of_member = layout(model, target["shape"])
            out.append(f'    Member {{ name: "{member}", layout: &{of_member} }},\n')
        out.append("]);\n")
    out.append("\nimpl Action {\n    /// Of the request.\n")
    out.append(
        "    pub(crate) fn request_layout(self) -> &'static Layout {\n        match self {\n"
    )
    for name, operation in model.operations.items():
        request = snake(operation["input"]["shape"]).upper()
        out.append(f"            Action::{name} => &{request},\n")
    out.append("        }\n    }\n\n    /// Of the result; `None` if there never is one.\n")
    out.append("    pub(crate) fn result_layout(self) -> Option<&'static Layout> {\n")
    out.append("        match self {\n")
    for name, operation in model.operations.items():
        if "output" in operation:
            result = snake(operation["output"]["shape"]).upper()
            out.append(f"            Action::{name} => Some(&{result}),\n")
    none = [f"Action::{n}" for n, o in model.operations.items() if "output" not in o]
    out.append(f"            {' | '.join(none)} => None,\n        }}\n    }}\n}}\n")
    return "".join(out)


def enumeration(name, doc, variants):
    """`variants` is a list of (variant, text)."""
    out = [f"\n/// {doc}\n#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]\n"]
    out.append(f"pub(crate) enum {name} {{\n")
    out += [f"    {variant},\n" for variant, _ in variants]
    out.append("}\n\n")
    out.append(f"impl {name} {{\n")
    out.append(f"    pub(crate) const ALL: [{name}; {len(variants)}] = [\n")
    out += [f"        {name}::{variant},\n" for variant, _ in variants]
    out.append("    ];\n\n")
    out.append(f"    pub(crate) fn parse(text: &str) -> Option<{name}> {{\n        match text {{\n")
    out += [f'            "{text}" => Some({name}::{variant}),\n' for variant, text in variants]
    out.append("            _ => None,\n        }\n    }\n\n")
    out.append("    pub(crate) const fn as_str(self) -> &'static str {\n        match self {\n")
    out += [f'            {name}::{variant} => "{text}",\n' for variant, text in variants]
    out.append("        }\n    }\n}\n")
    return "".join(out)


def names(model):
    def variants(shape):
        return [
            (value.replace("AWS", "Aws"), value)
            for value in sorted(model.shapes[shape]["enum"])
            if value != "All"
        ]

    return (
        HEADER.rstrip("\n")
        + "\n"
        + enumeration("Action", "What a client can ask for.", [(n, n) for n in model.operations])
        + enumeration(
            "QueueAttributeName", "Attributes of a queue.", variants("QueueAttributeName")
        )
        + enumeration(
            "MessageSystemAttributeName",
            "Attributes that the service gives to a message.",
            variants("MessageSystemAttributeName"),
        )
    )


def errors(model):
    modelled = {name for name, shape in model.shapes.items() if shape.get("exception")}
    assert modelled == set(MODELLED), f"table differs from model: {modelled ^ set(MODELLED)}"
    table = {n: ("com.amazonaws.sqs", *rest) for n, rest in MODELLED.items()}
    table |= {n: ("com.amazon.coral.service", *rest) for n, rest in UNMODELLED.items()}
    table = dict(sorted(table.items()))
    out = [HEADER.rstrip("\n"), "\n\n/// Errors as they go over the wire.\n"]
    out.append("#[derive(Clone, Copy, Debug, PartialEq, Eq)]\npub(crate) enum ErrorShape {\n")
    out += [f"    {name},\n" for name in table]
    out.append("}\n\nimpl ErrorShape {\n")
    out.append("    /// `__type` of the JSON protocol.\n")
    out.append("    pub(crate) const fn json_type(self) -> &'static str {\n        match self {\n")
    out += [f'            ErrorShape::{n} => "{t[0]}#{n}",\n' for n, t in table.items()]
    out.append("        }\n    }\n\n    /// `Code` of the Query protocol.\n")
    out.append("    pub(crate) const fn query_code(self) -> &'static str {\n        match self {\n")
    out += [f'            ErrorShape::{n} => "{t[2]}",\n' for n, t in table.items()]
    out.append("        }\n    }\n\n    pub(crate) const fn http_status(self) -> u16 {\n")
    out.append("        match self {\n")
    for status in sorted({t[1] for t in table.values()}):
        shapes_of_status = [f"ErrorShape::{n}" for n, t in table.items() if t[1] == status]
        out.append(f"            {' | '.join(shapes_of_status)} => {status},\n")
    out.append("        }\n    }\n}\n")
    return "".join(out)


def formatted(text):
    command = ["rustfmt", "--edition", EDITION, "--config", "max_width=100"]
    command += ["--config", "use_field_init_shorthand=true"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout


def main():
    model = Model()
    files = {
        "shapes.rs": shapes(model),
        "names.rs": names(model),
        "error_shape.rs": errors(model),
        "layouts.rs": layouts(model),
    }
    stale = []
    for name, text in files.items():
        path, text = TARGET / name, formatted(text)
        if "--check" not in sys.argv:
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            stale.append(name)
    if stale:
        sys.exit(f"stale: {', '.join(stale)}; run codegen/generate.py")


main()
