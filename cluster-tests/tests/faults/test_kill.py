"""SIGKILL under load: nothing acknowledged is lost, no FIFO message doubled, order kept (P1-P6),
and the node is ready again within two seconds."""

import random
import time

import pytest

from squorum_tests.machine import start_bar
from squorum_tests.profile import Profile
from squorum_tests.size import seed, size
from squorum_tests.workload import judge, running

KILLS = size(3, 20)
READY_SECONDS_MAX = 2.0
PROFILES = [Profile("orders"), Profile("payments.fifo"), Profile("large", body_bytes=20_000)]


@pytest.mark.timeout(1200)
def test_kill_under_load(own_node):
    run_seed = seed()
    print(f"SQUORUM_SEED={run_seed}")
    randomness = random.Random(run_seed)

    with running(own_node.endpoint, PROFILES, run_seed) as workloads:
        for _ in range(KILLS):
            time.sleep(randomness.uniform(0.5, 2.5))
            own_node.kill()
            bar = start_bar(READY_SECONDS_MAX, own_node.directory)
            assert own_node.start() <= bar
        time.sleep(1)
        print(f"ready after {[round(seconds, 3) for seconds in own_node.ready_seconds]} s")
        judge(workloads, acked_min=10 * KILLS)
