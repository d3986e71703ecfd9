"""Untrusted bytes -> an RGB picture, and what a network does to a picture before it looks: described as data.

A picture is shown right, shown right with a notice, or refused in one sentence. Shown right without a word: rotation by
EXIF, palettes, 16-bit grey, embedded colour profiles. Everything here may be called from several threads at once.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# named so that a thread's first Image.open loads no plugin, and no format beyond these is ever loaded
from PIL import (
    BmpImagePlugin,
    ExifTags,
    GifImagePlugin,
    Image,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from seviz.colour import to_srgb
from seviz.errors import PictureError
from seviz.formats import READABLE, name_of

PLUGINS = (JpegImagePlugin, PngImagePlugin, WebPImagePlugin, BmpImagePlugin, GifImagePlugin, TiffImagePlugin)
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")  # the commonest first: they are tried in turn
MAX_BYTES = 25 * 2**20
MAX_PIXELS = 8192 * 6144  # a 50-megapixel phone; up to 0.9 GB while it is decoded
MAX_SIDE = 16_384
MAX_ASPECT = 20  # longer side to shorter
MAX_SCANS = 100  # of a progressive JPEG, which has about ten; each costs a pass over all pixels

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
RESAMPLING = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}

UNKNOWN_RANGE = {"I": "32-bit or signed numbers", "F": "floating-point numbers", "LAB": "LAB colours", "HSV": "HSV colours"}
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
START_OF_SCAN = re.compile(rb"\xff\xda\x00(?:\x08\x01|\x0a\x02|\x0c\x03|\x0e\x04)")


@dataclass(frozen=True)
class Picture:
    """A decoded picture.

    pixels: uint8 (H, W, 3) RGB, read-only. sha256: of the bytes it came from (hex). notices: what had to be decided to
    show it, one sentence each. format: what the bytes really were, such as "JPEG".
    """

    pixels: NDArray[np.uint8]
    sha256: str
    notices: tuple[str, ...]
    format: str


@dataclass(frozen=True)
class Preprocessing:
    """How a picture becomes a network's input.

    The shorter side is resized to round(side / crop) (antialiased, with `interpolation`), the middle height x width
    pixels are taken, and (pixel / 255 - mean) / std is fed to the network, RGB.
    """

    height: int
    width: int
    crop: float = 1.0
    interpolation: str = "bilinear"
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD


def decode(content: bytes) -> Picture:
    """The picture in an uploaded file, whatever its name said.

    Transparency is laid on white, animations and documents of several pages give their first picture (both with a
    notice), colours become sRGB by the embedded profile, EXIF's orientation is applied. Raises PictureError where the
    bytes are no JPEG, PNG, WebP, BMP, GIF or TIFF, are damaged, exceed a limit above, or hold numbers whose range for
    display nobody knows.
    """
    if not isinstance(content, bytes):
        raise PictureError("There is no picture to read; choose a file saved as JPEG or PNG.")
    if not content:
        raise PictureError("The file is empty; choose another, saved as JPEG or PNG.")
    if len(content) > MAX_BYTES:
        raise PictureError(
            f"The file has {len(content) / 2**20:.0f} MB, and {MAX_BYTES // 2**20} MB is the limit; make the picture smaller."
        )
    try:
        return _decode(content)
    except PictureError:
        raise
    except MemoryError as error:
        raise PictureError("There is not enough memory for this picture; make it smaller.") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureError(f"The picture has more than {MAX_PIXELS // 10**6} million pixels; make it smaller.") from error
    except Exception as error:  # boundary: Pillow's readers raise a dozen types, from SyntaxError to struct.error
        raise PictureError(_why_unreadable(content, error)) from error


def fit(pixels: NDArray[np.uint8], to: Preprocessing) -> NDArray[np.uint8]:
    """The picture as the network sees it: uint8 (height, width, 3), before normalisation.

    A picture that has the network's size already is returned as it is. Memory and time follow the sizes of the two
    pictures, however long and narrow the first is. Raises PictureError where `pixels` is not uint8 (H, W, 3).
    """
    _require_uint8(pixels, channels=(3,))
    if pixels.shape[:2] == (to.height, to.width) and to.crop == 1.0:
        return pixels
    height, width = pixels.shape[:2]
    scale = max(round(to.height / to.crop) / height, round(to.width / to.crop) / width)
    top, bottom = _middle(height, scale, to.height)
    left, right = _middle(width, scale, to.width)
    image = Image.fromarray(pixels)
    return np.array(image.resize((to.width, to.height), RESAMPLING[to.interpolation], box=(left, top, right, bottom)))


def shrunk(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """uint8 (H, W, 3) with the longer side at most `side` pixels, antialiased. Raises PictureError for any other array."""
    _require_uint8(pixels, channels=(3,))
    image = Image.fromarray(pixels)
    image.thumbnail((side, side))
    return np.asarray(image)


def encode_png(pixels: NDArray[np.uint8]) -> bytes:
    """A PNG file of uint8 (H, W, 3) RGB or (H, W, 4) RGBA. Raises PictureError for any other array."""
    _require_uint8(pixels, channels=(3, 4))
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=4)
    return buffer.getvalue()


def _middle(size: int, scale: float, wanted: int) -> tuple[float, float]:
    """Where in the picture the middle `wanted` pixels of a side of size * scale pixels come from."""
    scaled = max(int(size * scale + 1e-6), wanted)  # rounded down, and the offset to even: as torchvision does it
    start = round((scaled - wanted) / 2)
    return start * size / scaled, min((start + wanted) * size / scaled, size)


def _require_uint8(pixels: object, channels: Sequence[int]) -> None:
    if not isinstance(pixels, np.ndarray):
        raise PictureError(f"A picture is a uint8 array (height, width, 3), not {type(pixels).__name__}.")
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] not in channels or not pixels.size:
        raise PictureError(f"A picture is a uint8 array (height, width, 3), not {pixels.dtype} {pixels.shape}.")


def _decode(content: bytes) -> Picture:
    image: Image.Image = Image.open(io.BytesIO(content), formats=FORMATS)
    name = "JPEG" if image.format == "MPO" else image.format or ""  # MPO: a JPEG with further pictures behind it
    _refuse_size(*image.size)
    _refuse_kind(image, name, content)
    notices = []
    if getattr(image, "is_animated", False):
        notices.append("The file holds several pictures; the first one is shown.")
    image.load()
    image, profile, turn = _plain(image), image.info.get("icc_profile"), TURNS.get(_orientation(image))
    alpha = image.getchannel("A") if image.mode in ("LA", "RGBA") else None
    colours = to_srgb(image if alpha is None else image.convert(image.mode[:-1]), profile, notices)
    if alpha is not None and alpha.getextrema() != (255, 255):
        notices.append("Its transparent parts are shown on white.")
        white = Image.new("RGB", image.size, "white")
        white.paste(colours, mask=alpha)
        colours = white
    pixels = np.asarray(colours if turn is None else colours.transpose(turn))
    return Picture(pixels, hashlib.sha256(content).hexdigest(), tuple(notices), name)


def _refuse_size(width: int, height: int) -> None:
    said = f"The picture has {width} x {height} pixels"
    if min(width, height) < 1:
        raise PictureError(f"{said}: none to show; choose another.")
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise PictureError(f"{said}; make it smaller: {MAX_SIDE} a side and {MAX_PIXELS // 10**6} million in all at most.")
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise PictureError(f"{said}; crop it: the longer side may be {MAX_ASPECT} times the shorter one at most.")


def _refuse_kind(image: Image.Image, name: str, content: bytes) -> None:
    """Refuse, before any pixel is read, what would be shown wrong or would take far too long."""
    if image.mode in UNKNOWN_RANGE:
        raise PictureError(f"This {name} holds {UNKNOWN_RANGE[image.mode]}; save it as an 8-bit RGB JPEG or PNG.")
    if name == "JPEG" and len(START_OF_SCAN.findall(content)) > MAX_SCANS:
        raise PictureError(f"This JPEG is built of more than {MAX_SCANS} scans; save it again as an ordinary JPEG or PNG.")
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        if _tag(image, 254) & 1:  # NewSubfileType: "a reduced-resolution version", so do camera files begin
            raise PictureError("This is a camera's raw file, of which only a preview could be shown; export it as JPEG.")
        if max(_tag(image, 322), _tag(image, 323)) > MAX_SIDE:  # a tile is read whole, even into a small picture
            raise PictureError("This TIFF is cut into tiles far larger than a picture; save it as PNG.")


def _tag(image: TiffImagePlugin.TiffImageFile, number: int, default: int = 0) -> int:
    value = image.tag_v2.get(number, default)
    if isinstance(value, tuple):
        value = value[0]
    return int(value)


def _orientation(image: Image.Image) -> Any:
    try:
        return image.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # boundary: a damaged EXIF block costs the orientation, not the picture
        return None


def _plain(image: Image.Image) -> Image.Image:
    """The same picture in mode L, LA, RGB, RGBA or CMYK."""
    if image.mode.startswith("I;16"):
        return _sixteen_bits(image)
    if image.mode in ("LA", "RGBA"):
        return image
    if image.has_transparency_data:
        return image.convert("RGBA")
    return image if image.mode in ("L", "RGB", "CMYK") else image.convert("RGB")


def _sixteen_bits(image: Image.Image) -> Image.Image:
    """Grey of 9 to 16 bits scaled to 0..255, rounded; Pillow's own conversion clips it."""
    values = np.asarray(image).astype(np.uint32)
    top, inverted = 65535, False
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        top = 2 ** _tag(image, 258, 16) - 1
        inverted = _tag(image, 262, 1) == 0  # WhiteIsZero, which Pillow heeds up to 8 bits only
    grey = ((values * 255 + top // 2) // top).clip(0, 255).astype(np.uint8)
    plain = Image.fromarray(255 - grey if inverted else grey)
    if "transparency" not in image.info:
        return plain
    opaque = np.where(values == image.info["transparency"], 0, 255).astype(np.uint8)
    return Image.merge("LA", (plain, Image.fromarray(opaque)))


def _why_unreadable(content: bytes, error: Exception) -> str:
    name = name_of(content)
    if name in READABLE:
        return f"This {name} file is damaged, cut off or of a rare kind; save it again as JPEG or PNG."
    if name is None and not isinstance(error, UnidentifiedImageError):
        return "This picture is damaged; save or download it again."
    return f"This is {name or 'no picture that seviz knows'}; choose a picture saved as JPEG or PNG."
