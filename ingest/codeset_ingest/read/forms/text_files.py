"""The text files that CMS ships: their encoding and line ends, and what no text of CMS's has."""

from contextlib import suppress

from codeset.errors import BadInput, Fault
from codeset_ingest.read.open_files import File

END_OF_FILE = "\x1a"
"""Ctrl-Z: the last record of most CMS text files up to 2025."""

_LONGEST_LINE = 10_000
"""Characters that a line of a text file may have; CMS's longest, a notice, has under a thousand."""

# Tab separates the cells of PTP files; CR and LF end lines, and July 2025 ends them with CR alone. No file of CMS's
# that was read has another control character between its records.
_CONTROL_BYTES = bytes({*range(0x20), 0x7F} - set(b"\t\r\n"))

_AFTER_LAST_RECORD = b"\x1a, \r\n"
"""What may follow the last record: the end-of-file mark, in a csv with the commas of its row, and blank lines."""

ENCODING = "cp1252"
"""Windows-1252: the notice of the MUE files has the byte 0xAE (a registered mark), which is no UTF-8."""


def refuse_long_lines(source_file: File) -> None:
    """Refuse a line longer than any of CMS's before it is examined; each step looks at one stretch of the text."""
    line_start = 0
    while len(source_file.data) - line_start > _LONGEST_LINE:
        search_end = line_start + _LONGEST_LINE + 1
        line_end = max(
            source_file.data.rfind(b"\n", line_start, search_end), source_file.data.rfind(b"\r", line_start, search_end)
        )
        if line_end < 0:
            line_number = normalize_line_ends(source_file.data[:line_start]).count(b"\n") + 1
            message = f"more than {_LONGEST_LINE:,} characters in one line; CMS's longest has some hundred"
            raise BadInput([Fault(source_file.names, line_number, message)])
        line_start = line_end + 1


def refuse_control_characters(source_file: File) -> None:
    """Refuse characters that no CMS text has: two files put together have an end-of-file mark between their records."""
    records = source_file.data
    if not _has_control_characters(records):
        return
    records = records.rstrip(_AFTER_LAST_RECORD)
    if not _has_control_characters(records):
        return
    position = next(position for position, byte in enumerate(records) if byte in _CONTROL_BYTES)
    line_number = normalize_line_ends(records[:position]).count(b"\n") + 1
    message = f"control character {records[position]:#04x} between the records"
    if records[position] == END_OF_FILE.encode()[0]:
        message = "an end-of-file mark with records after it: two files in one, or a damaged copy"
    raise BadInput([Fault(source_file.names, line_number, f"{message}; fetch it again")])


def _has_control_characters(text_bytes: bytes) -> bool:
    return len(text_bytes.translate(None, _CONTROL_BYTES)) < len(text_bytes)


def normalize_line_ends(file_bytes: bytes) -> bytes:
    """The bytes with LF line ends, and without the byte order mark that some editors add."""
    return file_bytes.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def text_of(source_file: File) -> str:
    """Return the text of *source_file* with LF line ends.

    Raises BadInput: for a byte that is no character of the encoding, with its line.
    """
    file_bytes = normalize_line_ends(source_file.data)
    with suppress(UnicodeDecodeError):
        return file_bytes.decode()  # so the Coverage Database writes; text in cp1252 is not UTF-8 by chance
    try:
        return file_bytes.decode(ENCODING)
    except UnicodeDecodeError as error:
        line_number = file_bytes.count(b"\n", 0, error.start) + 1
        message = f"byte {file_bytes[error.start]:#x} is no character of {ENCODING}, which CMS writes"
        raise BadInput([Fault(source_file.names, line_number, message)]) from error
