"""Devices that tell what the test says."""

from services.contracts.camera import Credentials, Interrogation, OnvifSource
from services.contracts.ladder import Reason
from services.registry.ports import InterrogationFailed


class ScriptedInterrogator:
    """Satisfies ``registry.ports.Interrogator``: answers by address and port, or fails."""

    def __init__(self) -> None:
        self.answers: dict[tuple[str, int], Interrogation | InterrogationFailed] = {}
        self.asked: list[tuple[OnvifSource, Credentials | None]] = []

    async def interrogate(self, reach: str, source: OnvifSource, credentials: Credentials | None) -> Interrogation:
        self.asked.append((source, credentials))
        answer = self.answers.get((source.address, source.port), InterrogationFailed(Reason.TIMEOUT))
        if isinstance(answer, InterrogationFailed):
            raise answer
        return answer
