"""Places orders: so many of each customer, one customer after the other, each order numbered.

A producer that heard no answer does not know whether its order was taken, so it sends it again with
the same MessageDeduplicationId: a FIFO queue takes it once, and answers as it did the first time. Here
every third answer counts as not heard.

One order a call: of a batch a later one may succeed where an earlier one fails, and then a customer's
orders are out of order.
"""

import argparse
import json

import boto3


def place(sqs, queue_url: str, order: dict) -> str:
    """Returns the MessageId. SDKs repeat calls that broke by themselves, with the same id too."""
    return sqs.send_message(
        QueueUrl=queue_url,
        MessageBody=json.dumps(order),
        MessageGroupId=order["customer"],
        MessageDeduplicationId=order["id"],
    )["MessageId"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("queue_url")
    parser.add_argument("--run", required=True, help="makes the orders' ids those of this run")
    parser.add_argument("--customers", type=int, required=True)
    parser.add_argument("--orders", type=int, required=True)
    arguments = parser.parse_args()
    sqs = boto3.client("sqs")
    for number in range(arguments.orders):
        for index in range(arguments.customers):
            customer = f"customer-{index}"
            order = {
                "id": f"{arguments.run}-{customer}-{number}",
                "customer": customer,
                "number": number,
                "cents": 100 + number,
            }
            message_id = place(sqs, arguments.queue_url, order)
            print(f"placed {order['id']} {message_id}", flush=True)
            if (number + index) % 3 == 0:
                again = place(sqs, arguments.queue_url, order)
                print(f"placed {order['id']} {again} again", flush=True)
                assert again == message_id, "the queue took an order twice"


if __name__ == "__main__":
    main()
