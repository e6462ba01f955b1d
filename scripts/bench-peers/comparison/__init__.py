"""Measures Squorum and its peers in turn and compares the figures. Needs nothing but Python."""
