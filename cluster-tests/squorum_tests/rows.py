"""The rows of docs/reliability.md: what is checked, the bar, and how its runs are told."""

from collections.abc import Callable
from dataclasses import dataclass

from squorum_tests.runs import Runs


@dataclass(frozen=True)
class Row:
    """`test` names the file of its runs. Without a bar a row only reports. `former_bar` is what the
    failure says of a run that missed a bar which the row has no more."""

    check: str
    test: str
    bar: str
    tell: Callable[[Runs], str]
    former_bar: str | None = None


@dataclass(frozen=True)
class Section:
    title: str
    text: str
    rows: tuple[Row, ...]


def account(runs: Runs) -> str:
    return f"{runs.sum('acknowledged'):,} acknowledged, {runs.sum('violations')} violations"


def kills(runs: Runs) -> str:
    return (
        f"{runs.sum('kills')} kills in {runs.sum('seconds'):.0f} s, longest gap "
        f"{runs.worst('gap_seconds'):.2f} s, {runs.sum('exceptions')} exceptions, {account(runs)}, "
        f"at least {min(runs.all('acknowledged_per_second'), default=0)} a second"
    )


def losses(runs: Runs) -> str:
    return (
        f"{runs.sum('losses')} losses, first node back after at most "
        f"{runs.worst('first_node_back_seconds'):.1f} s, last after "
        f"{runs.worst('last_node_back_seconds'):.1f} s, {account(runs)}"
    )


def hang(runs: Runs) -> str:
    return (
        f"gap {runs.worst('gap_seconds'):.2f} s, served again after "
        f"{runs.worst('served_again_seconds'):.2f} s, {runs.sum('exceptions')} exceptions elsewhere, "
        f"{account(runs)}"
    )


def failover(runs: Runs) -> str:
    return (
        f"n {runs.sum('n')}, p50 {runs.worst('p50'):.2f} s, p99 {runs.worst('p99'):.2f} s, "
        f"max {runs.worst('max'):.2f} s"
    )


def hand_over(runs: Runs) -> str:
    gaps = runs.all("gap_seconds_of_each_shard")
    return (
        f"{runs.sum('hand_overs')} hand-overs, longest gap {max(gaps, default=0):.3f} s of "
        f"{len(gaps)}, {runs.sum('errors')} errors"
    )


def rolling_restart(runs: Runs) -> str:
    return (
        f"longest gap {runs.worst('gap_seconds'):.2f} s, {runs.sum('exceptions')} exceptions, "
        f"{account(runs)}"
    )


def receive_of_leader(runs: Runs) -> str:
    resubmitted = runs.sum("resubmitted_by_the_gateway")
    return f"{runs.sum('kills')} kills, {resubmitted} while a receive was on its way"


def receive_of_gateway(runs: Runs) -> str:
    return f"{runs.sum('kills')} kills, {runs.sum('unanswered')} before the answer"


def catch_up(runs: Runs) -> str:
    return (
        f"{runs.sum('snapshots_installed'):.0f} snapshots, caught up after "
        f"{runs.worst('caught_up_seconds'):.1f} s, sends at "
        f"{100 * min(runs.all('share_of_expected'), default=0):.0f} % of those of three healthy "
        f"nodes, {min(runs.all('groups_with_equal_digests'), default=0)} groups equal"
    )


def replacement(runs: Runs) -> str:
    return (
        f"{runs.sum('replacements')} replacements, whole again after at most "
        f"{max(runs.all('whole_again_seconds'), default=0):.1f} s, longest gap "
        f"{runs.worst('gap_seconds'):.2f} s, {runs.sum('exceptions')} exceptions, {account(runs)}, "
        f"{min(runs.all('groups_with_equal_digests'), default=0)} groups equal"
    )


def dead_letters(runs: Runs) -> str:
    return (
        f"{runs.sum('kills')} kills in {runs.sum('seconds'):.0f} s, {runs.sum('messages'):,} messages, "
        f"{runs.sum('poison_dead'):,} of {runs.sum('poison'):,} poison messages dead, "
        f"{runs.sum('sound_dead')} others, {runs.sum('lost')} lost, {runs.sum('violations')} violations"
    )


def fair_queues(runs: Runs) -> str:
    return (
        f"dwell time {runs.worst('dwell_factor'):.2f} × that without the backlog, throughput "
        f"{100 * min(runs.all('throughput_share'), default=0):.0f} %"
    )


def deleted_queues(runs: Runs) -> str:
    state, sent = runs.worst("state_bytes_at_the_end"), runs.worst("sent_bytes")
    return (
        f"{runs.sum('cycles')} cycles, {runs.sum('kills')} kills, "
        f"{runs.sum('on_their_way_at_the_delete'):,} messages on their way when their queue went, "
        f"{runs.sum('came_to_the_new_queue'):,} kept and found in the new one, at most "
        f"{state / 1e6:.1f} MB of state left of {sent / 1e6:.0f} MB"
    )


def deliver_at(runs: Runs) -> str:
    return (
        f"{runs.sum('messages'):,} messages, {runs.sum('kills')} kills, "
        f"{runs.sum('answers_lost_with_a_node')} answers lost with a node"
    )


def redrive(runs: Runs) -> str:
    return (
        f"{runs.sum('kills')} kills in {runs.sum('seconds'):.0f} s, {runs.sum('messages'):,} messages, "
        f"{runs.sum('moved'):,} moved by the task's count, {runs.sum('back'):,} found back, "
        f"{runs.sum('dead'):,} still dead, {runs.sum('lost')} lost, {runs.sum('doubled')} doubled"
    )


def idle(runs: Runs) -> str:
    shares = runs.all("core_percent_of_each_node")
    return f"{min(shares, default=0):.1f} to {max(shares, default=0):.1f} % of a core per node"


KILL_BAR = "gap ≤ 2 s, no exception"
HANG_BAR = "gap ≤ 3 s and no exception elsewhere, no false 200 or 4xx, served ≤ 3 s after healing"
BACK_BAR = "back ≤ 5 s"
DEAD_LETTERS_BAR = "each poison message dead once, all others handled, 0 lost"
REDRIVE_BAR = "each message in one place, once; the task's counts true"
ONCE_BAR = "the same batch with the same handles, once"

SECTIONS = (
    Section(
        "Under the load of users",
        "Eight boto3 producers of twenty messages a second each and eight consumers, with boto3's own "
        "settings, on two standard and two FIFO queues. In kills all of them know one name with the "
        "addresses of the three nodes; in hangs and cuts each knows one node. After the fault the "
        "queues are drained until nothing came for longer than a visibility timeout, and the history "
        "is judged; in every row the bar is also that no acknowledged message was lost, no FIFO "
        "message doubled, no order broken, no message delivered early, none after its delete.",
        (
            Row(
                "SIGKILL of each node in turn, three rounds in 60 s",
                "cluster-kill-each-node-in-turn",
                KILL_BAR,
                kills,
            ),
            Row("SIGKILL of all three", "cluster-kill-all-nodes-at-once", BACK_BAR, losses),
            Row(
                "power cut of all three", "cluster-power-cut-all-machines-at-once", BACK_BAR, losses
            ),
            Row(
                "SIGKILL of each in turn, its data directory removed; `squorum node replace`",
                "cluster-membership-lost-disks-are-replaced",
                "no exception, three voters in every group, digests equal",
                replacement,
            ),
            Row("SIGSTOP of one for 30 s", "cluster-hang-paused-node", HANG_BAR, hang),
            Row(
                "one cut off for 30 s",
                "cluster-hang-cut-off-node-both-directions",
                HANG_BAR,
                hang,
            ),
            Row(
                "one hears nobody for 30 s",
                "cluster-hang-cut-off-node-hears-nobody",
                HANG_BAR,
                hang,
            ),
            Row(
                "one is not heard for 30 s",
                "cluster-hang-cut-off-node-is-not-heard",
                HANG_BAR,
                hang,
            ),
            Row(
                "containers: `docker kill` of each in turn, three rounds in 60 s",
                "compose-faults-each-node-in-turn",
                KILL_BAR,
                kills,
            ),
            Row(
                "containers: `docker kill` of all three",
                "compose-faults-all-nodes-at-once",
                BACK_BAR,
                losses,
            ),
            Row(
                "containers: `docker pause` of one for 30 s",
                "compose-faults-paused-node",
                HANG_BAR,
                hang,
            ),
            Row(
                "containers: `docker network disconnect` from `peers` for 30 s",
                "compose-faults-disconnected-node",
                HANG_BAR,
                hang,
            ),
            Row(
                "SIGTERM of each node, one after the other",
                "cluster-hand-over-rolling-restart-under-the-load-of-users",
                "no exception",
                rolling_restart,
            ),
        ),
    ),
    Section(
        "Deaths and ends, as one client sees them",
        "A probe sends over a bare socket, without an SDK, every 10 ms through a node that stays. "
        "Failover counts from SIGKILL of the leader to the next acknowledged send that began after "
        "it. In a planned hand-over every shard has a probe of its own.",
        (
            Row(
                "SIGKILL of a leader",
                "cluster-failover-kill-of-a-leader",
                "n ≥ 100, p50 ≤ 0.5 s, p99 ≤ 1.2 s",
                failover,
            ),
            Row(
                "SIGTERM: every shard is handed over",
                "cluster-hand-over-every-shard-is-handed-over-without-an-error",
                "≤ 0.3 s per shard, no error",
                hand_over,
            ),
            Row(
                "the leader dies during a FIFO receive",
                "cluster-receive-attempt-leader-dies-between-commit-and-answer",
                f"by the gateway's own retry {ONCE_BAR}",
                receive_of_leader,
            ),
            Row(
                "the gateway dies during a FIFO receive",
                "cluster-receive-attempt-gateway-dies-before-it-answers",
                f"by the client's retry with its ReceiveRequestAttemptId {ONCE_BAR}",
                receive_of_gateway,
            ),
        ),
    ),
    Section(
        "Dead letters",
        "A FIFO queue and its dead-letter queue lie on different shards, standard ones on three each, "
        "of which some are the same. A tenth of the messages is poison, which consumers never delete; "
        "others may die too, if a dead node took the answers to their receives with it. All queues are "
        "drained in the end, and every message is looked for by its id. While queues are deleted, "
        "leaders are killed in between; after their end the least counts that the state of a node took "
        "on disk.",
        (
            *(
                Row(
                    f"100,000 messages, a tenth poison, {kind}: SIGKILL of the leaders of both queues, "
                    "five times each",
                    f"cluster-dead-letters-leaders-killed-{kind.lower()}",
                    DEAD_LETTERS_BAR,
                    dead_letters,
                )
                for kind in ("FIFO", "standard")
            ),
            Row(
                "source and target deleted, and made again, with dead letters on their way",
                "cluster-deleted-queues-deleted-under-way",
                "nothing stuck, all that AWS keeps is kept, once; ≤ 10 % of the disk kept",
                deleted_queues,
            ),
            *(
                Row(
                    f"redrive of 50,000, {kind}: SIGKILL of the leaders of meta and of both queues",
                    f"cluster-redrive-leaders-killed-{kind.lower()}",
                    REDRIVE_BAR,
                    redrive,
                )
                for kind in ("FIFO", "standard")
            ),
            *(
                Row(
                    f"the same, {kind}, cancelled half-way, and a leader killed then",
                    f"cluster-redrive-cancelled-{kind.lower()}",
                    REDRIVE_BAR,
                    redrive,
                )
                for kind in ("FIFO", "standard")
            ),
        ),
    ),
    Section(
        "Fair queues",
        "Quiet tenants send at a fixed rate to a standard queue, alone and beside the backlog of "
        "another tenant; consumers work on each message for 10 ms. The same without groups tells what "
        "the throughput is compared with. The median counts of those rounds of a run in which the "
        "machine had room, for everything runs on it; a run that ends for want of such a round is "
        "inconclusive.",
        (
            Row(
                "a backlog of 100,000 of one tenant",
                "cluster-fair-queues-flood-does-not-hold-up-quiet-tenants",
                "processors ≤ 70 %, p99 of the quiet tenants' dwell time ≤ 2 × that without the "
                "backlog, throughput ≥ 90 %",
                fair_queues,
            ),
        ),
    ),
    Section(
        "Messages for a time of their own",
        "Ten messages a second are due, all sent before. Leaders are killed one after the other, at "
        "last all three nodes. A message whose answer died with a node comes again after its "
        "visibility timeout.",
        (
            Row(
                "2,000 messages, ten kills",
                "cluster-deliver-at-messages-come-at-their-time-while-leaders-die",
                "each once, none early, ≤ 0.5 s late while all is well, ≤ 20 s otherwise",
                deliver_at,
            ),
        ),
    ),
    Section(
        "Catching up, and doing nothing",
        "The follower is away while 500,000 messages of 1 KiB pass, with 32 MiB of log kept, and comes "
        "back while others are sent, received and deleted: at half of the rate that three nodes took "
        "before, and as fast as they can. All three nodes and the load share the machine and its disk.",
        (
            Row(
                "a follower comes back by snapshot, at half of the load that three nodes take",
                "cluster-catch-up-back-by-snapshot-half-load",
                "snapshots shown, digests equal, sends lose < 10 % meanwhile",
                catch_up,
            ),
            Row(
                "the same at full load",
                "cluster-catch-up-back-by-snapshot-full-load",
                "",
                catch_up,
                former_bar="while it catches up",
            ),
            Row("idle, 8 shards, 2,000 queues", "cluster-idle-idle-cpu-8", "≤ 5 % of a core", idle),
            Row("idle, 16 shards, 2,000 queues", "cluster-idle-idle-cpu-16", "", idle),
            Row("idle, 64 shards, 2,000 queues", "cluster-idle-idle-cpu-64", "", idle),
        ),
    ),
)
