"""One target under atheris: ``python -m tests.fuzz.one NAME [options of libFuzzer] [directories of inputs]``."""

import sys

import atheris

with atheris.instrument_imports(include=["services.ingest"]):
    from tests.fuzz.targets import TARGETS


def main(arguments: list[str]) -> None:
    """Never returns: libFuzzer ends the process."""
    name, *options = arguments
    atheris.Setup([f"fuzz {name}", *options], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
