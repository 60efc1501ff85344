"""Questions to the lake.

`names`, `filters`, `metrics` and `question` are plain Python, so that a command can check its options at once; `query`
and `answer` import Ibis, which takes half a second.
"""
