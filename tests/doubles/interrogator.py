"""Devices that tell what the test says."""

from services.contracts.camera import AuthOutcome, Credentials, Interrogation, OnvifSource
from services.contracts.ladder import Reason
from services.contracts.worker_endpoint import ClockSet
from services.registry.ports import InterrogationFailed


class ScriptedInterrogator:
    """Satisfies ``registry.ports.Interrogator``: answers by address and port, or fails."""

    def __init__(self) -> None:
        self.answers: dict[tuple[str, int], Interrogation | InterrogationFailed] = {}
        self.asked: list[tuple[OnvifSource, Credentials | None]] = []
        #: By address and port.
        self.clocks: dict[tuple[str, int], ClockSet | InterrogationFailed] = {}
        self.clocks_set: list[tuple[OnvifSource, Credentials | None]] = []
        #: By address, port and password; anything else is refused.
        self.sign_ins: dict[tuple[str, int, str], AuthOutcome | InterrogationFailed | None] = {}
        self.tried: list[tuple[OnvifSource, str, str]] = []

    async def interrogate(
        self, reach: str, source: OnvifSource, credentials: Credentials | None, *, every_channel: bool = False
    ) -> Interrogation:
        self.asked.append((source, credentials))
        answer = self.answers.get((source.address, source.port), InterrogationFailed(Reason.TIMEOUT))
        if isinstance(answer, InterrogationFailed):
            raise answer
        return answer

    async def set_clock(self, reach: str, source: OnvifSource, credentials: Credentials | None) -> ClockSet:
        self.clocks_set.append((source, credentials))
        answer = self.clocks.get((source.address, source.port), InterrogationFailed(Reason.TIMEOUT))
        if isinstance(answer, InterrogationFailed):
            raise answer
        return answer

    async def try_sign_in(self, reach: str, source: OnvifSource, credentials: Credentials) -> AuthOutcome | None:
        self.tried.append((source, credentials.username, credentials.password))
        outcome = self.sign_ins.get((source.address, source.port, credentials.password), AuthOutcome.REFUSED)
        if isinstance(outcome, InterrogationFailed):
            raise outcome
        return outcome
