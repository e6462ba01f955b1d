"""Sends a message, waits for it, deletes it: plain boto3, nothing in it knows Squorum.

export AWS_ENDPOINT_URL=http://localhost:9324
export AWS_ACCESS_KEY_ID=anything AWS_SECRET_ACCESS_KEY=anything AWS_DEFAULT_REGION=us-east-1
python hello.py
"""

import boto3

sqs = boto3.client("sqs")
queue_url = sqs.create_queue(QueueName="hello")["QueueUrl"]

sent = sqs.send_message(QueueUrl=queue_url, MessageBody="Hello, Squorum!")
print("sent", sent["MessageId"])

# Long polling: answers as soon as a message is there, or empty after ten seconds.
received = sqs.receive_message(QueueUrl=queue_url, WaitTimeSeconds=10)
for message in received.get("Messages", []):
    print("received", message["MessageId"], message["Body"])
    sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
    print("deleted", message["MessageId"])
