"""RTSP towards cameras, and a relay of it towards PyAV, which never meets a camera directly.

Without I/O, without asyncio, so that any loop or reactor can drive them:

* ``messages``  requests and responses as bytes; every bound of size stands there.
* ``framing``   hops over one byte stream from interleaved frame to frame and message to message.
* ``auth``      answers challenges: Digest (MD5, SHA-256 and their -sess forms), Basic only where allowed.
* ``sdp``       reads the first video track of a description; writes our own description of it.
* ``urls``      request and control URLs as real cameras need them.
* ``payload``   what an RTP payload of H.264, H.265 or JPEG holds: key frame, parameter sets, slice.
* ``rtp``       one received video track: frames, losses, progress of media time.
* ``rtcp``      sender reports in, receiver reports out.
* ``counters``  what was counted, and the rates read from it.
* ``setup``     what a SETUP is answered with.
* ``states``    the table of the client's state machine; ``session`` carries it out.
* ``outcomes``  from replies and errors to the reasons of the ladder.
* ``keyframe``  key frames put together for a decoder.
* ``gop``       the newest group of pictures, for a player that joins late.
* ``fanout``    copies of the media for relay clients; a slow client is dropped, never the camera.
* ``intake``    puts the above together: bytes and the time in, counters, copies and bytes out.
* ``serving``   the server's side of one relay client.

With asyncio:

* ``reactor``   visits connections lazily, as rarely as their bit rates allow.
* ``gathering`` hands key frames to who asked for them.
* ``http_tunnel`` RTSP inside two HTTP requests.
* ``datagrams`` media over UDP, for cameras that refuse to send it inside the connection.
* ``tls``       RTSPS, with a certificate that is recognised instead of verified.
* ``link``      one TCP connection; all links of a thread share one receive buffer.
* ``upstream``  one session with one camera.
* ``relay``     the RTSP server on 127.0.0.1 that PyAV opens.
"""
