"""What ONVIF devices notice themselves: hints that a picture is worth a look, never a verdict.

* ``hub``          DeviceEvents: one subscription for each host as long as a camera of it has joined.
* ``camera``       one camera's part in it, as its session wants it.
* ``subscription`` the life of one subscription: asks, listens, waits, unsubscribes.
* ``exchange``     one request, signed as the device wants it, and what it answered.
* ``http``         one connection to one host, in asyncio, within bounds of time and size.

Decided without I/O:

* ``pull_point``   what is asked next, and when: find the service, create, pull, renew, begin again.
* ``messages``     the requests, and what is taken from the answers.
* ``topics``       from a notification to a hint, whatever the maker calls it.
* ``routing``      which camera of a host a hint is for, whether it is news, and whether it is too many.

Why so: docs/decisions/0027-device-events.md. A comment beside a workaround names its evidence.
"""
