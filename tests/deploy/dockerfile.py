"""A Dockerfile and its .dockerignore as values."""

import re
from dataclasses import dataclass
from fnmatch import translate
from pathlib import Path

from tests.deploy.manifests import ROOT

DOCKERFILE = ROOT / "deploy" / "Dockerfile"
IGNORE = ROOT / ".dockerignore"


@dataclass(frozen=True)
class Instruction:
    """One instruction with its continued lines joined; ``stage`` counts the FROMs before it, beginning with 0."""

    word: str
    text: str
    stage: int


def instructions(text: str) -> list[Instruction]:
    """The instructions of a Dockerfile, comments left out."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    found: list[Instruction] = []
    stage = -1
    for line in re.sub(r"\\\n\s*", " ", "\n".join(lines)).splitlines():
        if not line.strip():
            continue
        word, _, rest = line.strip().partition(" ")
        stage += word == "FROM"
        found.append(Instruction(word, rest.strip(), stage))
    return found


def copied_from_context(found: list[Instruction]) -> list[str]:
    """The sources of every COPY that takes files of the repository."""
    return [
        source
        for instruction in found
        if instruction.word in {"COPY", "ADD"} and "--from=" not in instruction.text
        for source in [part for part in instruction.text.split() if not part.startswith("--")][:-1]
    ]


def is_sent(path: str, ignore: str) -> bool:
    """Whether a file of the repository is sent to the build: the last pattern that fits it or a folder of it decides."""
    sent = True
    parts = path.split("/")
    ways = ["/".join(parts[: count + 1]) for count in range(len(parts))]
    for line in ignore.splitlines():
        pattern = line.strip()
        if not pattern or pattern.startswith("#"):
            continue
        expression = _expression(pattern.removeprefix("!").strip("/"))
        if any(re.fullmatch(expression, way) for way in ways):
            sent = pattern.startswith("!")
    return sent


def _expression(pattern: str) -> str:
    anywhere = pattern.startswith("**/")
    pieces = [
        translate(piece).removeprefix("(?s:").removesuffix(r")\Z") for piece in pattern.removeprefix("**/").split("/")
    ]
    return ("(?:.*/)?" if anywhere else "") + "/".join(piece.replace(".*", "[^/]*") for piece in pieces)


def image_faults(text: str, root: Path = ROOT) -> list[str]:
    """What is wrong with the image that a Dockerfile describes."""
    found = instructions(text)
    last = max(instruction.stage for instruction in found)
    bases = [instruction.text.split()[0] for instruction in found if instruction.word == "FROM"]
    final = [instruction for instruction in found if instruction.stage == last]
    runs = " && ".join(instruction.text for instruction in found if instruction.word == "RUN")
    faults = []
    if last < 1:
        faults.append("what builds is in the image that runs: it needs stages")
    if len(set(bases)) != 1:
        faults.append("stages have different bases: what was built in one may not run in the other")
    faults += [f"{base} can be another image tomorrow" for base in bases if not re.search(r":.*\d", base)]
    if any(re.search(r"\b(apt-get|apt|pip|gcc|make)\b", i.text) for i in final if i.word == "RUN"):
        faults.append("the last stage installs something")
    users = [instruction.text for instruction in final if instruction.word == "USER"]
    if not users or not re.fullmatch(r"[1-9]\d*(:[1-9]\d*)?", users[-1]):
        faults.append("the image does not run as a user with a number, which Kubernetes could check")
    if [i.text for i in final if i.word == "ENTRYPOINT"] != ['["vonggac"]']:
        faults.append("the entry point is not vonggac")
    for instruction in found:
        if instruction.word in {"ARG", "ENV"} and re.search(r"(?i)(password|secret|token|_key)\b", instruction.text):
            faults.append(f"{instruction.word} {instruction.text} leaves a secret in the image's history")
        if instruction.word == "ADD":
            faults.append("ADD fetches and unpacks: use COPY")
    if "--require-hashes" not in runs or "requirements.lock" not in runs:
        faults.append("what is installed is not checked against requirements.lock")
    faults += [
        f"an install reaches a registry without hashes: {command.strip()}"
        for command in re.split(r"&&|;", runs)
        if re.search(r"\bpip\b.* (install|wheel) ", command) and not re.search(r"--require-hashes|--no-index", command)
    ]
    faults += [
        f"COPY of {path}, which does not exist" for path in copied_from_context(found) if not (root / path).exists()
    ]
    return faults
