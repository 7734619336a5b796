"""ONVIF: ask a device what it is, which channels it has and where their streams are.

Only ``library`` imports onvif-zeep and zeep. ``uris``, ``channels``, ``negotiation``, ``digest``, ``clock`` and
``soap`` decide without I/O; ``transport`` moves bytes within bounds; ``conversation`` joins the two for one device.

A comment beside a workaround names its evidence: a repository and issue, or a section of a specification.
"""
