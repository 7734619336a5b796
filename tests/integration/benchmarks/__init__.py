"""The measurements themselves, on a few streams: that they still work and tell the truth."""
