#!/usr/bin/env python3
"""A real RTSP camera for tests: loops files for ever, live and paced, through gst-rtsp-server.

Debian: python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-{base,good,bad}; run with /usr/bin/python3.

  testcam.py [--port N] [--user NAME:PASSWORD [--digest]] --mount /main:h264=FILE@FPS[,aac=FILE] [--mount ..]

H.264 and H.265 files are byte streams with access unit delimiters, AAC files are ADTS, pcmu and pcma are raw G.711 at 8 kHz.
Prints "ready PORT" once it listens; port 0 takes a free one. SIGTERM ends it; SIGUSR1 freezes every camera (the connection
stays, nothing comes any more), SIGUSR2 lets them go on.
"""
import argparse
import signal
import sys

import gi

for name, version in (("Gst", "1.0"), ("GstApp", "1.0"), ("GstRtsp", "1.0"), ("GstRtspServer", "1.0")):
    gi.require_version(name, version)
from gi.repository import GLib, Gst, GstApp, GstRtsp, GstRtspServer  # noqa: E402, F401

AAC_RATES = [96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000]
NAL = {
    "h264": {"type": lambda byte: byte & 31, "delimiter": 9, "key": {5}},
    "h265": {"type": lambda byte: byte >> 1 & 63, "delimiter": 35, "key": {16, 17, 18, 19, 20, 21}},
}


def access_units(data, codec):
    """Splits a byte stream at its delimiters: [(bytes, is a key frame)]."""
    kind = NAL[codec]
    units, begin, key = [], None, False
    at = data.find(b"\0\0\1")
    while at != -1:
        nal = kind["type"](data[at + 3])
        start = at - 1 if at and data[at - 1] == 0 else at
        if nal == kind["delimiter"]:
            if begin is not None:
                units.append((data[begin:start], key))
            begin, key = start, False
        elif nal in kind["key"]:
            key = True
        at = data.find(b"\0\0\1", at + 3)
    units.append((data[begin:], key))
    return units


def adts_frames(data):
    frames, at = [], 0
    while at + 7 <= len(data):
        length = (data[at + 3] & 3) << 11 | data[at + 4] << 3 | data[at + 5] >> 5
        frames.append(data[at:at + length])
        at += length
    return frames


class Track:
    """Chunks of equal duration, pushed for ever whenever the pipeline wants more."""

    frozen = False
    waiting = []

    def __init__(self, chunks, duration_ns, keys=None):
        self.chunks, self.duration_ns, self.keys = chunks, duration_ns, keys

    def attach(self, source):
        count = 0

        def push(source, _wanted):
            nonlocal count
            if Track.frozen:
                Track.waiting.append(lambda: push(source, 0))
                return
            at = count % len(self.chunks)
            buffer = Gst.Buffer.new_wrapped(self.chunks[at])
            buffer.pts = buffer.dts = int(count * self.duration_ns)
            buffer.duration = int(self.duration_ns)
            if self.keys and not self.keys[at]:
                buffer.set_flags(Gst.BufferFlags.DELTA_UNIT)
            count += 1
            source.emit("push-buffer", buffer)

        source.connect("need-data", push)


def video_track(codec, value, number):
    path, fps = value.rsplit("@", 1)
    with open(path, "rb") as file:
        units = access_units(file.read(), codec)
    caps = f"video/x-{codec},stream-format=byte-stream,alignment=au,framerate={int(fps)}/1"
    launch = (f"appsrc name=t{number} format=time is-live=true max-bytes=2000000 caps={caps} "
              f"! {codec}parse ! rtp{codec}pay name=pay{number} pt={96 + number} config-interval=-1")
    return Track([unit for unit, _ in units], 1e9 / int(fps), [key for _, key in units]), launch


def aac_track(path, number):
    with open(path, "rb") as file:
        frames = adts_frames(file.read())
    rate = AAC_RATES[frames[0][2] >> 2 & 15]
    caps = f"audio/mpeg,mpegversion=4,stream-format=adts,framed=true,rate={rate},channels=1"
    launch = (f"appsrc name=t{number} format=time is-live=true caps={caps} "
              f"! aacparse ! rtpmp4gpay name=pay{number} pt={96 + number}")
    return Track(frames, 1024e9 / rate), launch


def g711_track(law, path, number):
    with open(path, "rb") as file:
        raw = file.read()
    chunks = [raw[at:at + 160] for at in range(0, len(raw) - 159, 160)]
    kind, payload = ("mulaw", 0) if law == "pcmu" else ("alaw", 8)
    launch = (f"appsrc name=t{number} format=time is-live=true caps=audio/x-{kind},rate=8000,channels=1 "
              f"! rtp{law}pay name=pay{number} pt={payload}")
    return Track(chunks, 20e6), launch


def track(kind, value, number):
    if kind in NAL:
        return video_track(kind, value, number)
    if kind == "aac":
        return aac_track(value, number)
    if kind in ("pcmu", "pcma"):
        return g711_track(kind, value, number)
    sys.exit(f"testcam.py: {kind} is not one of h264 h265 aac pcmu pcma")


class Camera(GstRtspServer.RTSPMediaFactory):
    def __init__(self, spec):
        super().__init__()
        items = [item.split("=", 1) for item in spec.split(",")]
        made = [track(kind, value, number) for number, (kind, value) in enumerate(items)]
        self.tracks = {f"t{number}": track for number, (track, _) in enumerate(made)}
        self.launch = "( " + " ".join(launch for _, launch in made) + " )"
        self.set_shared(True)
        self.set_latency(0)

    def do_create_element(self, _url):
        return Gst.parse_launch(self.launch)

    def do_configure(self, media):
        element = media.get_element()
        for name, source in self.tracks.items():
            source.attach(element.get_child_by_name(name))
        GstRtspServer.RTSPMediaFactory.do_configure(self, media)


def require_login(server, user, password, digest):
    auth, token = GstRtspServer.RTSPAuth(), GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "user")
    if digest:
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        auth.add_digest(user, password, token)
    else:
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
    server.set_auth(auth)


def permit_user(camera):
    permissions = GstRtspServer.RTSPPermissions()
    permissions.add_role("user")
    permissions.add_permission_for_role("user", "media.factory.access", True)
    permissions.add_permission_for_role("user", "media.factory.construct", True)
    camera.set_permissions(permissions)


def freeze(frozen):
    Track.frozen = frozen
    waiting, Track.waiting = Track.waiting, []
    if not frozen:
        for go_on in waiting:
            go_on()
    else:
        Track.waiting = waiting
    return GLib.SOURCE_CONTINUE


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", default="8554")
    parser.add_argument("--mount", action="append", required=True)
    parser.add_argument("--user")
    parser.add_argument("--digest", action="store_true")
    options = parser.parse_args()
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(options.port)
    if options.user:
        require_login(server, *options.user.split(":", 1), options.digest)
    for mount in options.mount:
        path, spec = mount.split(":", 1)
        camera = Camera(spec)
        if options.user:
            permit_user(camera)
        server.get_mount_points().add_factory(path, camera)
    loop = GLib.MainLoop()
    if server.attach(None) == 0:
        sys.exit(f"testcam.py: port {options.port} is taken")
    for number in (signal.SIGTERM, signal.SIGINT):
        GLib.unix_signal_add(GLib.PRIORITY_HIGH, number, loop.quit)
    GLib.unix_signal_add(GLib.PRIORITY_HIGH, signal.SIGUSR1, freeze, True)
    GLib.unix_signal_add(GLib.PRIORITY_HIGH, signal.SIGUSR2, freeze, False)
    print("ready", server.get_bound_port(), flush=True)
    loop.run()


main()
