"""Measurements of the watch: what a stream costs beside other ways to read it, how soon a fault is told, and at what
size it stays right. Not part of the product; ``docs/performance.md`` says what each of them measures and how.
"""
