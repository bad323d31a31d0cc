"""What is said of claim lines: line by line, or in few rows where many lines are said the same of."""

from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class Outcome:
    """What is said of claim lines.

    `lines` has the columns of the claims, by claim and line number whatever their order was, codes and modifiers as
    categories, with `row` (the place), `disposition`, `decided_by` and `edit`, `global_days`, and the amounts of
    `pricing.price` for lines that are not denied, RVUs as decimals; `findings` one row for each finding, by
    line, the decisive one first; `steps` how amounts came about.
    """

    lines: pl.DataFrame
    findings: pl.DataFrame
    steps: pl.LazyFrame


@dataclass(frozen=True)
class Judgement:
    """An outcome in few rows: lines that nothing tells apart share one.

    `lines` are the claims', by claim and line number; `answer` is for each the row of `answers` that says its
    disposition, what decides it, and its amount. `findings` has `row`, `partner` and `ground`, the row of `grounds`
    that says what is found and on which row of CMS's table; by line, the decisive one first.
    """

    lines: pl.DataFrame
    answer: pl.Series
    answers: pl.DataFrame
    findings: pl.DataFrame
    grounds: pl.DataFrame
    steps: pl.LazyFrame

    def outcome(self) -> Outcome:
        """Return what is said, line by line."""
        lines = self.lines.with_row_index("row")
        told = self.answers[self.answer]
        for name in lines.columns:
            if name in told.columns:
                lines.replace_column(lines.get_column_index(name), told.drop_in_place(name))
        row, partner, ground = self.findings
        grounds = self.grounds[ground]
        findings = pl.DataFrame([row, grounds.drop_in_place("reason"), partner]).hstack(grounds)
        return Outcome(lines.hstack(told), findings, self.steps)
