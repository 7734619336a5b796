"""Which facilities, devices and cameras exist, and which worker watches which camera."""
