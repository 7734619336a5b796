"""ONVIF: ask a device what it is, which channels it has and where their streams are.

* ``gateway``       the OnvifGateway: threads, turns, cancelling.
* ``interrogation`` the visits: everything, identity alone, setting the clock, trying to sign in.
* ``questions``     the single questions; ``media`` those to Media1 and Media2, as if they were one.
* ``library``       onvif-zeep and zeep, made fit; their only importer. ``wsdl`` has what the library lacks.
* ``conversation``  one device: signs requests, judges replies, remembers the rung. zeep's transport.
* ``account``       our credentials in one conversation; ``memory`` what was learned of hosts in earlier ones.
* ``transport``     bounded HTTP POSTs to the one checked address; ``http_reply`` reads replies, ``tls`` is for HTTPS.

Decided without I/O:

* ``negotiation``   how to sign in, and what a reply says of our credentials. ``wsse`` signs; HTTP Digest is ``rtsp.auth``.
* ``redirects``     where a device may send us: to another door of its own.
* ``soap``          from any bytes to a clean document, or to a reason why not.
* ``answers``, ``channels``, ``identity``, ``uris``, ``clock``   what is taken from a document, and what is made of it.

A comment beside a workaround names its evidence: a repository and issue, or a section of a specification. Why it is done
so: docs/decisions/0016 and 0029.
"""
