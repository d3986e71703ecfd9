"""The decoder: each picture shown right, shown with a notice, or refused in one sentence."""

from __future__ import annotations

import hashlib
import io
import struct
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import profiles
import pytest
from PIL import Image, ImageCms, ImageFile
from torchvision.transforms import functional as torchvision

from seviz import images
from seviz.errors import PictureError
from seviz.images import Picture, Preprocessing, decode, encode_png, fit, shrunk

ON_WHITE = ("Its transparent parts are shown on white.",)
FIRST = ("The file holds several pictures; the first one is shown.",)
# a profile is dated by the clock (ICC.1, bytes 24 to 35): with a fixed date every run sees the same files
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
SRGB = SRGB[:24] + struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + SRGB[36:]


def noise(height=12, width=17, channels=3, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)


def smooth(height=24, width=32):
    """A gradient, which JPEG of the best quality without subsampled colours keeps within three levels."""
    down, right = np.mgrid[0:height, 0:width]
    return np.stack((down * 8, right * 7, 255 - down * 4 - right * 4), -1).clip(0, 255).astype(np.uint8)


def saved(image, form, **options):
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image)
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def png(width, height, depth=8, colour=2, rows=b"", extra=b""):
    """A PNG written by hand, so that its header can say what the pixels do not."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + extra + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def tiff(tags, data=b"", header=b"II*\0"):
    """A TIFF written by hand: tags (number -> (type, value)), then `data` right behind them."""
    entries = b"".join(struct.pack("<HHII", number, kind, 1, value) for number, (kind, value) in sorted(tags.items()))
    return header + struct.pack("<IH", 8, len(tags)) + entries + b"\0\0\0\0" + data


# shown right


@pytest.mark.parametrize(("form", "options"), [("PNG", {}), ("BMP", {}), ("TIFF", {}), ("WEBP", {"lossless": True})])
def test_lossless_pixels_arrive_as_they_were_saved(form, options):
    content = saved(noise(), form, **options)
    picture = decode(content)
    assert np.array_equal(picture.pixels, noise())
    assert picture.pixels.dtype == np.uint8
    assert (picture.format, picture.notices) == (form, ())
    assert picture.sha256 == hashlib.sha256(content).hexdigest()
    assert not picture.pixels.flags.writeable


def test_jpeg_is_near_what_was_saved():
    picture = decode(saved(smooth(), "JPEG", quality=100, subsampling=0))
    assert np.abs(picture.pixels.astype(int) - smooth()).max() <= 3
    assert (picture.format, picture.notices) == ("JPEG", ())


def test_palettes_and_greys_become_rgb():
    palette = Image.new("P", (2, 1))
    palette.putpalette([10, 20, 30, 200, 100, 50])
    palette.putpixel((1, 0), 1)
    for form in ("PNG", "GIF", "BMP", "TIFF"):
        assert decode(saved(palette, form)).pixels.tolist() == [[[10, 20, 30], [200, 100, 50]]]
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert np.array_equal(decode(saved(grey, "PNG")).pixels, np.stack([grey] * 3, -1))
    bits = Image.new("1", (2, 1))
    bits.putpixel((1, 0), 1)
    assert decode(saved(bits, "TIFF")).pixels.tolist() == [[[0, 0, 0], [255, 255, 255]]]


SIDES = {  # of the display, where the file's first row and first column are (Exif 2.32, tag 0x0112)
    1: ("top", "left"),
    2: ("top", "right"),
    3: ("bottom", "right"),
    4: ("bottom", "left"),
    5: ("left", "top"),
    6: ("right", "top"),
    7: ("right", "bottom"),
    8: ("left", "bottom"),
}


@pytest.mark.parametrize("form", ["PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", SIDES)
def test_exif_orientation_turns_the_picture(form, orientation):
    stored, exif = noise(), Image.Exif()
    exif[0x0112] = orientation
    row, column = SIDES[orientation]
    upright = stored if row in ("top", "bottom") else stored.transpose(1, 0, 2)
    upright = upright[::-1] if "bottom" in (row, column) else upright
    upright = upright[:, ::-1] if "right" in (row, column) else upright
    options = {"lossless": True} if form == "WEBP" else {}
    assert np.array_equal(decode(saved(stored, form, exif=exif, **options)).pixels, upright)


def test_a_phone_jpeg_is_turned():
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = decode(saved(smooth(), "JPEG", quality=100, subsampling=0, exif=exif)).pixels
    assert np.abs(turned.astype(int) - np.rot90(smooth(), -1)).max() <= 3


def test_damaged_exif_costs_the_orientation_only():
    assert np.array_equal(decode(saved(noise(), "PNG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff")).pixels, noise())


def test_sixteen_bit_grey_is_scaled_not_clipped():
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    expected = np.floor(values / 257 + 0.5)
    assert np.array_equal(decode(saved(values, "PNG")).pixels[..., 1], expected)
    assert np.array_equal(decode(saved(values, "TIFF")).pixels[..., 2], expected)
    assert decode(saved(values, "PNG")).notices == ()
    half = np.full((4, 4), 127 * 257, np.uint16)
    assert decode(saved(half, "PNG")).pixels.mean() == 127  # Pillow's convert gives 255


def test_sixteen_bit_tiff_whose_zero_is_white():
    tags = {256: (4, 2), 257: (4, 1), 258: (3, 16), 259: (3, 1), 262: (3, 0), 273: (4, 14 + 12 * 8), 277: (3, 1), 279: (4, 4)}
    assert decode(tiff(tags, struct.pack("<HH", 0, 65535))).pixels.tolist() == [[[255] * 3, [0] * 3]]


def test_twelve_bit_tiff_uses_the_whole_range():
    tags = {256: (4, 2), 257: (4, 1), 258: (3, 12), 259: (3, 1), 262: (3, 1), 273: (4, 14 + 12 * 8), 277: (3, 1), 279: (4, 3)}
    assert decode(tiff(tags, b"\xff\xf0\x00")).pixels.tolist() == [[[255] * 3, [0] * 3]]


# shown with a notice


def test_transparent_parts_are_white_not_what_they_hide():
    pixels = np.array([[[255, 0, 0, 0], [0, 0, 255, 255], [0, 100, 200, 128]]], np.uint8)
    for form, options in (("PNG", {}), ("WEBP", {"lossless": True, "exact": True}), ("TIFF", {})):
        picture = decode(saved(pixels, form, **options))
        assert picture.pixels[0, :2].tolist() == [[255, 255, 255], [0, 0, 255]]
        blend = [round(255 - 128 / 255 * (255 - value)) for value in (0, 100, 200)]
        assert np.abs(picture.pixels[0, 2].astype(int) - blend).max() <= 1
        assert picture.notices == ON_WHITE


def test_transparent_greys_and_palettes():
    grey = decode(saved(np.array([[[0, 0], [90, 255]]], np.uint8), "PNG"))
    assert (grey.pixels.tolist(), grey.notices) == ([[[255] * 3, [90] * 3]], ON_WHITE)
    palette = Image.new("P", (2, 1))
    palette.putpalette([10, 20, 30, 200, 100, 50])
    palette.putpixel((1, 0), 1)
    for form in ("PNG", "GIF"):
        picture = decode(saved(palette, form, transparency=0))
        assert (picture.pixels.tolist(), picture.notices) == ([[[255] * 3, [200, 100, 50]]], ON_WHITE)
    one_colour = saved(np.array([[[1, 2, 3], [4, 5, 6]]], np.uint8), "PNG", transparency=(1, 2, 3))
    assert decode(one_colour).pixels.tolist() == [[[255] * 3, [4, 5, 6]]]
    sixteen = saved(np.array([[300, 65535]], np.uint16), "PNG", transparency=300)
    assert decode(sixteen).pixels.tolist() == [[[255] * 3, [255] * 3]]
    assert decode(sixteen).notices == ON_WHITE


def test_an_alpha_channel_that_hides_nothing_needs_no_notice():
    picture = decode(saved(np.dstack((noise(), np.full((12, 17), 255, np.uint8))), "PNG"))
    assert np.array_equal(picture.pixels, noise())
    assert picture.notices == ()


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP", "TIFF"])
def test_of_several_pictures_the_first_is_shown(form):
    frames = [Image.new("RGB", (4, 3), colour) for colour in ((255, 0, 0), (0, 255, 0), (0, 0, 255))]
    options = {"lossless": True} if form == "WEBP" else {}
    picture = decode(saved(frames[0], form, save_all=True, append_images=frames[1:], **options))
    assert (picture.pixels == (255, 0, 0)).all()
    assert (picture.format, picture.notices) == (form, FIRST)


def test_a_jpeg_with_a_second_picture_behind_it():
    frames = [Image.new("RGB", (16, 16), colour) for colour in ((250, 250, 250), (9, 9, 9))]
    picture = decode(saved(frames[0], "MPO", save_all=True, append_images=frames[1:]))
    assert (picture.pixels == 250).all()
    assert (picture.format, picture.notices) == ("JPEG", FIRST)


def test_cmyk_without_a_profile_is_approximate():
    image = Image.new("CMYK", (8, 8), (255, 0, 0, 0))
    for form in ("JPEG", "TIFF"):
        picture = decode(saved(image, form, **({"quality": 100} if form == "JPEG" else {})))
        assert np.abs(picture.pixels.astype(int) - (0, 255, 255)).max() <= 2
        assert picture.notices == ("It is a CMYK picture without a colour profile; its colours are approximate.",)


def test_cmyk_is_read_by_its_own_profile():
    """Cyan ink is green in this profile: naive conversion would show (0, 255, 255)."""
    for ink, expected in (((255, 0, 0, 0), (0, 255, 0)), ((0, 0, 0, 0), (255, 255, 255)), ((0, 0, 0, 255), (0, 0, 0))):
        picture = decode(saved(Image.new("CMYK", (8, 8), ink), "TIFF", icc_profile=profiles.cmyk_with_green_cyan()))
        assert np.abs(picture.pixels.astype(int) - expected).max() <= 12  # the profile is written in 8 bits
        assert picture.notices == ()


def test_rgb_and_grey_profiles_are_applied():
    red = np.array([[[255, 0, 0], [0, 0, 255], [255, 255, 255]]], np.uint8)
    picture = decode(saved(red, "PNG", icc_profile=profiles.rgb("grb")))
    assert np.abs(picture.pixels[0].astype(int) - [[0, 255, 0], [0, 0, 255], [255, 255, 255]]).max() <= 1
    assert picture.notices == ()
    linear = np.array([[55, 255]], np.uint8)
    encoded = round(255 * (1.055 * (55 / 255) ** (1 / 2.4) - 0.055))  # sRGB's definition, IEC 61966-2-1
    for profile in (profiles.grey(1.0), profiles.rgb("rgb", 1.0)):
        shown = decode(saved(linear, "PNG", icc_profile=profile)).pixels
        assert np.abs(shown[0].astype(int) - [[encoded] * 3, [255] * 3]).max() <= 1


def test_transparency_survives_a_profile():
    pixels = np.array([[[255, 0, 0, 255], [255, 0, 0, 0]]], np.uint8)
    shown = decode(saved(pixels, "PNG", icc_profile=profiles.rgb("grb"))).pixels
    assert np.abs(shown[0].astype(int) - [[0, 255, 0], [255, 255, 255]]).max() <= 1


@pytest.mark.parametrize("profile", [SRGB, profiles.coarse_srgb(32)])
def test_pixels_in_srgb_stay_exactly_as_they_are(profile):
    assert np.array_equal(decode(saved(noise(), "PNG", icc_profile=profile)).pixels, noise())


@pytest.mark.parametrize("profile", [b"damaged", SRGB[:300], profiles.grey(1.0), profiles.cmyk_with_green_cyan()])
def test_a_profile_that_cannot_be_used_is_named(profile):
    picture = decode(saved(noise(), "PNG", icc_profile=profile))
    assert np.array_equal(picture.pixels, noise())
    assert picture.notices == ("Its colour profile cannot be used; its colours may be off.",)


# refused


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"", "The file is empty"),
        (None, "There is no picture to read"),
        (b"Dear all,\nhere is the picture.", "a text file"),
        ("Grüße: ".encode() + "ü".encode() * 1000, "a text file"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- x -->\n<svg/>", "an SVG drawing"),
        (b"<!DOCTYPE html><html>404</html>", "a web page"),
        (b"%PDF-1.7\n%\xe2\xe3", "a PDF document"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "a HEIC picture"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "a HEIC picture"),
        (b"\0\0\0\x1cftypavif\0\0\0\0avifmif1", "an AVIF picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "a PostScript document"),
        (b"PK\3\4" + bytes(60), "a ZIP archive or an office document"),
        (b"8BPS\0\1" + bytes(60), "a Photoshop document"),
        (bytes(range(200, 256)) * 3, "no picture that seviz knows"),
        (saved(noise(), "PPM"), "no picture that seviz knows"),
    ],
)
def test_what_is_no_picture_is_named(content, named):
    with pytest.raises(PictureError, match=named) as caught:
        decode(content)
    assert "JPEG" in str(caught.value)  # the cure
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF"])
@pytest.mark.parametrize("kept", [0.05, 0.5, 0.97])
def test_truncated_files_are_refused(form, kept):
    content = saved(noise(64, 64), form)
    with pytest.raises(PictureError, match="damaged, cut off or of a rare kind"):
        decode(content[: int(len(content) * kept)])


def test_a_wrong_checksum_is_refused():
    content = bytearray(saved(noise(), "PNG"))
    content[content.index(b"IDAT") + 10] ^= 1
    with pytest.raises(PictureError, match="This PNG file is damaged"):
        decode(bytes(content))


@pytest.mark.parametrize(
    ("mode", "value", "named"),
    [("F", float("nan"), "floating-point"), ("F", 0.5, "floating-point"), ("I", 70000, "32-bit"), ("LAB", 50, "LAB")],
)
def test_numbers_without_a_known_range_are_refused(mode, value, named):
    with pytest.raises(PictureError, match=f"This TIFF holds {named}"):
        decode(saved(Image.new(mode, (4, 4), (value, 0, 0) if mode == "LAB" else value), "TIFF"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (png(9000, 9000, 1, 0), "9000 x 9000 pixels; make it smaller"),
        (png(60000, 1), "60000 x 1 pixels; make it smaller"),
        (png(2001, 100), "2001 x 100 pixels; crop it"),
        (png(100, 2001), "100 x 2001 pixels; crop it"),
        (png(0, 5), "damaged|none to show"),
        (bytes(images.MAX_BYTES + 1), "25 MB is the limit"),
    ],
)
def test_limits_hold_before_any_pixel_is_read(monkeypatch, content, said):
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: pytest.fail("pixels were read"))
    with pytest.raises(PictureError, match=said):
        decode(content)


@pytest.mark.parametrize("action", ["error", "ignore"])
@pytest.mark.parametrize("side", [10000, 15000])  # Pillow warns about the first and refuses the second
def test_decompression_bombs_are_refused_whatever_warnings_do(action, side):
    before = Image.MAX_IMAGE_PIXELS
    with warnings.catch_warnings():
        warnings.simplefilter(action)
        with pytest.raises(PictureError, match="make it smaller"):
            decode(png(side, side, 1, 0))
    assert before == Image.MAX_IMAGE_PIXELS


def test_the_longest_side_and_aspect_allowed_are_read():
    assert decode(saved(noise(5, 100), "PNG")).pixels.shape == (5, 100, 3)
    assert decode(saved(np.zeros((1000, images.MAX_SIDE, 3), np.uint8), "PNG")).pixels.shape == (1000, images.MAX_SIDE, 3)


def test_a_jpeg_of_a_thousand_scans_is_refused():
    content = saved(smooth(), "JPEG", progressive=True)
    last = [match.start() for match in images.START_OF_SCAN.finditer(content)][-1]
    with pytest.raises(PictureError, match="more than 100 scans"):
        decode(content[:-2] + content[last:-2] * 1000 + content[-2:])


def test_camera_raw_files_and_giant_tiles_are_refused():
    grey = {256: (4, 10), 257: (4, 10), 258: (3, 8), 259: (3, 5), 262: (3, 1), 277: (3, 1)}
    with pytest.raises(PictureError, match="a camera's raw file"):
        decode(tiff(grey | {254: (4, 1), 273: (4, 200), 279: (4, 50)}, bytes(400)))
    with pytest.raises(PictureError, match="tiles far larger"):
        decode(tiff(grey | {322: (4, 100_000), 323: (4, 16), 324: (4, 200), 325: (4, 50)}, bytes(400)))


def test_what_hides_behind_a_picture_does_not_pass_through():
    picture = decode(saved(noise(), "PNG") + b"<script>alert(1)</script>")
    assert np.array_equal(picture.pixels, noise())
    assert b"script" not in encode_png(picture.pixels)


# many at once, and whatever comes


def test_threads_do_not_disturb_each_other():
    contents, expected = [], []
    for seed in range(8):
        contents.append(saved(noise(40, 40, seed=seed), "PNG", icc_profile=profiles.rgb(["rgb", "grb", "bgr"][seed % 3], 1.8)))
        expected.append(decode(contents[-1]).pixels)
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda index: (index % 8, decode(contents[index % 8]).pixels), range(200)))
    assert all(np.array_equal(pixels, expected[index]) for index, pixels in results)


def small_files():
    frames = [Image.fromarray(noise(8, 8, seed=seed)) for seed in range(3)]
    alpha = noise(8, 8, 4)
    yield saved(smooth(16, 16), "JPEG")
    yield saved(smooth(16, 16), "JPEG", progressive=True, icc_profile=profiles.rgb("grb"), exif=Image.Exif().tobytes())
    yield saved(Image.fromarray(alpha, "CMYK"), "JPEG", icc_profile=profiles.cmyk_with_green_cyan())
    yield saved(alpha, "PNG", icc_profile=SRGB)
    yield saved(frames[0].quantize(4), "PNG", transparency=b"\0\1\2")
    yield saved(noise(8, 8, 2).view(np.uint16)[..., 0], "PNG")
    yield saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    yield saved(frames[0], "WEBP", save_all=True, append_images=frames[1:])
    yield saved(alpha, "WEBP", lossless=True)
    yield saved(frames[0], "BMP")
    yield saved(frames[0], "TIFF", compression="tiff_lzw")
    yield saved(alpha, "TIFF", compression="tiff_adobe_deflate", save_all=True, append_images=frames[1:])
    yield saved(noise(8, 8, 2).view(np.uint16)[..., 0], "TIFF")


def mutated(content, rng):
    content = bytearray(content)
    for _ in range(rng.integers(1, 6)):
        place = int(rng.integers(len(content)))
        content[place] = rng.choice((0, 1, 127, 128, 255, int(rng.integers(256))))
    if rng.random() < 0.3:
        start, length = rng.integers(len(content)), rng.integers(1, 40)
        content[start : start + length] = content[start : start + length] * int(rng.integers(0, 3))
    return bytes(content)


def outcome(content):
    """The picture or the sentence; any other exception goes through."""
    try:
        return decode(content)
    except PictureError as error:
        return str(error)


@pytest.mark.filterwarnings("ignore")  # Pillow's, of the kind "Corrupt EXIF data"
@pytest.mark.parametrize("content", list(small_files()), ids=lambda content: f"{content[:4]!a}-{len(content)}")
def test_mutated_files_give_a_picture_or_one_sentence(content, monkeypatch):
    monkeypatch.setattr(images, "MAX_PIXELS", 100_000)  # else the time goes into pictures of one colour
    results = [outcome(mutated(content, np.random.default_rng(seed))) for seed in range(60)]
    shown = [result for result in results if isinstance(result, Picture)]
    assert all(picture.pixels.dtype == np.uint8 and picture.pixels.shape[2] == 3 for picture in shown)
    assert all(result.endswith(".") for result in results if isinstance(result, str))
    assert len(shown) < len(results)


# as the network sees it


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize(("height", "width"), [(24, 57), (91, 40), (31, 33), (7, 5), (64, 64)])
def test_fit_is_torchvisions_resize_and_centre_crop(height, width, interpolation):
    pixels = noise(height, width)
    mode = torchvision.InterpolationMode(interpolation)
    resized = torchvision.resize(Image.fromarray(pixels), 36, mode)
    expected = np.asarray(torchvision.center_crop(resized, [32, 32])).astype(int)
    result = fit(pixels, Preprocessing(32, 32, crop=32 / 36, interpolation=interpolation))
    assert np.abs(result - expected).max() <= 1


def test_fit_leaves_a_picture_of_the_right_size_alone():
    pixels = noise(32, 32)
    assert fit(pixels, Preprocessing(32, 32)) is pixels
    assert fit(pixels, Preprocessing(32, 32, crop=0.5)) is not pixels


def test_fit_takes_the_middle():
    pixels = np.zeros((10, 30, 3), np.uint8)
    pixels[:, 10:20] = 200
    assert (fit(pixels, Preprocessing(10, 10)) == 200).all()


def test_fit_to_an_oblong_covers_it():
    assert (fit(np.full((100, 50, 3), 9, np.uint8), Preprocessing(20, 60)) == 9).all()
    assert fit(noise(100, 50), Preprocessing(20, 60)).shape == (20, 60, 3)


@pytest.mark.parametrize("shape", [(1, 60000, 3), (60000, 1, 3), (1, 1, 3)])
def test_fit_is_safe_for_extreme_pictures(shape, monkeypatch):
    made = []
    new = Image.Image.resize
    monkeypatch.setattr(Image.Image, "resize", lambda self, size, *a, **k: made.append(size) or new(self, size, *a, **k))
    assert fit(np.full(shape, 7, np.uint8), Preprocessing(224, 224, crop=0.875)).tolist() == [[[7] * 3] * 224] * 224
    assert made == [(224, 224)]  # never the whole picture at the network's scale, which would be 3.9 gigapixels


def test_png_files_hold_the_pixels():
    for pixels in (noise(), noise(channels=4)):
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(encode_png(pixels)))), pixels)


@pytest.mark.parametrize(
    "pixels", [None, [[1, 2, 3]], noise().astype(np.float32), noise()[..., 0], noise()[..., :2], noise()[:0]]
)
def test_other_arrays_are_refused_by_name(pixels):
    for function in (encode_png, lambda pixels: fit(pixels, Preprocessing(8, 8))):
        with pytest.raises(PictureError, match=r"A picture is a uint8 array \(height, width, 3\), not "):
            function(pixels)


def test_a_picture_is_shrunk_to_its_longer_side_and_never_enlarged():
    pixels = np.zeros((40, 100, 3), np.uint8)
    pixels[:, 50:] = 200
    small = shrunk(pixels, 50)
    assert small.shape == (20, 50, 3)
    assert small[10, 10].tolist() == [0, 0, 0]
    assert small[10, 40].tolist() == [200, 200, 200]
    assert np.array_equal(shrunk(pixels, 200), pixels)
