"""The language of checks: a condition on one claim line, in columns, read by a parser of its own.

    hcpcs in visits and modifiers has 25 and visit_has (global_days in (000, 010))

A condition compares a column with values (`=`, `!=`, `<`, `<=`, `>`, `>=`), looks it up in a list or in a named group
of codes (`in`), or asks for one of several modifiers or diagnoses (`has`); `and`, `or`, `not` and parentheses join
them.
`visit_has (...)`: another line of the same beneficiary, practitioner and day meets the condition; `day_has (...)`:
another line of the same beneficiary and day does. `nth_day_of (...) > 30`: the line meets the condition, and its day is
at least the 31st on which a line of the beneficiary does. docs/writing-a-check.md has every column.

Nothing is evaluated as a program: what the parser does not know is a fault.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from codeset.scope import codes_of

NUMBERS = ("units", "mue_value")
TEXTS = ("hcpcs", "place_of_service", "specialty", "global_days", "status_code")
LISTS = ("modifiers", "diagnoses")
TABLE_OF: Mapping[str, str] = {"global_days": "mpfs", "status_code": "mpfs", "mue_value": "mue"}
"""The columns that come from a release's table, not from the claim."""

RELATIONS: Mapping[str, tuple[str, ...]] = {
    "visit_has": ("beneficiary", "provider", "date_of_service"),
    "day_has": ("beneficiary", "date_of_service"),
}
"""What two lines must share for each relation."""

NTH_DAY = "nth_day_of"
SIGNS = ("=", "!=", "<", "<=", ">", ">=")
_DEEPEST_NESTING = 20
"""No condition of a person's is nested so deep; without a limit a file could exhaust the parser's stack."""
_TOKEN_PATTERN = re.compile(r"\s*(?:(?P<word>[A-Za-z0-9_.-]+)|(?P<sign><=|>=|!=|[=<>(),]))")
_CODE_OR_SPAN = re.compile(r"[0-9A-Z]{5}(-[0-9A-Z]{5})?")
_NUMBER_PATTERN = re.compile(r"\d{1,9}")
"""Nine digits: more than units or days ever are, and within every integer column."""


class BadCondition(ValueError):
    """A text that is no condition; the message says what is wrong, and where."""


@dataclass(frozen=True)
class Comparison:
    """*column* compared by *sign* with a number or text, or with another column of numbers."""

    column: str
    sign: str
    value: str


@dataclass(frozen=True)
class OneOf:
    """*column* is one of *values*; of a list, one of its items is."""

    column: str
    values: frozenset[str]


@dataclass(frozen=True)
class Negation:
    """The condition does not hold."""

    condition: "Condition"


@dataclass(frozen=True)
class Joined:
    """All (`and`) or at least one (`or`) of *conditions* hold."""

    word: str
    conditions: "tuple[Condition, ...]"


@dataclass(frozen=True)
class Related:
    """Another line, by *relation*, meets the condition."""

    relation: str
    condition: "Condition"


@dataclass(frozen=True)
class NthDay:
    """The line meets the condition, and how many such days its beneficiary had until then compares by *sign*."""

    condition: "Condition"
    sign: str
    days: int


Condition = Comparison | OneOf | Negation | Joined | Related | NthDay


def parse(condition_text: str, groups: Mapping[str, frozenset[str]]) -> Condition:
    """Return the condition that *condition_text* writes; *groups* are the named code groups that it may use.

    Raises BadCondition: with what was expected, and at which character.
    """
    condition_parser = _Parser(_tokens(condition_text), groups)
    condition = condition_parser.any_of()
    condition_parser.expect_end()
    return condition


def unused_groups(groups: Iterable[str], condition_texts: Iterable[str]) -> list[str]:
    """Return the *groups* that none of the conditions *condition_texts* names, in their order."""
    condition_words = {
        token_match["word"]
        for condition_text in condition_texts
        for token_match in _TOKEN_PATTERN.finditer(condition_text)
    }
    return [group for group in groups if group not in condition_words]


def tables_of(condition: Condition) -> frozenset[str]:
    """Return the tables of a release that the condition needs."""
    match condition:
        case Comparison(column, _, value):
            return frozenset(TABLE_OF[table_column] for table_column in (column, value) if table_column in TABLE_OF)
        case OneOf(column, _):
            return frozenset({TABLE_OF[column]} if column in TABLE_OF else ())
        case Joined(_, conditions):
            return frozenset().union(*map(tables_of, conditions))
        case _:
            return tables_of(condition.condition)


def code_list(spans: Sequence[str]) -> frozenset[str]:
    """Return every code of *spans*, such as `17311` or `11102-11107`.

    Raises BadCondition: for one that is neither a code nor a span of codes.
    """
    codes: set[str] = set()
    for span in spans:
        if not _CODE_OR_SPAN.fullmatch(span):
            raise BadCondition(f'"{span}" is neither a code, such as 17311, nor a span, such as 11102-11107')
        codes |= set(_codes_of_span(span)) if "-" in span else {span}
    return frozenset(codes)


def _codes_of_span(span: str) -> list[str]:
    try:
        span_codes = list(codes_of(span))
    except ValueError:
        span_codes = []
    if not span_codes:
        raise BadCondition(f'"{span}" is no span of codes: its ends differ in digits alone, the lower one first')
    return span_codes


@dataclass(frozen=True)
class _Token:
    text: str
    place: int


def _tokens(condition_text: str) -> list[_Token]:
    tokens, position = [], 0
    while condition_text[position:].strip():
        token_match = _TOKEN_PATTERN.match(condition_text, position)
        if token_match is None:
            stray_character = condition_text[position:].lstrip()[0]
            raise BadCondition(f'character {position + 1}: "{stray_character}" is not part of the language of checks')
        tokens.append(
            _Token(
                token_match.group("word") or token_match.group("sign"),
                token_match.start(token_match.lastgroup or 0) + 1,
            )
        )
        position = token_match.end()
    return tokens


class _Parser:
    """Reads tokens from left to right; each method reads one form of the grammar."""

    def __init__(self, tokens: list[_Token], groups: Mapping[str, frozenset[str]]) -> None:
        self._tokens = tokens
        self._groups = groups
        self._next = 0
        self._depth = 0

    def any_of(self) -> Condition:
        # `and` binds closer than `or` (docs/writing-a-check.md).
        return self._joined("or", lambda: self._joined("and", self._negatable))

    def expect_end(self) -> None:
        if self._peek() is not None:
            raise self._fault("`and`, `or` or the end")

    def _joined(self, join_word: str, read_condition: Callable[[], Condition]) -> Condition:
        joined_conditions = [read_condition()]
        while self._peek() == join_word:
            self._take()
            joined_conditions.append(read_condition())
        return joined_conditions[0] if len(joined_conditions) == 1 else Joined(join_word, tuple(joined_conditions))

    def _negatable(self) -> Condition:
        if self._peek() == "not":
            self._take()
            return Negation(self._deeper(self._negatable))
        if self._peek() == "(":
            return self._in_brackets()
        return self._condition()

    def _in_brackets(self) -> Condition:
        self._expect("(")
        condition = self._deeper(self.any_of)
        self._expect(")")
        return condition

    def _deeper(self, read_condition: Callable[[], Condition]) -> Condition:
        self._depth += 1
        if self._depth > _DEEPEST_NESTING:
            raise BadCondition(f"is nested more than {_DEEPEST_NESTING} deep")
        condition = read_condition()
        self._depth -= 1
        return condition

    def _condition(self) -> Condition:
        first_word = self._peek() or ""
        if first_word in RELATIONS:
            self._take()
            return Related(first_word, self._in_brackets())
        if first_word == NTH_DAY:
            self._take()
            condition = self._in_brackets()
            return NthDay(condition, self._sign(), int(self._matching(_NUMBER_PATTERN, "a number of days")))
        if first_word not in (*NUMBERS, *TEXTS, *LISTS):
            raise self._fault(
                f"a column ({', '.join((*NUMBERS, *TEXTS, *LISTS))}), {', '.join(RELATIONS)} or {NTH_DAY}"
            )
        return self._of_column(self._take())

    def _of_column(self, column: str) -> Condition:
        if column in LISTS:
            self._expect("has")
            return OneOf(column, self._values(column))
        if column in TEXTS and self._peek() == "in":
            self._take()
            return OneOf(column, self._values(column))
        sign = self._sign()
        if column in NUMBERS:
            # Two columns of numbers may be compared with each other, such as units and mue_value.
            if (next_token := self._peek()) in NUMBERS:
                return Comparison(column, sign, self._take())
            return Comparison(
                column, sign, self._matching(_NUMBER_PATTERN, f"a number or {', '.join(NUMBERS)}, not {next_token}")
            )
        # An order of texts would compare "9" with "10" by letters.
        if sign not in ("=", "!="):
            raise BadCondition(f"{column} is text: compare it by = or !=, or look it up with `in`")
        return Comparison(column, sign, self._take("a value"))

    def _values(self, column: str) -> frozenset[str]:
        """One value, a list in brackets, or the name of a group of codes."""
        if self._peek() in self._groups:
            if column != "hcpcs":
                raise self._fault("values: a group has codes, which only hcpcs is")
            return self._groups[self._take()]
        if self._peek() != "(":
            return self._checked(column, [self._take("a value, a list or a group")])
        self._take()
        values = [self._take("a value")]
        while self._peek() == ",":
            self._take()
            values.append(self._take("a value"))
        self._expect(")")
        return self._checked(column, values)

    def _checked(self, column: str, values: list[str]) -> frozenset[str]:
        # Codes and modifiers are upper case: a word in lower case was meant to be a group.
        if malformed_values := [value for value in values if not re.fullmatch(r"[0-9A-Z.-]+", value)]:
            raise BadCondition(
                f'"{malformed_values[0]}" is no value, and no group is called so (there are: {self._named})'
            )
        return code_list(values) if column == "hcpcs" else frozenset(values)

    @property
    def _named(self) -> str:
        return ", ".join(self._groups) or "none"

    def _sign(self) -> str:
        if self._peek() not in SIGNS:
            raise self._fault("one of " + " ".join(SIGNS))
        return self._take()

    def _matching(self, pattern: re.Pattern[str], expected: str) -> str:
        if not pattern.fullmatch(self._peek() or ""):
            raise self._fault(expected)
        return self._take()

    def _peek(self) -> str | None:
        return self._tokens[self._next].text if self._next < len(self._tokens) else None

    def _take(self, expected: str = "more") -> str:
        if self._next >= len(self._tokens):
            raise self._fault(expected)
        self._next += 1
        return self._tokens[self._next - 1].text

    def _expect(self, token_text: str) -> None:
        if self._peek() != token_text:
            raise self._fault(f'"{token_text}"')
        self._take()

    def _fault(self, expected: str) -> BadCondition:
        if self._next >= len(self._tokens):
            return BadCondition(f"expected {expected}, and the condition ends")
        token = self._tokens[self._next]
        return BadCondition(f'character {token.place}: expected {expected}, found "{token.text}"')
