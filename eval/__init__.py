"""Benchmarks and timings, run from a checkout: `python -m eval.NAME`."""
