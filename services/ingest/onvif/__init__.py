"""ONVIF: ask a device what it is, which channels it has and where their streams are.

Only ``library`` imports onvif-zeep and zeep. ``uris``, ``channels``, ``negotiation``, ``digest``, ``clock`` and
``soap`` decide without I/O; ``transport`` moves bytes within bounds; ``conversation`` joins the two for one device.

"Quirk" with a number, in comments here and in the tests, means the list of device quirks in ``docs/onvif-quirks.md``.
"""
