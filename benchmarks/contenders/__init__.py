"""Ways to read many cameras, each as a process that is told what to open.

Orders: ``{"do": "open", "streams": [[address, port, path], …]}`` and ``{"do": "count"}``, which tells ``frames`` of each
stream so far (None where a contender cannot tell).
"""
