"""Which of a camera's streams is watched."""

import itertools

import pytest

from services.contracts.camera import DeviceStream, RtspSource, StreamChoice
from services.ingest.stream_choice import choose_stream

AUTO, MAIN, SUB = StreamChoice


def stream(told: str) -> DeviceStream:
    """``sub h264 640``: role, codec (``-``: not told) and width (``-``: not told)."""
    role, codec, width = told.split()
    return DeviceStream.model_validate(
        {
            "role": role,
            "profile": told,
            "source": RtspSource(address="10.20.3.4", port=554, path=f"/{role}"),
            "original_uri": f"rtsp://10.20.3.4/{role}",
            "codec": None if codec == "-" else codec,
            "width": None if width == "-" else int(width),
        }
    )


@pytest.mark.parametrize(
    ("wanted", "offered", "chosen"),
    [
        (AUTO, ["main h264 1920", "sub h264 640"], "sub h264 640"),
        (AUTO, ["main h265 3840", "sub h264 640"], "sub h264 640"),
        (AUTO, ["main h264 1920", "sub h264 320"], "sub h264 320"),
        (AUTO, ["main h264 1920", "sub h264 -"], "sub h264 -"),
        (AUTO, ["main h264 1920", "sub h264 176"], "main h264 1920"),
        (AUTO, ["main h264 1920", "sub h265 640"], "main h264 1920"),
        (AUTO, ["main h264 1920", "sub mjpeg 640"], "main h264 1920"),
        (AUTO, ["main h264 1920", "sub - 640"], "main h264 1920"),
        (AUTO, ["main h265 3840", "sub h265 640"], "sub h265 640"),
        (AUTO, ["main h265 3840", "sub mjpeg 640"], "main h265 3840"),
        (AUTO, ["main h265 3840", "sub h264 176"], "sub h264 176"),
        (AUTO, ["main mjpeg 1280", "sub mjpeg 640"], "sub mjpeg 640"),
        (AUTO, ["main - -", "sub - -"], "sub - -"),
        (AUTO, ["main mjpeg 1280"], "main mjpeg 1280"),
        (MAIN, ["main h265 3840", "sub h264 640"], "main h265 3840"),
        (MAIN, ["sub h264 640"], "sub h264 640"),
        (SUB, ["main h264 1920", "sub mjpeg 176"], "sub mjpeg 176"),
        (SUB, ["main h264 1920"], "main h264 1920"),
    ],
)
def test_the_stream_is_chosen_whatever_the_order(wanted: StreamChoice, offered: list[str], chosen: str) -> None:
    for order in itertools.permutations(offered):
        found = choose_stream([stream(told) for told in order], wanted)
        assert found is not None
        assert found.profile == chosen


def test_no_stream_is_no_choice() -> None:
    assert choose_stream([], AUTO) is None


@pytest.mark.parametrize(
    ("wanted", "unfit", "chosen"),
    [
        (AUTO, {"sub h264 640"}, "main h264 1920"),
        (AUTO, {"main h264 1920"}, "sub h264 640"),
        (AUTO, {"main h264 1920", "sub h264 640"}, "sub h264 640"),
        (SUB, {"sub h264 640"}, "sub h264 640"),
    ],
    ids=["sub", "main", "both", "wanted"],
)
def test_a_stream_that_was_not_to_be_had_is_passed_over_unless_it_is_wished_for(
    wanted: StreamChoice, unfit: set[str], chosen: str
) -> None:
    found = choose_stream([stream("main h264 1920"), stream("sub h264 640")], wanted, unfit)
    assert found is not None
    assert found.profile == chosen
