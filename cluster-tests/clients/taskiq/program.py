"""`program.py` sends tasks of tasks.py: twenty at once, one that takes longer than the visibility
timeout, one that is delayed where the queue allows it. Prints the versions as a JSON object.
"""

import asyncio
import json
from importlib.metadata import version

from tasks import broker, note


async def main() -> None:
    await broker.startup()
    await note.kiq("long", 5.0)
    await asyncio.gather(*(note.kiq(f"job-{number}") for number in range(20)))
    if not broker._is_fifo_queue:
        await note.kicker().with_labels(delay=2).kiq("delayed")
    await broker.shutdown()
    versions = f"taskiq {version('taskiq')}, taskiq-aio-sqs {version('taskiq-aio-sqs')}"
    print(json.dumps({"client": versions}))


asyncio.run(main())
