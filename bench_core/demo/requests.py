"""Reads requests of the page: forms of limited size, decoded in memory."""

from python_multipart.exceptions import FormParserError
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from bench_core.errors import BadInput
from bench_core.images import Array, decode_image
from bench_core.masks.mask_images import MaskLevels, read_mask

MAX_FILE_BYTES = 2**26
"""64 MiB."""
MAX_REQUEST_BYTES = 2 * MAX_FILE_BYTES
"""An image with its hole and sketch."""
MAX_PIXELS = 2**24
"""4096 x 4096, the largest canvas of browsers on phones."""
FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "PPM")
"""Accepted image formats. Some other readers of Pillow start external programs."""


class _InMemoryParser(MultiPartParser):
    spool_max_size = MAX_REQUEST_BYTES  # larger parts would go to a temporary file


async def read(request: Request) -> FormData:
    """Parse the form of a request. Close it after use.

    Raises:
        HTTPException: The request is too large, or is not a form.
    """
    length = request.headers.get("content-length", "")
    if not length.isdecimal() or "transfer-encoding" in request.headers or int(length) > MAX_REQUEST_BYTES:
        raise HTTPException(413, f"Send at most {MAX_REQUEST_BYTES >> 20} MiB, with the header Content-Length.")
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise HTTPException(400, "Send a form (multipart/form-data).")
    try:
        return await _InMemoryParser(request.headers, request.stream(), max_files=3, max_fields=3).parse()
    except (MultiPartException, FormParserError) as error:
        raise HTTPException(400, f"The form is damaged: {error}") from error


def number(form: FormData, name: str, below: int) -> int:
    """Return a field that holds a whole number in [0, below).

    Raises:
        HTTPException: The field is missing or holds something else.
    """
    text = form.get(name)
    numbers = {str(number): number for number in range(below)}
    if not isinstance(text, str) or text not in numbers:
        raise HTTPException(400, f"{name} must be a number from 0 to {below - 1}, not {text!r}.")
    return numbers[text]


def image(form: FormData, name: str) -> tuple[str, Array]:
    """Return the file name of an uploaded image, and its pixels, uint8 (height, width, 3 or 1).

    Raises:
        HTTPException: The form has no such file.
        BadInput: The file is too large, or cannot be decoded.
    """
    file_name, content = _file(form, name)
    return file_name, decode_image(content, file_name, FORMATS, MAX_PIXELS)


def mask(form: FormData, name: str) -> MaskLevels:
    """Return an uploaded mask or sketch. Raises as `image`, and BadInput if it is no clear mask."""
    file_name, content = _file(form, name)
    return read_mask(content, file_name, FORMATS, MAX_PIXELS)


def _file(form: FormData, name: str) -> tuple[str, bytes]:
    sent = form.get(name)
    if not isinstance(sent, UploadFile):
        raise HTTPException(400, f"The form has no file {name!r}.")
    file_name = sent.filename or name
    if (sent.size or 0) > MAX_FILE_BYTES:
        raise BadInput(f"{file_name} has more than {MAX_FILE_BYTES >> 20} MiB.")
    sent.file.seek(0)
    return file_name, sent.file.read()
