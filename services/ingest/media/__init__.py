"""PyAV in processes of its own. Callers import ``host`` and ``results``; only the child's modules import ``av``.

The parent's side: ``host`` (the two jobs, places and waiting), ``process`` (one child, its life and its protocol).
The child's side: ``child`` (threads), ``probe``, ``mux``, ``source`` and ``pictures``, confined by ``sandbox``.
Both sides: ``wire``. Pure: ``measure``, ``timeline``, ``annexb``, ``fmp4``.
"""
