"""The ``vonggac`` command."""
