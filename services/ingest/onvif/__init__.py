"""ONVIF: ask a device what it is, which channels it has and where their streams are.

* ``gateway``       the OnvifGateway: threads, turns, cancelling.
* ``interrogation`` the questions in their order.
* ``library``       onvif-zeep and zeep, made fit; their only importer.
* ``conversation``  one device: signs requests, judges replies, remembers the rung. zeep's transport.
* ``transport``     one bounded HTTP POST to the one checked address.

Decided without I/O:

* ``negotiation``   how to sign in, and what a reply says of our credentials. ``wsse`` signs; HTTP Digest is ``rtsp.auth``.
* ``soap``          from any bytes to a clean document, or to a reason why not.
* ``answers``, ``channels``, ``uris``, ``clock``   what is taken from a document, and what is made of it.

A comment beside a workaround names its evidence: a repository and issue, or a section of a specification.
"""
