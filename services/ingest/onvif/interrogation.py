"""Visits to one device: the questions in their order, and what is made of the answers. Blocking; runs in a thread."""

from datetime import timedelta

from services.contracts.camera import AuthOutcome, Channel, DeviceFacts, DeviceStream, Interrogation, OnvifSource
from services.contracts.ladder import Reason, Rung
from services.contracts.worker_endpoint import ClockSet
from services.ingest.faults import CameraFault
from services.ingest.onvif.channels import VideoChannel, find_profile, group_channels
from services.ingest.onvif.conversation import Conversation, Unanswered
from services.ingest.onvif.questions import Questions

#: Channels of which the streams are asked for. The largest recorders have as many.
CHANNELS_MAX = 256
#: Time for each channel of which they are, and for all: a recorder answers one question at a time.
_CHANNEL_S = 1.5
_CHANNELS_S = 120.0


def interrogate(conversation: Conversation, source: OnvifSource, *, every_channel: bool = False) -> Interrogation:
    """Ask everything. Raises CameraFault."""
    questions = Questions(conversation, source.path)
    try:
        questions.begin()
        facts = questions.information()
        questions.find_services()
        channels = group_channels(questions.profiles())
        conversation.reached(Rung.AUTHORIZED)
        if not channels:
            raise CameraFault(Reason.NO_VIDEO, conversation.rung, "no profile of the device has a video source")
        facts = questions.identified(facts).model_copy(update={"name": questions.name()})
        streams = _streams(questions, source, channels)
        if every_channel:
            described = _described(conversation, questions, channels, streams)
        else:
            described = tuple(map(_channel, channels))
    except Unanswered as error:
        raise CameraFault(Reason.ONVIF_FAILED, conversation.rung, error.detail) from error
    return Interrogation(device=questions.talked(facts), channels=described, streams=streams)


def identify(conversation: Conversation, source: OnvifSource) -> DeviceFacts:
    """Ask what the device is, and nothing else. Raises CameraFault."""
    questions = Questions(conversation, source.path)
    try:
        questions.begin()
        facts = questions.identified(questions.information())
    except Unanswered as error:
        raise CameraFault(Reason.ONVIF_FAILED, conversation.rung, error.detail) from error
    return questions.talked(facts)


def set_clock(conversation: Conversation, source: OnvifSource) -> ClockSet:
    """Set the device's clock to ours. Raises CameraFault."""
    questions = Questions(conversation, source.path)
    try:
        questions.begin()
        # It settles how to sign in, so that the new time is not old by the time that it is sent.
        questions.information()
        before = conversation.clock_offset_s
        questions.set_clock(conversation.clock.now() + timedelta(seconds=0.5))  # the device gets whole seconds
        questions.read_clock()
    except Unanswered as error:
        raise CameraFault(Reason.ONVIF_FAILED, conversation.rung, error.detail) from error
    return ClockSet(offset_before_s=before, offset_after_s=conversation.clock_offset_s)


def try_sign_in(conversation: Conversation, source: OnvifSource) -> AuthOutcome | None:
    """Sign in, and say what the device said; None when it wants no credentials. Raises CameraFault.

    The conversation must be one that never signs again.
    """
    questions = Questions(conversation, source.path)
    try:
        questions.begin()
        questions.information()
        if not conversation.account.accepted:
            # Some devices guard nothing but their media.
            questions.find_services()
            questions.profiles()
    except Unanswered as error:
        if conversation.rung.height < Rung.ANSWERING.height:
            raise CameraFault(Reason.ONVIF_FAILED, conversation.rung, error.detail) from error
    except CameraFault as fault:
        if fault.auth is None:
            raise
        return fault.auth
    return AuthOutcome.ACCEPTED if conversation.account.accepted else None


def _streams(questions: Questions, source: OnvifSource, channels: tuple[VideoChannel, ...]) -> tuple[DeviceStream, ...]:
    """The streams of the channel that is meant; none when there are several and none is named."""
    if source.profile is not None:
        found = find_profile(channels, source.profile)
        if found is None:
            tokens = ", ".join(channel.main.token for channel in channels)[:500]
            raise CameraFault(
                Reason.CHANNEL_REQUIRED, Rung.AUTHORIZED, f"no profile has this token; the channels are: {tokens}"
            )
        channel, main = found
    elif len(channels) > 1:
        return ()
    else:
        channel, main = channels[0], channels[0].main
    streams = [questions.stream("main", main)]
    sub = channel.sub(main)
    if sub is not None:
        try:
            streams.append(questions.stream("sub", sub))
        except Unanswered:
            # A camera without a sub stream is whole.
            return tuple(streams)
    return tuple(streams)


def _described(
    conversation: Conversation,
    questions: Questions,
    channels: tuple[VideoChannel, ...],
    known: tuple[DeviceStream, ...],
) -> tuple[Channel, ...]:
    """The channels with the streams and the snapshot of each. One that does not give its streams is kept without."""
    conversation.deadline.extend(min(_CHANNEL_S * len(channels), _CHANNELS_S))
    described = []
    with conversation.modestly(_CHANNELS_S):
        for number, channel in enumerate(channels):
            told = _channel(channel)
            if number < CHANNELS_MAX:
                streams = known if len(channels) == 1 else _every(questions, channel)
                told = told.model_copy(update={"streams": streams, "snapshot_path": questions.snapshot(channel.main)})
            described.append(told)
    return tuple(described)


def _every(questions: Questions, channel: VideoChannel) -> tuple[DeviceStream, ...]:
    streams: list[DeviceStream] = []
    try:
        streams.append(questions.stream("main", channel.main))
        sub = channel.sub(channel.main)
        if sub is not None:
            streams.append(questions.stream("sub", sub))
    except Unanswered:
        pass
    return tuple(streams)


def _channel(channel: VideoChannel) -> Channel:
    main = channel.main
    return Channel(
        profile=main.token,
        profiles=tuple(profile.token for profile in channel.profiles),
        sources=channel.sources,
        name=main.name or main.token,
        codec=main.codec,
        width=main.width,
        height=main.height,
    )
