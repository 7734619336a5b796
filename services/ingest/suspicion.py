"""A hint that a picture may have frozen, from the sizes of what arrives: worth a look at once, never an alarm.

A picture that stands still costs its encoder little between key frames. Measured on a corridor at 320x180, 10 fps, with
noise, that freezes before its encoder: at crf 28 with noise of three levels, frames between key frames fall to 3 to
40 % within ten seconds, at 100 and 300 kb/s to 10 to 40 %, less so the shorter the groups are, because rate control
spends what it saves on refining the still. 22 of 36 such freezes give a hint, after 2 to 10 s; where the encoder had
swallowed the noise before, and with a key frame a second, nothing tells, and the next regular look finds it. A camera
that repeats what it encoded before collapses altogether.
"""

# Seconds without a key frame: collapsed when a frame takes less than this share of what is usual for the camera. A bit
# rate that swings tenfold passes it and costs a look, and so may people who leave.
_COLLAPSED_SHARE = 0.3
# Seconds with key frames: smaller than usual, and of the size of the one before to within this share.
_KEYED_SHARE = 0.6
_KEYED_STEADY_SHARE = 0.1
# So many such seconds of a kind running, of so many frames: a hiccup of the line delays frames, it does not shrink them.
_COLLAPSED_SAMPLES = 2
_FRAMES_MIN = 4
# Below so many bytes a frame there is nothing to collapse from.
_USUAL_BYTES_MIN = 60.0
# What is usual follows within about a minute of samples upwards, and half as fast downwards.
_FOLLOWED_UP = 1 / 60
_FOLLOWED_DOWN = 1 / 120
_SAMPLES_UNTIL_USUAL = 10
# After a hint, none for so long: the look was taken, what it showed is the judge's.
_QUIET_S = 30.0


class _Kind:
    """Samples of one kind: bytes a frame, usually and last, and how many collapsed running."""

    __slots__ = ("collapsed", "last", "samples", "usual")

    def __init__(self) -> None:
        self.usual = self.last = 0.0
        self.samples = self.collapsed = 0

    def note(self, size: float, share: float, steady_share: float) -> bool:
        """Whether this size and the ones just before collapsed."""
        steady = abs(size - self.last) <= steady_share * size
        self.last = size
        if self.samples < _SAMPLES_UNTIL_USUAL:
            self.samples += 1
            self.usual += (size - self.usual) / self.samples
            return False
        usual = self.usual
        self.usual += (size - usual) * (_FOLLOWED_UP if size > usual else _FOLLOWED_DOWN)
        self.collapsed = self.collapsed + 1 if steady and usual >= _USUAL_BYTES_MIN and size < share * usual else 0
        return self.collapsed >= _COLLAPSED_SAMPLES


class Suspicion:
    """One camera's. ``note`` is called about once a second with the totals so far; totals that fall begin anew."""

    __slots__ = ("_between", "_bytes", "_frames", "_key_frames", "_keyed", "_quiet_until")

    def __init__(self) -> None:
        self._bytes = self._frames = self._key_frames = -1
        self._between, self._keyed = _Kind(), _Kind()
        self._quiet_until = float("-inf")

    def note(self, now: float, total_bytes: int, frames: int, key_frames: int) -> bool:
        """Whether a look at the next key frame is worth its cost. ``now`` is monotonic seconds."""
        more_bytes, more_frames, more_keys = (
            total_bytes - self._bytes,
            frames - self._frames,
            key_frames - self._key_frames,
        )
        begun_anew = self._frames < 0 or more_bytes < 0 or more_frames < 0 or more_keys < 0
        if not begun_anew and more_frames < _FRAMES_MIN:
            return False  # too few to tell: they count with the next ones
        self._bytes, self._frames, self._key_frames = total_bytes, frames, key_frames
        if begun_anew:
            return False
        size = more_bytes / more_frames
        if more_keys:
            collapsed = self._keyed.note(size, _KEYED_SHARE, _KEYED_STEADY_SHARE)
        else:
            collapsed = self._between.note(size, _COLLAPSED_SHARE, float("inf"))
        if not collapsed or now < self._quiet_until:
            return False
        self._quiet_until = now + _QUIET_S
        return True
