"""`program.py` sends tasks to the actors of tasks.py, while workers run them, and waits until none is
left. Prints what it saw as one JSON object.
"""

import json
import time
from importlib.metadata import version

import dramatiq
from tasks import broker, fail_always, fail_at_first, note

JOIN_SECONDS_MAX = 60

for number in range(30):
    note.send(f"job-{number}")
sent = time.time()
note.send_with_options(args=("delayed",), delay=2000)
fail_at_first.send("failed-once")
fail_always.send()
dramatiq.group([note.message(f"group-{number}") for number in range(5)]).run()
# A message between two attempts is counted as delayed: the queue is empty when all is over.
broker.join("default", timeout=JOIN_SECONDS_MAX)
dead = broker.dead_letter_queues["default"]
dead.load()
saw = {
    "client": f"dramatiq {version('dramatiq')}, dramatiq-sqs {version('dramatiq-sqs')}",
    "waited": time.time() - sent >= 2,
    "dead": dead.attributes["ApproximateNumberOfMessages"],
}
print(json.dumps(saw))
