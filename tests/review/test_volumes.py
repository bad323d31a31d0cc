"""A practice's volumes: read strictly, every fault with its line; the year worked by hand from CMS's amounts."""

import pytest
import reviewed

from codeset.errors import BadInput
from codeset.review.first_page import first_page
from codeset.review.volumes import Volume, read_volumes


def test_a_file_is_read_whatever_the_order_of_its_columns(tmp_path):
    file = reviewed.volumes(tmp_path, "\ufeffUnits,HCPCS,Modifier\n12,88305,26\n\n820, 11102 ,\n")
    assert read_volumes(file) == (Volume("11102", "", 820), Volume("88305", "26", 12))


def test_all_faults_are_told_together_with_their_lines(tmp_path):
    rows = [
        "hcpcs,units",
        "1110,5",
        '=HYPERLINK("x"),5',
        "11102,1.5",
        "11102,-1",
        '17000,"1,000"',
        "99213,7",
        "99213,8",
        "G2211",
    ]
    with pytest.raises(BadInput) as raised:
        read_volumes(reviewed.volumes(tmp_path, "\n".join(rows)))
    assert [(each.line, each.says) for each in raised.value.faults] == [
        (2, 'hcpcs: expected five digits or capital letters, found "1110"'),
        (3, 'hcpcs: expected five digits or capital letters, found "=HYPERLINK("x")"'),
        (4, 'units: expected a whole number without separators, found "1.5"'),
        (5, 'units: expected a whole number without separators, found "-1"'),
        (6, 'units: expected a whole number without separators, found "1,000"'),
        (8, "99213 stands on line 7 already"),
        (9, "1 cells, but the header has 2"),
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "holds no volumes; expected a header hcpcs,units and a line for each code"),
        ("hcpcs,units\n", "holds no volumes; expected a header hcpcs,units and a line for each code"),
        ("hcpcs,amount\n11102,5\n", 'column "amount" is not known; expected hcpcs (or code), units, modifier'),
        ("code,hcpcs,units\n11102,11102,5\n", 'column "hcpcs" stands there twice'),
        ("hcpcs;units\n11102;5\n", 'column "hcpcs;units" is not known; expected hcpcs (or code), units, modifier'),
        ("code,units,modifier\n99213,5,25\n", 'modifier: expected nothing, 26, TC or 53, found "25"'),
        ('hcpcs,units\n"11102,5\n', "cannot be read as csv"),
    ],
)
def test_what_is_no_file_of_volumes_is_refused(tmp_path, text, says):
    with pytest.raises(BadInput) as raised:
        read_volumes(reviewed.volumes(tmp_path, text))
    assert says in str(raised.value)


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path):
    with pytest.raises(BadInput, match="cannot be read"):
        read_volumes(tmp_path / "none.csv")
    (tmp_path / "book.csv").write_bytes(b"hcpcs,units\n11102,\xff\n")
    with pytest.raises(BadInput, match="is not UTF-8 text"):
        read_volumes(tmp_path / "book.csv")


def test_the_year_is_units_times_the_change_of_each_amount(made):
    """Office: 820 x -0.22 = -180.40; 2,400 x 0.16 = 384.00; 6,100 x 6.24 = 38,064.00 (amounts: RVU25D, RVU26C)."""
    office, facility = made.years
    changes = {each.hcpcs: each.change_cents for each in office.lines}
    assert {code: changes[code] for code in ("11102", "17000", "99213")} == {
        "11102": -18040,
        "17000": 38400,
        "99213": 3806400,
    }
    assert office.total.change_cents == sum(changes.values()) == sum(each.change_cents for each in office.families)
    # In a facility: 820 x -6.17, 2,400 x -5.94, 6,100 x -6.27.
    assert {each.hcpcs: each.change_cents for each in facility.lines if each.hcpcs != "88305"} == {
        "11102": -505940,
        "17000": -1425600,
        "99213": -3824700,
    }


def test_codes_without_an_amount_are_told_and_in_no_total(made):
    """36415 is not in the excerpt; J7309 (status E) left the fee schedule."""
    office, _ = made.years
    assert {each.hcpcs: each.lacks for each in office.without} == {
        "36415": "not in the fee schedule",
        "J7309": "before: status E; after: not in the fee schedule",
    }
    assert office.total.codes == 4


def test_both_settings_stand_side_by_side_when_none_is_told(made):
    assert [each.setting for each in made.years] == ["nonfacility", "facility"]
    assert any("each setting is shown as if all were done there" in each for each in first_page(made).cautions)
