"""Simulated sites: ONVIF + RTSP cameras and recorders whose faults are switched at run time.

An independent peer: it shares no code with ``ingest``, so that a mistake in one is not repeated in the other.
"""
