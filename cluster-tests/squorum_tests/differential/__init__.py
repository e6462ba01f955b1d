"""The same calls to Squorum and to other servers that speak SQS, and what differs. `python -m
squorum_tests.differential` runs it; `verdicts.toml` says of each difference who is right and why."""
