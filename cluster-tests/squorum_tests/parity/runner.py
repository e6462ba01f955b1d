"""Runs cases against an endpoint and says what was wrong. As a program, for an interpreter that has
boto3 and nothing else: `python3 -m squorum_tests.parity.runner ENDPOINT` prints what it found."""

import json
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from .cases import Case, all_cases
from .errors import ERRORS
from .scene import Scene

# What botocore adds to answers, and empty lists that the model requires of parsers.
NOT_MEMBERS = {"ResponseMetadata"}


def problem_of(sqs, case: Case) -> str | None:
    """What is not as the case says; None if all is."""
    scene = Scene(sqs)
    try:
        arguments = scene.fill(case.arguments)
        expected = scene.fill(case.text)
        in_query = speaks_query(sqs)
        if in_query and case.text_in_query is not None:
            expected = case.text_in_query
        try:
            answer = getattr(sqs, method_of(sqs, case.action))(**arguments)
        except ClientError as error:
            if case.error is None or case.entry:
                return f"refused: {error}"
            return _problem_of_error(error.response, case, expected, in_query)
        except ResponseParserError as error:
            return f"answered what is no answer: {error}"
        if case.entry:
            return _problem_of_entry(answer, case, expected)
        if case.error is not None:
            return f"not refused: {answer}"
        members = {name for name in answer if name not in NOT_MEMBERS}
        return None if members == case.members else f"answered {sorted(members)}"
    finally:
        scene.clean()


def speaks_query(sqs) -> bool:
    return sqs.meta.service_model.metadata["protocol"] == "query"


def method_of(sqs, action: str) -> str:
    methods = sqs.meta.method_to_api_mapping.items()
    return next(method for method, name in methods if name == action)


def _problem_of_error(response: dict, case: Case, text: str | None, in_query: bool) -> str | None:
    found, error = response["Error"], ERRORS[case.error]
    headers = response["ResponseMetadata"]["HTTPHeaders"]
    checks = {
        "code": (found.get("Code"), error.code),
        "status": (response["ResponseMetadata"]["HTTPStatusCode"], error.status),
        "party": (found.get("Type"), "Sender"),
    }
    if in_query:
        checks["type"] = (headers.get("content-type"), "text/xml")
    else:
        checks["shape"] = (found.get("QueryErrorCode"), case.error)
        checks["header"] = (headers.get("x-amzn-query-error"), f"{error.code};Sender")
    wrong = {name: got for name, (got, wanted) in checks.items() if got != wanted}
    if not says(found.get("Message", ""), text):
        wrong["text"] = found.get("Message")
    return f"answered {wrong}" if wrong else None


def _problem_of_entry(answer: dict, case: Case, text: str | None) -> str | None:
    failed = answer.get("Failed", [])
    if len(failed) != 1 or answer.get("Successful"):
        return f"answered {answer}"
    found = {name: failed[0].get(name) for name in ("Code", "SenderFault")}
    wanted = {"Code": ERRORS[case.error].code, "SenderFault": True}
    if found != wanted or not says(failed[0].get("Message", ""), text):
        return f"answered {failed[0]}"
    return None


def says(found: str, expected: str | None) -> bool:
    """`expected` may be the text's start, ending in "…"."""
    if expected is None:
        return True
    if expected.endswith("…"):
        return found.startswith(expected[:-1])
    return found == expected


def main(endpoint: str) -> None:
    config = Config(parameter_validation=False, retries={"total_max_attempts": 1})
    sqs = boto3.client(
        "sqs",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=config,
    )
    known = set(sqs.meta.method_to_api_mapping.values())
    cases = [case for case in all_cases() if case.action in known]
    wrong = {case.name: problem for case in cases if (problem := problem_of(sqs, case))}
    json.dump({"boto3": boto3.__version__, "cases": len(cases), "wrong": wrong}, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
