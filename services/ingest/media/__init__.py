"""PyAV in processes of its own. Callers import ``host`` and ``results``; only the child's modules import ``av``.

The parent's side: ``host`` (the two jobs), ``pool`` (waiting for a thread), ``process`` (one child, its life, its
protocol), ``call`` (one request). The child's side, confined by ``sandbox``: ``child`` (threads), ``probe``,
``progress``, ``mux``, ``track``, ``source``, ``pictures``. Both sides: ``wire``, ``events``. Pure: ``measure``,
``timeline``, ``annexb``, ``fmp4``.
"""
