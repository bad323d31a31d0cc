"""The text files that CMS ships: their encoding and line ends, and what no text of CMS's has."""

from contextlib import suppress

from codeset.errors import BadInput, Fault
from codeset_ingest.read.open_files import File

END_OF_FILE = "\x1a"
"""Ctrl-Z: the last record of most CMS text files up to 2025."""

_LONGEST_LINE = 10_000
"""Characters that a line of a text file may have; CMS's longest, a notice, has under a thousand."""

# Tab parts the cells of PTP files; CR and LF end lines, and July 2025 ends them with CR alone. No file of CMS's that
# was read has another control character between its records.
_CONTROLS = bytes({*range(0x20), 0x7F} - set(b"\t\r\n"))

_AFTER_LAST_RECORD = b"\x1a, \r\n"
"""What may follow the last record: the end-of-file mark, in a csv with the commas of its row, and blank lines."""

ENCODING = "cp1252"
"""Windows-1252: the notice of the MUE files has the byte 0xAE (a registered mark), which is no UTF-8."""


def refuse_long_lines(file: File) -> None:
    """Refuse a line longer than any of CMS's before it is examined; each step looks at one stretch of the text."""
    start = 0
    while len(file.data) - start > _LONGEST_LINE:
        stop = start + _LONGEST_LINE + 1
        end = max(file.data.rfind(b"\n", start, stop), file.data.rfind(b"\r", start, stop))
        if end < 0:
            line = normalize_line_ends(file.data[:start]).count(b"\n") + 1
            message = f"more than {_LONGEST_LINE:,} characters in one line; CMS's longest has some hundred"
            raise BadInput([Fault(file.names, line, message)])
        start = end + 1


def refuse_control_characters(file: File) -> None:
    """Refuse characters that no CMS text has: two files put together have an end-of-file mark between their records."""
    records = file.data.rstrip(_AFTER_LAST_RECORD)
    if len(records.translate(None, _CONTROLS)) == len(records):
        return
    place = next(place for place, byte in enumerate(records) if byte in _CONTROLS)
    line = normalize_line_ends(records[:place]).count(b"\n") + 1
    message = f"control character {records[place]:#04x} between the records"
    if records[place] == END_OF_FILE.encode()[0]:
        message = "an end-of-file mark with records after it: two files in one, or a damaged copy"
    raise BadInput([Fault(file.names, line, f"{message}; fetch it again")])


def normalize_line_ends(data: bytes) -> bytes:
    """The bytes with LF line ends, and without the byte order mark that some editors add."""
    return data.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def text_of(file: File) -> str:
    """Return the text of *file* with LF line ends.

    Raises BadInput: for a byte that is no character of the encoding, with its line.
    """
    data = normalize_line_ends(file.data)
    with suppress(UnicodeDecodeError):
        return data.decode()  # so the Coverage Database writes; text in cp1252 is not UTF-8 by chance
    try:
        return data.decode(ENCODING)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"byte {data[error.start]:#x} is no character of {ENCODING}, which CMS writes"
        raise BadInput([Fault(file.names, line, message)]) from error
