"""`ordered.py FILE` sends, to a FIFO queue, ten tasks of each of three accounts, and one of them twice
with one deduplication id. A worker notes them in FILE.
"""

import itertools
import sys

from tasks import note

ACCOUNTS = ("a", "b", "c")

for number, account in itertools.product(range(10), ACCOUNTS):
    line = f"{account} {number}"
    more = {"MessageGroupId": account, "MessageDeduplicationId": f"{account}-{number}"}
    note.apply_async((sys.argv[1], line), **more)
    if line == "b 5":
        note.apply_async((sys.argv[1], line), **more)
