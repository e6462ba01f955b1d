"""Black-box tests of Squorum: starts real nodes, drives them through their public ports, and judges
the recorded histories. Nothing here knows what is inside a node."""
