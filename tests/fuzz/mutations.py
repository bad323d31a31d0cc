"""Ways in which a file of CMS's may be broken, each a function of the bytes and a seeded source of chance."""

import io
import random
import re
import zipfile
from collections.abc import Callable

from cms_files.render import zip_of

Mutation = Callable[[bytes, random.Random], bytes]

_SHEET = "xl/worksheets/sheet1.xml"


def _lines(data: bytes) -> tuple[list[bytes], bytes]:
    end = b"\r\n" if b"\r\n" in data else b"\n"
    return data.split(end), end


def _any_line(lines: list[bytes], chance: random.Random) -> int:
    filled_places = [place for place, line in enumerate(lines) if line.strip()]
    return chance.choice(filled_places)


def flip_a_bit(data: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(data))
    return data[:place] + bytes([data[place] ^ 1 << chance.randrange(8)]) + data[place + 1 :]


def change_a_byte(data: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(data))
    return data[:place] + bytes([chance.randrange(256)]) + data[place + 1 :]


def drop_a_byte(data: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(data))
    return data[:place] + data[place + 1 :]


def insert_a_byte(data: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(data))
    return data[:place] + chance.choice([b" ", b",", b'"', b"\t", b"0", b"\n", b"\r", b"\0", b"\x1a"]) + data[place:]


def change_a_digit(data: bytes, chance: random.Random) -> bytes:
    places = [match.start() for match in re.finditer(rb"\d", data)]
    place = chance.choice(places) if places else 0
    return data[:place] + str(chance.randrange(10)).encode() + data[place + 1 :]


def change_two_digits(data: bytes, chance: random.Random) -> bytes:
    return change_a_digit(change_a_digit(data, chance), chance)


def cut_anywhere(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(1, len(data))]


def cut_at_a_line(data: bytes, chance: random.Random) -> bytes:
    lines, end = _lines(data)
    return end.join(lines[: chance.randrange(1, max(len(lines), 2))]) + end


def cut_the_head(data: bytes, chance: random.Random) -> bytes:
    lines, end = _lines(data)
    return end.join(lines[chance.randrange(1, max(min(len(lines), 12), 2)) :])


def drop_a_line(data: bytes, chance: random.Random) -> bytes:
    lines, end = _lines(data)
    place = _any_line(lines, chance)
    return end.join(lines[:place] + lines[place + 1 :])


def drop_many_lines(data: bytes, chance: random.Random) -> bytes:
    lines, end = _lines(data)
    return end.join(line for line in lines if chance.random() > 0.3)


def repeat_a_line(data: bytes, chance: random.Random) -> bytes:
    lines, end = _lines(data)
    place = _any_line(lines, chance)
    return end.join([*lines[:place], lines[place], *lines[place:]])


def swap_two_lines(data: bytes, chance: random.Random) -> bytes:
    lines, end = _lines(data)
    one, other = _any_line(lines, chance), _any_line(lines, chance)
    lines[one], lines[other] = lines[other], lines[one]
    return end.join(lines)


def join_two_lines(data: bytes, chance: random.Random) -> bytes:
    lines, end = _lines(data)
    place = _any_line(lines, chance)
    return end.join([*lines[:place], b"".join(lines[place : place + 2]), *lines[place + 2 :]])


def quote_two_lines(data: bytes, chance: random.Random) -> bytes:
    """A quotation mark somewhere in one line, and another somewhere in the next."""
    lines, end = _lines(data)
    place = _any_line(lines, chance)
    two_lines = lines[place : place + 2]
    if len(two_lines) == 2:
        for number, line in enumerate(two_lines):
            at = chance.randrange(len(line) + 1)
            lines[place + number] = line[:at] + b'"' + line[at:]
    return end.join(lines)


def _delimiter(data: bytes) -> bytes:
    return b"\t" if data.count(b"\t") > data.count(b",") else b","


def _on_cells(data: bytes, change: Callable[[list[list[bytes]]], None]) -> bytes:
    """Change the records of the greatest width, cells split where the delimiter is (quoted ones may be split too)."""
    lines, end = _lines(data)
    delimiter = _delimiter(data)
    rows = [line.split(delimiter) for line in lines]
    width = max(map(len, rows))
    records = [row for row in rows if len(row) == width and row[0][:1].isalnum()]
    if width > 2 and len(records) > 2:
        change(records)
    return end.join(delimiter.join(row) for row in rows)


def swap_two_columns(data: bytes, chance: random.Random) -> bytes:
    """The records' cells change places, the captions do not."""

    def change(records: list[list[bytes]]) -> None:
        one, other = chance.sample(range(len(records[0])), 2)
        for record in records[1:]:
            record[one], record[other] = record[other], record[one]

    return _on_cells(data, change)


def swap_two_captions(data: bytes, chance: random.Random) -> bytes:
    def change(records: list[list[bytes]]) -> None:
        one, other = chance.sample(range(len(records[0])), 2)
        records[0][one], records[0][other] = records[0][other], records[0][one]

    return _on_cells(data, change)


def slip_a_column(data: bytes, chance: random.Random) -> bytes:
    """Each record has the cell of the one above."""

    def change(records: list[list[bytes]]) -> None:
        column = chance.randrange(len(records[0]))
        cells = [record[column] for record in records[1:]]
        for record, cell in zip(records[1:], [cells[-1], *cells[:-1]], strict=True):
            record[column] = cell

    return _on_cells(data, change)


def blank_a_column(data: bytes, chance: random.Random) -> bytes:
    def change(records: list[list[bytes]]) -> None:
        column = chance.randrange(len(records[0]))
        for record in records[1:]:
            record[column] = b""

    return _on_cells(data, change)


def drop_a_column(data: bytes, chance: random.Random) -> bytes:
    def change(records: list[list[bytes]]) -> None:
        column = chance.randrange(len(records[0]))
        for record in records:
            del record[column]

    return _on_cells(data, change)


def exchange_two_cells(data: bytes, chance: random.Random) -> bytes:
    def change(records: list[list[bytes]]) -> None:
        one, other = chance.sample(range(1, len(records)), 2)
        column = chance.randrange(len(records[0]))
        records[one][column], records[other][column] = records[other][column], records[one][column]

    return _on_cells(data, change)


def lose_leading_zeros(data: bytes, _: random.Random) -> bytes:
    """As a spreadsheet saves it."""
    return re.sub(rb"(?<=[,\t\n])0+(?=\d)", b"", data)


def shift_fixed_columns(data: bytes, chance: random.Random) -> bytes:
    """A blank more or less in the middle of every line, as where a field grew."""
    lines, end = _lines(data)
    at = chance.randrange(5, 60)
    return end.join(line[:at] + b" " + line[at:] if len(line) > at else line for line in lines)


def append_itself(data: bytes, _: random.Random) -> bytes:
    return data + data


def append_rubbish(data: bytes, chance: random.Random) -> bytes:
    return data + bytes(chance.randrange(256) for _ in range(chance.randrange(1, 200)))


def grow_a_line(data: bytes, chance: random.Random) -> bytes:
    lines, end = _lines(data)
    place = _any_line(lines, chance)
    lines[place] += chance.choice([b" ", b"9", b","]) * chance.choice([10, 1_000, 300_000])
    return end.join(lines)


def change_all_line_ends(data: bytes, chance: random.Random) -> bytes:
    lines, _ = _lines(data)
    return chance.choice([b"\n", b"\r", b"\n\n", b"\n\r"]).join(lines)


def encode_otherwise(data: bytes, chance: random.Random) -> bytes:
    return data.decode("cp1252").encode(chance.choice(["utf-16", "utf-8-sig", "utf-32"]))


def factor_of_another(data: bytes, chance: random.Random) -> bytes:
    """Another conversion factor in every record, as if all of a file were of another year."""
    factors = (b"33.4009", b"33.5675", b"33.2875")
    present = next((factor for factor in factors if factor in data), b"33.4009")
    return data.replace(present, chance.choice([b"32.3465", b"34.4009", b"33.4008", b"00.0000"]))


TEXT: tuple[Mutation, ...] = (
    flip_a_bit,
    change_a_byte,
    drop_a_byte,
    insert_a_byte,
    change_a_digit,
    change_two_digits,
    cut_anywhere,
    cut_at_a_line,
    cut_the_head,
    drop_a_line,
    drop_many_lines,
    repeat_a_line,
    swap_two_lines,
    join_two_lines,
    quote_two_lines,
    swap_two_columns,
    swap_two_captions,
    slip_a_column,
    blank_a_column,
    drop_a_column,
    exchange_two_cells,
    lose_leading_zeros,
    shift_fixed_columns,
    append_itself,
    append_rubbish,
    grow_a_line,
    change_all_line_ends,
    encode_otherwise,
    factor_of_another,
)


def _in_sheet(data: bytes, change: Mutation, chance: random.Random) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        members = {name: book.read(name) for name in book.namelist()}
    return zip_of(members | {_SHEET: change(members[_SHEET], chance)})


def change_a_number_of_the_sheet(data: bytes, chance: random.Random) -> bytes:
    def change(xml: bytes, chance: random.Random) -> bytes:
        cells = list(re.finditer(rb"<v>([^<]+)</v>|<t[^>]*>([^<]+)</t>", xml))
        cell = chance.choice(cells)
        place = chance.randrange(cell.start(1) if cell[1] else cell.start(2), cell.end(1) if cell[1] else cell.end(2))
        return xml[:place] + chance.choice([b"0", b"1", b"9", b".", b"A"]) + xml[place + 1 :]

    return _in_sheet(data, change, chance)


def drop_a_row_of_the_sheet(data: bytes, chance: random.Random) -> bytes:
    def change(xml: bytes, chance: random.Random) -> bytes:
        row = chance.choice(list(re.finditer(rb"<row .*?</row>", xml, re.DOTALL)))
        return xml[: row.start()] + xml[row.end() :]

    return _in_sheet(data, change, chance)


def exchange_two_cells_of_the_sheet(data: bytes, chance: random.Random) -> bytes:
    def change(xml: bytes, chance: random.Random) -> bytes:
        cells = list(re.finditer(rb"<v>[^<]*</v>|<is>.*?</is>", xml))
        one, other = sorted(chance.sample(cells, 2), key=lambda cell: cell.start())
        return xml[: one.start()] + other[0] + xml[one.end() : other.start()] + one[0] + xml[other.end() :]

    return _in_sheet(data, change, chance)


def break_the_sheet(data: bytes, chance: random.Random) -> bytes:
    return _in_sheet(data, chance.choice([flip_a_bit, drop_a_byte, cut_anywhere, change_a_byte]), chance)


ARCHIVE: tuple[Mutation, ...] = (flip_a_bit, change_a_byte, drop_a_byte, cut_anywhere, append_rubbish)

WORKBOOK: tuple[Mutation, ...] = (
    flip_a_bit,
    cut_anywhere,
    append_rubbish,
    change_a_number_of_the_sheet,
    change_a_number_of_the_sheet,
    change_a_number_of_the_sheet,
    drop_a_row_of_the_sheet,
    exchange_two_cells_of_the_sheet,
    break_the_sheet,
)
