"""What a file is by its first bytes, whatever its name says."""

from __future__ import annotations

SIGNATURES = (  # offset, bytes, name
    (0, b"\xff\xd8\xff", "JPEG"),
    (0, b"\x89PNG", "PNG"),
    (8, b"WEBP", "WebP"),
    (0, b"GIF8", "GIF"),
    (0, b"II*\0", "TIFF"),
    (0, b"MM\0*", "TIFF"),
    (0, b"II+\0", "TIFF"),
    (0, b"MM\0+", "TIFF"),
    (0, b"BM", "BMP"),
    (4, b"ftypavi", "an AVIF picture"),
    (4, b"ftyphe", "a HEIC picture"),
    (4, b"ftypm", "a HEIC picture or a video"),
    (4, b"ftyp", "a video"),
    (0, b"%PDF", "a PDF document"),
    (0, b"%!PS", "a PostScript document"),
    (0, b"\xc5\xd0\xd3\xc6", "a PostScript document"),
    (0, b"8BPS", "a Photoshop document"),
    (0, b"\xff\x0a", "a JPEG XL picture"),
    (4, b"JXL ", "a JPEG XL picture"),
    (4, b"jP  ", "a JPEG 2000 picture"),
    (0, b"\0\0\1\0", "an icon"),
    (0, b"PK\3\4", "a ZIP archive or an office document"),
    (0, b"\x1f\x8b", "a compressed file"),
)
READABLE = {"JPEG", "PNG", "WebP", "GIF", "TIFF", "BMP"}  # of these names, what seviz.images decodes


def name_of(content: bytes) -> str | None:
    """What the first bytes of a file say that it is, such as "PNG" or "a PDF document"; None where they say nothing."""
    head = content[:1024].removeprefix(b"\xef\xbb\xbf").lstrip()
    for offset, signature, name in SIGNATURES:
        if content[offset : offset + len(signature)] == signature:
            return name
    lowered = head.lower()
    if b"<svg" in lowered:
        return "an SVG drawing"
    if lowered.startswith((b"<!doctype html", b"<html")):
        return "a web page"
    if b"%pdf-" in lowered:
        return "a PDF document"
    return "a text file" if _is_text(head) else None


def _is_text(head: bytes) -> bool:
    try:
        return "\0" not in head.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start > len(head) - 4 and b"\0" not in head  # cut within its last character
