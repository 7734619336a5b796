"""The shared language of all packages: plain values, no I/O, no imports from the rest of the project."""
