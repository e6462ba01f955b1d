"""`producer.py FILE` sends tasks that note their number in FILE until its standard input ends. Prints
what it did, one JSON object a line. An error ends nothing: it is printed.
"""

import json
import sys
import threading
import time
import traceback

from tasks import note

BETWEEN_SENDS_SECONDS = 0.05

over = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
number = 0
while not over.is_set():
    try:
        note.delay(sys.argv[1], str(number))
        print(json.dumps({"sent": number}), flush=True)
        number += 1
    except Exception:
        print(json.dumps({"error": traceback.format_exc()}), flush=True)
    time.sleep(BETWEEN_SENDS_SECONDS)
