"""Errors of SQS: AWS's shape in the JSON protocol, its code in the Query protocol, its status."""

from typing import NamedTuple

MODELLED = "com.amazonaws.sqs#"
NOT_MODELLED = "com.amazon.coral.service#"
_SIMPLE = "AWS.SimpleQueueService."


class Error(NamedTuple):
    code: str
    status: int
    namespace: str = MODELLED


ERRORS = {
    "AccessDeniedException": Error("AccessDenied", 403, NOT_MODELLED),
    "BatchEntryIdsNotDistinct": Error(_SIMPLE + "BatchEntryIdsNotDistinct", 400),
    "BatchRequestTooLong": Error(_SIMPLE + "BatchRequestTooLong", 400),
    "EmptyBatchRequest": Error(_SIMPLE + "EmptyBatchRequest", 400),
    "InvalidAttributeName": Error("InvalidAttributeName", 400),
    "InvalidAttributeValue": Error("InvalidAttributeValue", 400),
    "InvalidBatchEntryId": Error(_SIMPLE + "InvalidBatchEntryId", 400),
    "InvalidMessageContents": Error("InvalidMessageContents", 400),
    "InvalidParameterValueException": Error("InvalidParameterValue", 400, NOT_MODELLED),
    "MissingRequiredParameterException": Error("MissingParameter", 400, NOT_MODELLED),
    "OverLimit": Error("OverLimit", 403),
    "PurgeQueueInProgress": Error(_SIMPLE + "PurgeQueueInProgress", 403),
    "QueueDeletedRecently": Error(_SIMPLE + "QueueDeletedRecently", 400),
    "QueueDoesNotExist": Error(_SIMPLE + "NonExistentQueue", 400),
    "QueueNameExists": Error("QueueAlreadyExists", 400),
    "ReceiptHandleIsInvalid": Error("ReceiptHandleIsInvalid", 400),
    "ResourceNotFoundException": Error("ResourceNotFoundException", 404),
    "TooManyEntriesInBatchRequest": Error(_SIMPLE + "TooManyEntriesInBatchRequest", 400),
    "UnsupportedOperation": Error(_SIMPLE + "UnsupportedOperation", 400),
}

# Errors that the model gives to actions and that no call to Squorum can bring about.
NEVER = {
    "InvalidAddress": "AWS refuses account ids that cannot be; here any twelve digits are an account",
    "InvalidIdFormat": "handles have one format only; others are `ReceiptHandleIsInvalid`",
    "InvalidSecurity": "signatures are not verified yet",
    "KmsAccessDenied": "nothing is encrypted yet",
    "KmsDisabled": "nothing is encrypted yet",
    "KmsInvalidKeyUsage": "nothing is encrypted yet",
    "KmsInvalidState": "nothing is encrypted yet",
    "KmsNotFound": "nothing is encrypted yet",
    "KmsOptInRequired": "nothing is encrypted yet",
    "KmsThrottled": "nothing is encrypted yet",
    "UnsupportedOperation": "every operation of the model is supported",
    "RequestThrottled": "rate quotas are not imitated; load that is too much is `ThrottlingException`",
}
# Where an error of an action is tested when it takes more than one call.
ELSEWHERE = {
    ("ReceiveMessage", "OverLimit"): "cluster-tests/tests/acceptance/test_long_windows.py",
}
# The same for one action: (action, error).
NEVER_OF_ACTION = {
    ("ChangeMessageVisibility", "MessageNotInflight"): "AWS changes the visibility of a message "
    "that is not in flight, as recorded; so does Squorum",
}
