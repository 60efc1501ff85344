"""Benchmarks: `make bench` runs all of them and writes `bench/results.md`. Every figure is a ratio within one run."""
