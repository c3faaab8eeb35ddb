"""Benchmarks: what the program costs, next to the minimum that the same work would cost in the same run."""
