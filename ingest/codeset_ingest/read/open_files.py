"""Open the files that the user names: folders and zips are walked, nothing is unpacked to disk."""

import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path

from codeset import manifest
from codeset.errors import BadInput, Fault

MAX_MEMBER = 128 << 20
"""Bytes of one file or member of a zip; CMS's largest are a part of the NCCI edits (48 MB) and the ZIP+4 file (88)."""

MAX_RATIO = 100
"""How many times its packed size a member may unpack to; CMS's reach 23. Small members are let through."""

MAX_ZIP = 512 << 20
"""Bytes that one zip may unpack to in all."""

# A sheet of mostly blank cells packs a hundred times, and one of a megabyte does no harm.
_HARMLESS_SIZE = 1 << 20

ZIP_ERRORS = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    lzma.LZMAError,
    NotImplementedError,
    OSError,
    EOFError,
    RuntimeError,
    ValueError,
)
"""What reading a damaged zip raises, whatever it is packed by."""

MAX_DEPTH = 3
"""How deep zips may be nested."""

WORKBOOK_PART = "[Content_Types].xml"


@dataclass(frozen=True)
class File:
    """One file's bytes; `archives` are the names of the zips around it, outermost first, `folder` is where they are."""

    name: str
    archives: tuple[str, ...]
    data: bytes
    folder: str = ""

    @property
    def names(self) -> str:
        """The file's name with those of the zips around it, as people write it: `rvu24b.zip/GPCI2024.csv`."""
        return "/".join((*self.archives, self.name))

    @property
    def outermost(self) -> str:
        """The name of the file in its folder: that of the zip around it, if there is one."""
        return (*self.archives, self.name)[0]

    @property
    def variant(self) -> str:
        """Where the file is, and its name without the ending: its forms share it."""
        return "/".join((self.folder, *self.archives, Path(self.name).stem.casefold()))

    @cached_property
    def source(self) -> manifest.Source:
        """The file as the manifest names it."""
        return manifest.Source(self.name, sha256(self.data).hexdigest(), len(self.data))

    @property
    def is_zip(self) -> bool:
        """Whether the bytes are a zip, a workbook included."""
        # A zip without members begins otherwise (PK 05 06), and has nothing to read.
        return self.data.startswith(b"PK\x03\x04")

    @property
    def is_workbook(self) -> bool:
        """Whether the bytes are a workbook of the xlsx family."""
        if not self.is_zip:
            return False
        try:
            with zipfile.ZipFile(io.BytesIO(self.data)) as archive:
                return WORKBOOK_PART in archive.namelist()
        except zipfile.BadZipFile:
            return False


def open_all(paths: list[Path]) -> Iterator[File]:
    """Yield every file under *paths* (files, folders, zips, zips in zips), in the order of their names.

    The next one is unpacked while the caller uses this one; no more than those two are in memory.

    Raises BadInput: for a path that is not there, an unreadable or encrypted zip, one that unpacks to more than
    MAX_ZIP, or zips nested deeper than MAX_DEPTH.
    """
    files_in_order = _files_under(paths)
    # Unpacking runs beside recognizing and hashing; one file ahead, so that memory holds two.
    with ThreadPoolExecutor(1) as unpacking_thread:
        next_file = unpacking_thread.submit(next, files_in_order, None)
        while (opened_file := next_file.result()) is not None:
            next_file = unpacking_thread.submit(next, files_in_order, None)
            yield opened_file


def _files_under(paths: list[Path]) -> Iterator[File]:
    for path in paths:
        if not path.exists():
            raise BadInput([Fault(str(path), 0, "there is no such file or folder")])
        if not (path.is_file() or path.is_dir()):
            raise BadInput([Fault(str(path), 0, "is a device or a pipe; expected a file or a folder")])
        file_paths = (
            sorted(folder_entry for folder_entry in path.rglob("*") if folder_entry.is_file())
            if path.is_dir()
            else [path]
        )
        for file_path in file_paths:
            yield from _opened(File(file_path.name, (), _limited_bytes(file_path), str(file_path.parent)))


def _limited_bytes(file_path: Path) -> bytes:
    if (size_in_bytes := file_path.stat().st_size) > MAX_MEMBER:
        raise BadInput([Fault(str(file_path), 0, f"{size_in_bytes} bytes; a CMS file has less than {MAX_MEMBER}")])
    return file_path.read_bytes()


def _opened(outer_file: File) -> Iterator[File]:
    if outer_file.is_zip and not outer_file.is_workbook:
        yield from _zip_members(outer_file)
    else:
        yield outer_file


def _zip_members(zip_file: File) -> Iterator[File]:
    if len(zip_file.archives) >= MAX_DEPTH:
        raise BadInput([Fault(zip_file.names, 0, f"more than {MAX_DEPTH} zips in one another")])
    try:
        with zipfile.ZipFile(io.BytesIO(zip_file.data)) as archive:
            members = sorted(
                (member for member in archive.infolist() if not member.is_dir()), key=lambda member: member.filename
            )
            refuse_bombs(zip_file, members)
            for member in members:
                # The last part of a member's name alone: folders in CMS's zips say nothing, and a name such as ../x
                # leads nowhere.
                member_name = Path(member.filename).name
                yield from _opened(
                    File(
                        member_name,
                        (*zip_file.archives, zip_file.name),
                        _member_bytes(zip_file, archive, member),
                        zip_file.folder,
                    )
                )
    except ZIP_ERRORS as error:
        raise BadInput([Fault(zip_file.names, 0, f"not a zip that can be read ({error}); fetch it again")]) from error


def refuse_bombs(zip_file: File, members: list[zipfile.ZipInfo]) -> None:
    """Refuse a zip that would unpack to more than CMS's do.

    Raises BadInput: with every such member.
    """
    if faults := [Fault(zip_file.names, 0, message) for message in bomb_messages(members)]:
        raise BadInput(faults)


def bomb_messages(members: list[zipfile.ZipInfo]) -> Iterator[str]:
    """Yield what is wrong with the sizes of a zip's *members*, in words."""
    for member in members:
        unpacked_size, packed_size = member.file_size, max(member.compress_size, 1)
        if unpacked_size > MAX_MEMBER or (unpacked_size > _HARMLESS_SIZE and unpacked_size > MAX_RATIO * packed_size):
            yield f"{member.filename} would unpack from {packed_size:,} to {unpacked_size:,} bytes: a zip bomb"
    total_size = sum(member.file_size for member in members)
    if total_size > MAX_ZIP:
        yield f"would unpack to {total_size:,} bytes; no CMS package is over {MAX_ZIP:,}"


def _member_bytes(zip_file: File, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    # Bit 0 of the general purpose flag: encrypted (APPNOTE 4.4.4).
    if member.flag_bits & 1:
        raise BadInput([Fault(zip_file.names, 0, f"{member.filename} is encrypted; CMS's files are not")])
    with archive.open(member) as member_stream:
        # One byte more than it says: a member that goes on is not what the zip declared, and is not read to its end.
        member_data = member_stream.read(member.file_size + 1)
    if len(member_data) != member.file_size:
        raise BadInput([Fault(zip_file.names, 0, f"{member.filename} is not as long as the zip says")])
    return member_data
