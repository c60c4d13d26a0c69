"""A long run of calls that begin, send and are given up at random: `python -m tests.soak --minutes 10`."""
