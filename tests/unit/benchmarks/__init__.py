"""The measurements' own arithmetic, where it could lie."""
