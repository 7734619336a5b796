"""Discovery: find devices in networks and say what each is.

* ``sighting``      what was seen of a host before it is asked anything.
* ``probe_match``   WS-Discovery answers, as devices really write them.
* ``ws_discovery``  multicast on chosen interfaces.
* ``sweep``         addresses one by one: a unicast probe and a look at TCP ports, paced.
* ``neighbours``    MAC addresses that this machine's kernel knows.
* ``rtsp_paths``    where brands have their streams.
* ``rtsp_look``     whether a path has a stream, without being fooled by devices that answer 401 to anything.
* ``asking``        one host: ONVIF, then RTSP, within one budget of sign-ins.
* ``scan``          the whole search, from an order to a report.
"""
