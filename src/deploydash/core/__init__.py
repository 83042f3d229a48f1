"""The rules: values in, values out. No I/O, no framework, no clock; ``now`` is an argument.

Time scales used throughout: *monotonic* seconds of this process (ages, limits), *UTC* unix seconds
(what a person reads), *TAI* unix seconds (what SAL stamps). A name says which: ``at`` and ``*_mono`` are
monotonic, ``*_utc`` UTC, ``*_tai`` TAI.
"""
