"""Discovery: find devices in networks and say what each is.

* ``sighting``      what was seen of a host before it is asked anything.
* ``probe_match``   WS-Discovery answers, as devices really write them.
* ``service_addresses``  the XAddrs in them.
* ``ws_discovery``  multicast on chosen interfaces.
* ``sweep``         addresses one by one: a unicast probe and a look at TCP ports, paced. Made of ``sweep_loop``, the
                    epoll loop; ``targets``, who and how fast; ``probe_sockets``, UDP; ``knocks``, TCP;
                    ``findings``, what came of it.
* ``neighbours``    hosts on the same link, as this machine's kernel knows them; by ``netlink``.
* ``rtsp_paths``    where brands have their streams.
* ``rtsp_look``     whether a path has a stream, without being fooled by devices that answer 401 to anything.
* ``asking``        one host: ONVIF, then RTSP, within one budget of sign-ins.
* ``scan``          the whole search, from an order to a report.
"""
