"""What a page sends, kept in memory and limited in size."""

from python_multipart.exceptions import FormParserError
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from bench_core.demo.pictures import LARGEST_FILE, decode
from bench_core.errors import BadInput
from bench_core.images import Array

LARGEST = 2 * LARGEST_FILE
"""Bytes of a request: a picture with its hole and sketch."""


class _InMemory(MultiPartParser):
    spool_max_size = LARGEST  # what is larger would go to a temporary file


async def read(request: Request) -> FormData:
    """The fields that were sent; to be closed. Raises HTTPException."""
    length = request.headers.get("content-length", "")
    if not length.isdecimal() or "transfer-encoding" in request.headers or int(length) > LARGEST:
        raise HTTPException(413, f"Send {LARGEST >> 20} MiB at most, and tell how much it is (Content-Length).")
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise HTTPException(400, "Send a form (multipart/form-data).")
    try:
        return await _InMemory(request.headers, request.stream(), max_files=3, max_fields=3).parse()
    except (MultiPartException, FormParserError) as error:
        raise HTTPException(400, f"The form is damaged: {error}") from error


def number(form: FormData, name: str, below: int) -> int:
    """A field that holds a number from 0 on. Raises HTTPException."""
    text = form.get(name)
    numbers = {str(number): number for number in range(below)}
    if not isinstance(text, str) or text not in numbers:
        raise HTTPException(400, f"{name} must be a number from 0 to {below - 1}, not {text!r}.")
    return numbers[text]


def picture(form: FormData, name: str) -> tuple[str, Array]:
    """The picture in a file that was sent, and what that is called. Raises HTTPException or BadInput."""
    sent = form.get(name)
    if not isinstance(sent, UploadFile):
        raise HTTPException(400, f"The form has no file {name!r}.")
    called = sent.filename or name
    if (sent.size or 0) > LARGEST_FILE:
        raise BadInput(f"{called} has more than {LARGEST_FILE >> 20} MiB.")
    sent.file.seek(0)
    return called, decode(sent.file.read(), called)
