"""Measurements, run by hand: `make bench`, or `python -m tests.bench register clear verify`.

Every figure stands beside a yardstick measured in the same run on the same machine; only the ratios mean anything.
"""
