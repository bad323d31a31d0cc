"""JSON and NDJSON of claims as text: parsed with exact decimals, every fault with its line."""

import json
from collections.abc import Iterator
from decimal import Decimal
from io import BytesIO
from typing import Any, BinaryIO

from codeset.claims.input.check import FieldFault
from codeset.errors import BadInput, Fault

_MOST_DIGITS = 30
"""More than any number of a claim has; Python refuses some thousands in words of its own."""

Item = tuple[int, str, Any]
"""The line of the file (0: none), the place within it, and the value, or the fault in its place."""


def json_items(content: bytes, file_name: str) -> Iterator[Item]:
    """Yield the claims of a JSON text: one object, a list, or an object with `claims`; of NDJSON if it is that.

    Raises BadInput: for text that is not JSON, or not UTF-8.
    """
    json_text = _decode_utf8(content, file_name)
    try:
        yield from _claims_in(_parse_json(json_text))
    except json.JSONDecodeError as error:
        # NDJSON is JSON followed by more of it: what a file without the ending .ndjson may be.
        if error.msg != "Extra data":
            parse_error = f"expected JSON, found {error.msg} at column {error.colno}"
            raise BadInput([Fault(file_name, error.lineno, parse_error)], "Nothing was read.") from error
        yield from ndjson_items(BytesIO(content), file_name)
    except ValueError as error:
        raise BadInput([Fault(file_name, 0, str(error))], "Nothing was read.") from error


def ndjson_items(byte_stream: BinaryIO, file_name: str) -> Iterator[Item]:
    """Yield the value of each line of NDJSON, or what is wrong with it.

    Raises BadInput: for bytes that are not UTF-8.
    """
    for line_number, line_bytes in enumerate(byte_stream, start=1):
        line_text = _decode_utf8(line_bytes, file_name, line_number)
        if line_text.strip():
            yield line_number, "", _parse_line(line_text.rstrip("\n"), line_number)


def _decode_utf8(content: bytes, file_name: str, first_line: int = 1) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line_number = content.count(b"\n", 0, error.start) + first_line
        fault = Fault(file_name, line_number, "expected text in UTF-8, found other bytes")
        raise BadInput([fault], "Nothing was read.") from error


def _claims_in(json_value: Any) -> Iterator[Item]:
    if isinstance(json_value, dict) and set(json_value) == {"claims"} and isinstance(json_value["claims"], list):
        yield from (
            (0, f"claims[{position}]", claim_value) for position, claim_value in enumerate(json_value["claims"])
        )
    elif isinstance(json_value, list):
        yield from ((0, f"[{position}]", claim_value) for position, claim_value in enumerate(json_value))
    else:
        yield 0, "", json_value


def _parse_line(line_text: str, line_number: int) -> Any:
    try:
        return _parse_json(line_text)
    except json.JSONDecodeError as error:
        return FieldFault("claim", "an object in JSON", f"{error.msg} at column {error.colno}", at=line_number)
    except ValueError as error:
        return FieldFault("claim", "an object in JSON", str(error), at=line_number)


def _parse_json(json_text: str) -> Any:
    """JSON with exact decimals, no NaN, and no name twice in an object."""
    try:
        return json.loads(
            json_text,
            # 19.99 dollars as a float are 1998.9999999999998 cents.
            parse_float=Decimal,
            parse_int=_parse_int,
            parse_constant=_refuse_constant,
            object_pairs_hook=_object_of_pairs,
        )
    # Python's parser recurses; a file of brackets alone would end the process otherwise.
    except RecursionError as error:
        raise ValueError("expected claims, found lists or objects nested without end") from error


def _parse_int(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise ValueError(f"expected a number of at most {_MOST_DIGITS} digits, found {len(digits)} digits")
    return int(digits)


def _refuse_constant(constant_name: str) -> None:
    raise ValueError(f"expected a number, found {constant_name}")


def _object_of_pairs(name_value_pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    json_object = dict(name_value_pairs)
    # JSON allows it, and most readers take the last: whoever wrote the first meant something else.
    if len(json_object) < len(name_value_pairs):
        raise ValueError("expected each name once in an object, found one twice")
    return json_object
