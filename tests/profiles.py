"""ICC profiles written by hand, as small as the standard (ICC.1:2001-04) allows, for the tests of colours."""

from __future__ import annotations

import struct

SRGB_COLORANTS = {"r": (0.4361, 0.2225, 0.0139), "g": (0.3851, 0.7169, 0.0971), "b": (0.1431, 0.0606, 0.7139)}  # XYZ, D50
WHITE = (0.9642, 1.0, 0.8249)


def profile(space: bytes, connection: bytes, device: bytes, tags: dict[bytes, bytes]) -> bytes:
    """A version 2 profile of device class `device` (`mntr`, `scnr`) from `space` to the connection space."""
    tags = {b"desc": text("made for a test"), b"wtpt": xyz(WHITE), b"cprt": b"text\0\0\0\0none\0", **tags}
    offset, table, body = 128 + 4 + 12 * len(tags), b"", b""
    for name, value in tags.items():
        table += struct.pack(">4sII", name, offset + len(body), len(value))
        body += value + b"\0" * (-len(value) % 4)
    size = offset + len(body)
    header = struct.pack(">I4sI4s4s4s12s4s", size, b"none", 0x02400000, device, space, connection, b"\0" * 12, b"acsp")
    illuminant = b"".join(fixed(value) for value in WHITE)
    header += b"\0" * 28 + illuminant  # platform .. rendering intent, then the illuminant of the connection space
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def fixed(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def xyz(value: tuple[float, float, float]) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(fixed(part) for part in value)


def gamma(value: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(value * 256))


def text(words: str) -> bytes:
    encoded = words.encode() + b"\0"
    return b"desc\0\0\0\0" + struct.pack(">I", len(encoded)) + encoded + b"\0" * (4 + 4 + 2 + 1 + 67)


def rgb(colorants: str, exponent: float = 2.2) -> bytes:
    """An RGB profile with sRGB's primaries in another order: "grb" shows (255, 0, 0) as green."""
    return matrix_profile(colorants, gamma(exponent))


def coarse_srgb(points: int) -> bytes:
    """sRGB with its curve as a short table, as many cameras write it: some colours come out a level or two off."""
    levels = (index / (points - 1) for index in range(points))
    linear = (level / 12.92 if level <= 0.04045 else ((level + 0.055) / 1.055) ** 2.4 for level in levels)
    table = b"".join(struct.pack(">H", round(value * 65535)) for value in linear)
    return matrix_profile("rgb", b"curv\0\0\0\0" + struct.pack(">I", points) + table)


def matrix_profile(colorants: str, curve: bytes) -> bytes:
    order = {target: SRGB_COLORANTS[source] for target, source in zip("rgb", colorants, strict=True)}
    tags = {f"{name}XYZ".encode(): xyz(value) for name, value in order.items()}
    return profile(b"RGB ", b"XYZ ", b"mntr", tags | {f"{name}TRC".encode(): curve for name in "rgb"})


def grey(exponent: float) -> bytes:
    return profile(b"GRAY", b"XYZ ", b"mntr", {b"kTRC": gamma(exponent)})


def cmyk_with_green_cyan() -> bytes:
    """Inks of which cyan is sRGB's green (Lab 87.7, -79.3, 81.0), whose other inks are a weak black (Lab 12, 0, 0);
    paper is white."""
    corners = b""
    for inks in range(16):  # the first channel varies slowest
        cyan, others = inks & 8, inks & 7
        lightness, a, b = (12.0, 0.0, 0.0) if others else (87.8, -79.3, 81.0) if cyan else (100.0, 0.0, 0.0)
        corners += bytes((round(lightness * 2.55), round(a + 128), round(b + 128)))
    identity = bytes(range(256))
    matrix = b"".join(fixed(value) for value in (1, 0, 0, 0, 1, 0, 0, 0, 1))
    table = b"mft1\0\0\0\0" + bytes((4, 3, 2, 0)) + matrix + identity * 4 + corners + identity * 3
    return profile(b"CMYK", b"Lab ", b"scnr", {b"A2B0": table, b"A2B1": table})
