"""Sessions that watch nothing, but remember what the supervisor did with them."""

import asyncio

from services.contracts.camera import CameraAssignment
from services.contracts.ids import CameraId


class RecordedSession:
    """Satisfies ``ingest.supervisor.Session``."""

    def __init__(self, assignment: CameraAssignment, crew: "Crew") -> None:
        self.assignment = assignment
        self.events: list[str] = []
        self.stopped = False
        #: After how many seconds it was to begin.
        self.after_s = 0.0
        self._crew = crew

    def start(self, after_s: float = 0.0) -> None:
        self.after_s = after_s
        self._note("start")

    def update(self, assignment: CameraAssignment) -> None:
        self.assignment = assignment
        self._note("update")

    async def stop(self) -> None:
        self._note("stop")
        if self._crew.stop_fails:
            raise OSError("the connection does not end")
        slow = self._crew.slow.get(self.assignment.camera_id)
        if slow is not None:
            await slow.wait()
        self.stopped = True
        self._note("stopped")

    def _note(self, event: str) -> None:
        self.events.append(event)
        self._crew.log.append((event, self.assignment.camera_id, self.assignment.epoch))


class Crew:
    """Makes sessions, and remembers them all."""

    def __init__(self) -> None:
        self.sessions: list[RecordedSession] = []
        #: (event, camera, epoch) of all sessions, in order.
        self.log: list[tuple[str, CameraId, int]] = []
        #: Cameras whose sessions do not stop before the event is set.
        self.slow: dict[CameraId, asyncio.Event] = {}
        self.stop_fails = False

    def new(self, assignment: CameraAssignment) -> RecordedSession:
        session = RecordedSession(assignment, self)
        self.sessions.append(session)
        return session

    def of(self, camera_id: CameraId) -> list[RecordedSession]:
        return [session for session in self.sessions if session.assignment.camera_id == camera_id]
