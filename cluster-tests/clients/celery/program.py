"""`program.py` uses the tasks of tasks.py as applications do, while a worker runs them: alone, as
chains and groups, with a countdown, and tasks that try again. Prints their results as a JSON object.
"""

import json
import time

import celery
import kombu
from celery import chain, group
from tasks import add, app, succeed_at_third

RESULT_SECONDS_MAX = 60

started = time.monotonic()
later = add.apply_async((20, 22), countdown=2)
many = group(add.s(number, number) for number in range(50))()
chained = chain(add.s(1, 2), add.s(3), add.s(4))()
again = succeed_at_third.delay()

saw = {"client": f"celery {celery.__version__}, kombu {kombu.__version__}"}
saw["group"] = many.get(timeout=RESULT_SECONDS_MAX)
saw["chain"] = chained.get(timeout=RESULT_SECONDS_MAX)
saw["again"] = again.get(timeout=RESULT_SECONDS_MAX)
saw["later"] = later.get(timeout=RESULT_SECONDS_MAX)
saw["waited"] = time.monotonic() - started >= 2
with app.connection_or_acquire() as connection:
    queue = connection.default_channel.queue_declare(app.conf.task_default_queue, passive=True)
saw["left"] = queue.message_count
print(json.dumps(saw))
