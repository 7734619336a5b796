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
* ``rtsp_look``     whether a path has a stream, without being fooled by devices that answer 401 to anything; over a
                    connection of ``describing``.
* ``candidate``     at which doors of a host to knock.
* ``host_budget``   how often a host may still be asked with a password.
* ``asking``        one host: ONVIF, then RTSP, within that budget; put into words by ``telling``.
* ``scan``          the whole search, from an order to a report: ``aims``, what the order means; ``gathered``, what came
                    in of each address; ``merging``, each device once.
"""
