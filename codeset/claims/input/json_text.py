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


def json_items(content: bytes, name: str) -> Iterator[Item]:
    """Yield the claims of a JSON text: one object, a list, or an object with `claims`; of NDJSON if it is that.

    Raises BadInput: for text that is not JSON, or not UTF-8.
    """
    text = _decode(content, name)
    try:
        yield from _claims_in(_parse(text))
    except json.JSONDecodeError as error:
        # NDJSON is JSON followed by more of it: what a file without the ending .ndjson may be.
        if error.msg != "Extra data":
            says = f"expected JSON, found {error.msg} at column {error.colno}"
            raise BadInput([Fault(name, error.lineno, says)], "Nothing was read.") from error
        yield from ndjson_items(BytesIO(content), name)
    except ValueError as error:
        raise BadInput([Fault(name, 0, str(error))], "Nothing was read.") from error


def ndjson_items(file: BinaryIO, name: str) -> Iterator[Item]:
    """Yield the value of each line of NDJSON, or what is wrong with it.

    Raises BadInput: for bytes that are not UTF-8.
    """
    for at, octets in enumerate(file, start=1):
        line = _decode(octets, name, at)
        if line.strip():
            yield at, "", _parse_line(line.rstrip("\n"), at)


def _decode(content: bytes, name: str, first_line: int = 1) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + first_line
        fault = Fault(name, line, "expected text in UTF-8, found other bytes")
        raise BadInput([fault], "Nothing was read.") from error


def _claims_in(plain: Any) -> Iterator[Item]:
    if isinstance(plain, dict) and set(plain) == {"claims"} and isinstance(plain["claims"], list):
        yield from ((0, f"claims[{place}]", item) for place, item in enumerate(plain["claims"]))
    elif isinstance(plain, list):
        yield from ((0, f"[{place}]", item) for place, item in enumerate(plain))
    else:
        yield 0, "", plain


def _parse_line(line: str, at: int) -> Any:
    try:
        return _parse(line)
    except json.JSONDecodeError as error:
        return FieldFault("claim", "an object in JSON", f"{error.msg} at column {error.colno}", at=at)
    except ValueError as error:
        return FieldFault("claim", "an object in JSON", str(error), at=at)


def _parse(text: str) -> Any:
    """JSON with exact decimals, no NaN, and no name twice in an object."""
    try:
        return json.loads(
            text,
            # 19.99 dollars as a float are 1998.9999999999998 cents.
            parse_float=Decimal,
            parse_int=_parse_int,
            parse_constant=_refuse_constant,
            object_pairs_hook=_object,
        )
    # Python's parser recurses; a file of brackets alone would end the process otherwise.
    except RecursionError as error:
        raise ValueError("expected claims, found lists or objects nested without end") from error


def _parse_int(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise ValueError(f"expected a number of at most {_MOST_DIGITS} digits, found {len(digits)} digits")
    return int(digits)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"expected a number, found {name}")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    plain = dict(pairs)
    # JSON allows it, and most readers take the last: whoever wrote the first meant something else.
    if len(plain) < len(pairs):
        raise ValueError("expected each name once in an object, found one twice")
    return plain
