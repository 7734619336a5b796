"""Coverage-guided fuzzing of everything that reads a camera's bytes.

* ``texts``    targets for what is read as text: messages, challenges, descriptions, SETUP and its URLs,
  redirects.
* ``streams``  targets for what is read as bytes in pieces: framing, RTP, key frames, RTCP, the
  whole intake.
* ``targets``  all targets by name, and the cases kept for each.
* ``seeds``    what else they begin with.
* ``one``      runs one target under atheris; ``run`` runs several, two at a time, and sums up.
* ``keep``     the smallest set of inputs that reaches what all of them reach.

A target is a function of bytes. It raises AssertionError where a property does not hold, and lets nothing else out.
``tests/unit/ingest/rtsp/test_fuzz_cases.py`` replays the kept cases without atheris.
"""
