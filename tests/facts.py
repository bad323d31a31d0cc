"""Small typed tables of two releases, in numbers that CMS published (see the notes of each); no descriptor is in them.

Texts are columns parted by |, in the order of `codeset.tables`; x marks a flag. MPFS, GPCI, add-on edits: RVU24B and
V2024Q2, PPRRVU2026_Jul_nonQPP, GPCI2026 and V2026Q2. OPPSCAP and ANES of 2026 were not at hand: those of October 2025
stand in, the caps worked out anew for 2026. ZIP codes of October 2025 and Level II of October 2025 stand in for both
releases; descriptions of Level II are our own words. PTP, both releases: true dates where `ptp_2026q3_2026q4.csv` or
the excerpt of v32.2 has them, else v30.2's placeholders. MUE, both releases: April 2026, where 2024 is the same. PTP of
outpatient hospitals, MUE of outpatient hospitals and DME suppliers are stand-ins: rows of the practitioner tables.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import polars as pl

from codeset.manifest import ConversionFactor
from codeset.participants import Participant
from codeset.releases import Release
from codeset.tables import TABLES


@dataclass(frozen=True)
class Facts:
    """A release as CMS would post it."""

    release: Release
    tables: Mapping[str, pl.DataFrame]
    factors: tuple[ConversionFactor, ...]


def table(name: str, text: str) -> pl.DataFrame:
    """Return *text* as the table *name*, sorted by its key; the last columns may be left out, and are null."""
    columns = TABLES[name].columns
    rows = [line.split("|") for line in text.strip().splitlines()]
    rows = [row + [""] * (len(columns) - len(row)) for row in rows]
    frame = pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String), orient="row")
    return frame.select(_typed_column(column, kind) for column, kind in columns.items()).sort(
        TABLES[name].key, nulls_last=True
    )


def _typed_column(column: str, kind: pl.DataType) -> pl.Expr:
    text = pl.col(column)
    if kind == pl.Boolean:
        return text == "x"
    if column != "modifier":
        text = pl.when(text != "").then(text)
    return text.str.to_date("%Y-%m-%d") if kind == pl.Date else text.cast(kind)


_ADD_ON_OF_BOTH = """
0054T|CCCCC|2013-04-01||2|||Contractor Defined Primary Codes
0079T|0078T|2013-04-01|2013-12-31|1|2013-12-31|2013-12-31|
11103|11102|2019-01-01||1|||
11103|11104|2019-01-01||1|||
11103|11106|2019-01-01||1|||
11105|11104|2019-01-01||1|||
11105|11106|2019-01-01||1|||
11107|11106|2019-01-01||1|||
17003|17000|2013-04-01||1|||
17312|17311|2013-04-01||1|||
17315|17311|2013-04-01||1|||
17315|17312|2013-04-01||1|||
17315|17313|2013-04-01||1|||
17315|17314|2013-04-01||1|||
G0506|99202|2017-01-01||3|||
G0506|99217|2017-01-01|2022-12-31|3||2022-12-31|
"""

_TEXTS_2024Q2 = {
    "mpfs": """
00100||J||0.00|0.00||0.00||0.00|0.00|0.00|9|XXX|0.00|0.00|0.00|9|9|9|9|9|||09|0|99|0.00|0.00|0.00
0633T||C||0.00|0.00||0.00|x|0.00|0.00|0.00|1|XXX|0.00|0.00|0.00|0|3|0|0|0|||09|0|99|0.00|0.00|0.00
0633T|26|C||0.00|0.00||0.00||0.00|0.00|0.00|1|XXX|0.00|0.00|0.00|0|3|0|0|0|||09|0|99|0.00|0.00|0.00
0633T|TC|C||0.00|0.00||0.00|x|0.00|0.00|0.00|1|XXX|0.00|0.00|0.00|0|3|0|0|0|||09|0|99|3.19|3.19|0.01
10060||A||1.22|2.48||1.87||0.13|3.83|3.22|0|010|0.10|0.80|0.10|2|0|1|0|0|||09|0|99|0.00|0.00|0.00
11102||A||0.66|2.29||0.39||0.07|3.02|1.12|0|000|0.00|0.00|0.00|2|0|1|0|0|||09|0|99|0.00|0.00|0.00
11103||A||0.38|1.09||0.23||0.04|1.51|0.65|0|ZZZ|0.00|0.00|0.00|0|0|1|0|0|||09|0|99|0.00|0.00|0.00
11104||A||0.83|2.83||0.46||0.10|3.76|1.39|0|000|0.00|0.00|0.00|2|0|1|0|0|||09|0|99|0.00|0.00|0.00
11105||A||0.45|1.28||0.25||0.06|1.79|0.76|0|ZZZ|0.00|0.00|0.00|0|0|1|0|0|||09|0|99|0.00|0.00|0.00
11106||A||1.01|3.53||0.54||0.13|4.67|1.68|0|000|0.00|0.00|0.00|2|0|1|0|0|||09|0|99|0.00|0.00|0.00
11107||A||0.54|1.53||0.30||0.07|2.14|0.91|0|ZZZ|0.00|0.00|0.00|0|0|1|0|0|||09|0|99|0.00|0.00|0.00
11400||A||0.90|2.85||1.53||0.12|3.87|2.55|0|010|0.10|0.80|0.10|2|0|1|0|0|||09|0|99|0.00|0.00|0.00
11402||A||1.45|3.55||1.85||0.19|5.19|3.49|0|010|0.10|0.80|0.10|2|0|1|0|0|||09|0|99|0.00|0.00|0.00
12031||A||2.00|5.66||2.29||0.25|7.91|4.54|0|010|0.10|0.80|0.10|2|0|1|0|0|||09|0|99|0.00|0.00|0.00
14040||A||8.60|13.20||9.01||1.12|22.92|18.73|0|090|0.10|0.71|0.19|2|0|1|0|0|||09|0|99|0.00|0.00|0.00
17000||A||0.61|1.37||0.99||0.06|2.04|1.66|0|010|0.10|0.80|0.10|2|0|1|0|0|||09|0|99|0.00|0.00|0.00
17003||A||0.04|0.16||0.02||0.00|0.20|0.06|0|ZZZ|0.00|0.00|0.00|0|0|1|0|0|||09|0|99|0.00|0.00|0.00
17004||A||1.37|3.52||1.43||0.15|5.04|2.95|0|010|0.10|0.80|0.10|0|0|1|0|0|||09|0|99|0.00|0.00|0.00
17110||A||0.70|2.66||1.30||0.07|3.43|2.07|0|010|0.10|0.80|0.10|2|0|1|0|0|||09|0|99|0.00|0.00|0.00
17111||A||0.97|2.94||1.44||0.10|4.01|2.51|0|010|0.10|0.80|0.10|2|0|1|0|0|||09|0|99|0.00|0.00|0.00
17311||A||6.20|13.61||3.68||0.64|20.45|10.52|0|000|0.00|0.00|0.00|2|0|1|0|0|||09|0|99|0.00|0.00|0.00
17312||A||3.30|8.76||1.95||0.35|12.41|5.60|0|ZZZ|0.00|0.00|0.00|0|0|1|0|0|||09|0|99|0.00|0.00|0.00
17315||A||0.87|1.44||0.52||0.09|2.40|1.48|0|ZZZ|0.00|0.00|0.00|0|0|1|0|0|||09|0|99|0.00|0.00|0.00
43239||A||2.39|8.59||1.41||0.30|11.28|4.10|0|000|0.00|0.00|0.00|3|0|1|0|0||43235|09|0|99|0.00|0.00|0.00
59400||A||37.00|25.80|x|25.80||10.20|73.00|73.00|0|MMM|0.00|0.00|0.00|2|0|1|0|0|||09|0|99|0.00|0.00|0.00
77049||A||2.30|8.12||8.12|x|0.15|10.57|10.57|1|XXX|0.00|0.00|0.00|4|2|0|0|0|||09|0|88|0.00|0.00|0.00
77049|26|A||2.30|0.81||0.81||0.12|3.23|3.23|1|XXX|0.00|0.00|0.00|4|2|0|0|0|||09|0|88|0.00|0.00|0.00
77049|TC|A||0.00|7.31||7.31|x|0.03|7.34|7.34|1|XXX|0.00|0.00|0.00|4|2|0|0|0|||02|0|88|0.00|0.00|0.00
88305||A||0.75|1.38||1.38|x|0.02|2.15|2.15|1|XXX|0.00|0.00|0.00|0|0|0|0|0|||09|0|99|0.00|0.00|0.00
88305|26|A||0.75|0.32||0.32||0.01|1.08|1.08|1|XXX|0.00|0.00|0.00|0|0|0|0|0|||09|0|99|0.00|0.00|0.00
88305|TC|A||0.00|1.06||1.06|x|0.01|1.07|1.07|1|XXX|0.00|0.00|0.00|0|0|0|0|0|||09|0|99|0.00|0.00|0.00
96910||A||0.00|3.54||3.54|x|0.02|3.56|3.56|5|XXX|0.00|0.00|0.00|0|0|0|0|0|||09|0|99|0.00|0.00|0.00
99211||A||0.18|0.51||0.07||0.01|0.70|0.26|0|XXX|0.00|0.00|0.00|0|0|0|0|0|||09|0|99|0.00|0.00|0.00
99213||A||1.30|1.33||0.56||0.10|2.73|1.96|0|XXX|0.00|0.00|0.00|0|0|0|0|0|||09|0|99|0.00|0.00|0.00
A4209||X||0.00|0.00||0.00||0.00|0.00|0.00|9|XXX|0.00|0.00|0.00|9|9|9|9|9|||09|0|99|0.00|0.00|0.00
G2211||A||0.33|0.14||0.14||0.02|0.49|0.49|0|ZZZ|0.00|0.00|0.00|0|0|0|0|0|||09|0|99|0.00|0.00|0.00
J7308||E||0.00|0.00||0.00||0.00|0.00|0.00|9|XXX|0.00|0.00|0.00|9|9|9|9|9|||09|0|99|0.00|0.00|0.00
""",
    "gpci": """
01112|05|CA|SAN FRANCISCO-OAKLAND-BERKELEY (SAN FRANCISCO/SAN MATEO/ALAMEDA/CONTRA COSTA CNTY)|1.088|1.419|0.445
01182|18|CA|LOS ANGELES-LONG BEACH-ANAHEIM (LOS ANGELES/ORANGE CNTY)|1.042|1.194|0.690
02102|01|AK|ALASKA|1.500|1.081|0.592
03202|01|MT|MONTANA|1.000|1.000|0.978
05302|99|MO|REST OF MISSOURI|1.000|0.859|0.974
10112|00|AL|ALABAMA|1.000|0.869|0.575
13202|01|NY|MANHATTAN|1.065|1.166|1.656
13202|02|NY|NYC SUBURBS/LONG ISLAND|1.065|1.200|1.911
""",
    "oppscap": """
0633T|TC|01112|05|C|150.83|150.83
0633T|TC|01182|18|C|127.02|127.02
0633T|TC|02102|01|C|114.99|114.99
0633T|TC|03202|01|C|106.51|106.51
0633T|TC|05302|99|C|91.54|91.54
0633T|TC|10112|00|C|92.47|92.47
0633T|TC|13202|01|C|124.37|124.37
0633T|TC|13202|02|C|128.06|128.06
""",
    "anesthesia": """
01112|05|22.86
01182|18|21.69
02102|01|28.54
03202|01|20.74
05302|99|20.26
10112|00|19.77
13202|01|23.25
13202|02|23.70
""",
    "add_on": _ADD_ON_OF_BOTH
    + """\
G0506|99241|2017-01-01|2017-12-31|3||2022-12-31|
U0005|U0003|2021-01-01|2023-12-31|1|2023-12-31|2023-12-31|
U0005|U0004|2021-01-01|2023-12-31|1|2023-12-31|2023-12-31|
""",
}

_TEXTS_2026Q3 = {
    "mpfs": """
00100||J||0.00|0.00||0.00||0.00|0.00|0.00|9|XXX|0.00|0.00|0.00|9|9|9|9|9|9||09|0|99|0.00|0.00|0.00
0633T||C||0.00|0.00||0.00|x|0.00|0.00|0.00|1|XXX|0.00|0.00|0.00|0|3|0|0|0|9||09|0|99|0.00|0.00|0.00
0633T|26|C||0.00|0.00||0.00||0.00|0.00|0.00|1|XXX|0.00|0.00|0.00|0|3|0|0|0|9||09|0|99|0.00|0.00|0.00
0633T|TC|C||0.00|0.00||0.00|x|0.00|0.00|0.00|1|XXX|0.00|0.00|0.00|0|3|0|0|0|9||09|0|99|3.19|3.19|0.01
10060||A||1.19|2.53||1.69||0.13|3.85|3.01|0|010|0.10|0.80|0.10|2|0|1|0|0|9||09|0|99|0.00|0.00|0.00
11102||A||0.64|2.16||0.20||0.06|2.86|0.90|0|000|0.00|0.00|0.00|2|0|1|0|0|9||09|0|99|0.00|0.00|0.00
11103||A||0.37|1.05||0.12||0.04|1.46|0.53|0|ZZZ|0.00|0.00|0.00|0|0|1|0|0|9||09|0|99|0.00|0.00|0.00
11104||A||0.81|2.73||0.24||0.09|3.63|1.14|0|000|0.00|0.00|0.00|2|0|1|0|0|9||09|0|99|0.00|0.00|0.00
11105||A||0.44|1.30||0.13||0.07|1.81|0.64|0|ZZZ|0.00|0.00|0.00|0|0|1|0|0|9||09|0|99|0.00|0.00|0.00
11106||A||0.98|3.43||0.29||0.12|4.53|1.39|0|000|0.00|0.00|0.00|2|0|1|0|0|9||09|0|99|0.00|0.00|0.00
11107||A||0.53|1.53||0.16||0.06|2.12|0.75|0|ZZZ|0.00|0.00|0.00|0|0|1|0|0|9||09|0|99|0.00|0.00|0.00
11400||A||0.88|2.84||1.30||0.11|3.83|2.29|0|010|0.10|0.80|0.10|2|0|1|0|0|9||09|0|99|0.00|0.00|0.00
11402||A||1.41|3.53||1.48||0.18|5.12|3.07|0|010|0.10|0.80|0.10|2|0|1|0|0|9||09|0|99|0.00|0.00|0.00
12031||A||1.95|5.60||1.81||0.23|7.78|3.99|0|010|0.10|0.80|0.10|2|0|1|0|0|9||09|0|99|0.00|0.00|0.00
14040||A||8.39|13.51||6.89||1.07|22.97|16.35|0|090|0.10|0.71|0.19|2|0|1|0|0|9||09|0|99|0.00|0.00|0.00
17000||A||0.59|1.34||0.78||0.06|1.99|1.43|0|010|0.10|0.80|0.10|2|0|1|0|0|9||09|0|99|0.00|0.00|0.00
17003||A||0.04|0.15||0.01||0.00|0.19|0.05|0|ZZZ|0.00|0.00|0.00|0|0|1|0|0|9||09|0|99|0.00|0.00|0.00
17004||A||1.34|3.39||1.01||0.13|4.86|2.48|0|010|0.10|0.80|0.10|0|0|1|0|0|9||09|0|99|0.00|0.00|0.00
17110||A||0.68|2.58||1.12||0.07|3.33|1.87|0|010|0.10|0.80|0.10|2|0|1|0|0|9||09|0|99|0.00|0.00|0.00
17111||A||0.95|2.86||1.18||0.08|3.89|2.21|0|010|0.10|0.80|0.10|2|0|1|0|0|9||09|0|99|0.00|0.00|0.00
17311||A||6.05|13.33||1.95||0.59|19.97|8.59|0|000|0.00|0.00|0.00|2|0|1|0|0|9||09|0|99|0.00|0.00|0.00
17312||A||3.22|8.51||1.03||0.33|12.06|4.58|0|ZZZ|0.00|0.00|0.00|0|0|1|0|0|9||09|0|99|0.00|0.00|0.00
17315||A||0.85|1.45||0.28||0.07|2.37|1.20|0|ZZZ|0.00|0.00|0.00|0|0|1|0|0|9||09|0|99|0.00|0.00|0.00
43239||A||2.33|9.94||1.10||0.27|12.54|3.70|0|000|0.00|0.00|0.00|3|0|1|0|0|9|43235|09|0|99|0.00|0.00|0.00
59400||A||37.00|18.76|x|18.76||10.54|66.30|66.30|0|MMM|0.00|0.00|0.00|2|0|1|0|0|9||09|0|99|0.00|0.00|0.00
77049||A||2.24|7.77||7.77|x|0.16|10.17|10.17|1|XXX|0.00|0.00|0.00|4|2|0|0|0|9||09|0|88|0.00|0.00|0.00
77049|26|A||2.24|0.80||0.80||0.13|3.17|3.17|1|XXX|0.00|0.00|0.00|4|2|0|0|0|9||09|0|88|0.00|0.00|0.00
77049|TC|A||0.00|6.97||6.97|x|0.03|7.00|7.00|1|XXX|0.00|0.00|0.00|4|2|0|0|0|9||02|0|88|0.00|0.00|0.00
88305||A||0.73|1.35||1.35|x|0.02|2.10|2.10|1|XXX|0.00|0.00|0.00|0|0|0|0|0|9||09|0|99|0.00|0.00|0.00
88305|26|A||0.73|0.31||0.31||0.01|1.05|1.05|1|XXX|0.00|0.00|0.00|0|0|0|0|0|9||09|0|99|0.00|0.00|0.00
88305|TC|A||0.00|1.04||1.04|x|0.01|1.05|1.05|1|XXX|0.00|0.00|0.00|0|0|0|0|0|9||09|0|99|0.00|0.00|0.00
96910||A||0.00|3.42||3.42|x|0.02|3.44|3.44|5|XXX|0.00|0.00|0.00|0|0|0|0|0|9||09|0|99|0.00|0.00|0.00
99211||A||0.18|0.54||0.04||0.01|0.73|0.23|0|XXX|0.00|0.00|0.00|0|0|0|0|0|9||09|0|99|0.00|0.00|0.00
99213||A||1.30|1.46||0.33||0.09|2.85|1.72|0|XXX|0.00|0.00|0.00|0|0|0|0|0|9||09|0|99|0.00|0.00|0.00
A4209||X||0.00|0.00||0.00||0.00|0.00|0.00|9|XXX|0.00|0.00|0.00|9|9|9|9|9|9||09|0|99|0.00|0.00|0.00
G2211||A||0.33|0.17||0.08||0.02|0.52|0.43|0|ZZZ|0.00|0.00|0.00|0|0|0|0|0|9||09|0|99|0.00|0.00|0.00
J7308||E||0.00|0.00||0.00||0.00|0.00|0.00|9|XXX|0.00|0.00|0.00|9|9|9|9|9|9||09|0|99|0.00|0.00|0.00
""",
    "gpci": """
01112|05|CA|SAN FRANCISCO-OAKLAND-BERKELEY (SAN FRANCISCO/SAN MATEO/ALAMEDA/CONTRA COSTA CNTY)|1.095|1.410|0.425
01182|18|CA|LOS ANGELES-LONG BEACH-ANAHEIM (LOS ANGELES/ORANGE CNTY)|1.041|1.183|0.664
02102|01|AK|ALASKA|1.500|1.065|0.551
03202|01|MT|MONTANA|1.000|1.000|0.998
05302|99|MO|REST OF MISSOURI|1.000|0.862|0.974
10112|00|AL|ALABAMA|1.000|0.875|0.566
13202|01|NY|MANHATTAN|1.064|1.162|1.586
13202|02|NY|NYC SUBURBS/LONG ISLAND|1.064|1.189|1.857
""",
    "oppscap": """
0633T|TC|01112|05|C|150.38|150.38
0633T|TC|01182|18|C|126.27|126.27
0633T|TC|02102|01|C|113.66|113.66
0633T|TC|03202|01|C|106.88|106.88
0633T|TC|05302|99|C|92.17|92.17
0633T|TC|10112|00|C|93.42|93.42
0633T|TC|13202|01|C|124.34|124.34
0633T|TC|13202|02|C|127.31|127.31
""",
    "anesthesia": """
01112|05|22.37
01182|18|21.22
02102|01|27.86
03202|01|20.29
05302|99|19.81
10112|00|19.31
13202|01|22.76
13202|02|23.21
""",
    "add_on": _ADD_ON_OF_BOTH
    + """\
G0506|99241|2017-01-01|2017-01-01|3||2022-12-31|
U0005|U0003|2021-10-01|2023-06-30|1|2023-06-30|2023-12-31|
U0005|U0004|2021-10-01|2023-06-30|1|2023-06-30|2023-12-31|
""",
}

_TEXTS_OF_BOTH = {
    "locality_county": """
01112|05|SAN FRANCISCO-OAKLAND-BERKELEY (SAN FRANCISCO CNTY/ALAMEDA/CONTR COSTA CNTY/SAN MATEO)|SAN FRANCISCO/ALAMEDA/CONTRA COSTA/SAN MATEO|CALIFORNIA
01182|18|LOS ANGELES-LONG BEACH-ANAHEIM (LOS ANGELES CNTY)|LOS ANGELES /ORAGNGE CNTY|CALIFORNIA
02102|01|STATEWIDE|ALL COUNTIES|ALASKA
03202|01|STATEWIDE|ALL COUNTIES|MONTANA
05302|99|REST OF STATE|ALL OTHER COUNTIES|MISSOURI
10112|00|STATEWIDE|ALL COUNTIES|ALABAMA
13202|01|MANHATTAN|NEW YORK|NEW YORK
13202|02|NYC SUBURBS/LONG ISLAND|BRONX, KINGS, NASSAU, RICHMOND, ROCKLAND, SUFFOLK AND WESTCHESTER|NEW YORK
""",  # noqa: E501
    "zip_locality": """
00501|NY|13202|02||Z9|||A
06390|NY|13202|02|R|Z9|R||A
10001|NY|13202|01||Z9|||A
10505|NY|13202|02||Z9||x|A
35004|AL|10112|00||Z9|||A
35010|AL|10112|00|R|Z9|R||A
35958|AL|10112|00|R|Z9|R|x|A
59001|MT|03202|01|B|Z9|B||A
59002|MT|03202|01||Z9|||A
59008|MT|03202|01|B|Z9|B|x|A
63015|EM|05302|99||Z9||x|A
63039|EM|05302|99||Z9|||A
63330|EM|05302|99|B|Z9|B||A
64784|WM|05302|99|B|Z9|B|x|A
90001|CA|01182|18||Z9|||A
90265|CA|01182|18||Z9||x|A
94002|CA|01112|05||Z9|||A
94018|CA|01112|05|R|Z9|R||A
99501|AK|02102|01||Z9|||A
99545|AK|02102|01|B|Z9|B||A
99689|AK|02102|01|R|Z9|R||A
""",
    "hcpcs_level2": """
A4209|Syringe of its size|Syringe|C|1985-01-01||N|2007-01-01|00|9|D1A|S
C9058|Injection that is described in more words than one record of the text holds, which has room for eighty characters|Injection|D|2019-11-15|2020-06-30|N|2020-07-01|53|A|O1E|9
G0168|Closure|Closure|C|2000-01-01||N|2000-01-01|00|9|P6C|1
G0559|Care after surgery|Care after surg|C|2025-01-01||N|2025-01-01|13|A|M5D|1
G2211|Complexity of a visit|Complexity|C|2021-01-01||N|2021-01-01|00|9|Z2|1
J0570|Implant|Implant|C|2017-01-01||R|2025-10-01|51|A|O1E|1
J3301|Injection|Injection|D|1991-01-01||N|2009-01-01|51|A|O1E|1
J7308|Topical|Topical|C|2002-01-01||N|2004-01-01|51|A|O1E|1
U0003|Detection|Detection|C|2020-04-14|2023-05-11|N|2023-05-12|22|A|T1H|5
""",  # noqa: E501
    "modifier": """
A1|Dressing for one|Dressing for one|C|2002-07-01||N|2002-07-01
CP|Adjunctive|Adjunctive|C|2016-01-01|2017-12-31|N|2018-01-01
GY|Excluded|Excluded|S|2002-01-01||N|2007-07-01
GZ|Expected|Expected|M|2002-01-01||N|2002-01-01
XS|Separate structure|Separate structure|C|2015-01-01||N|2015-01-01
""",
    "mue": """
0001U|1|2|Code Descriptor / CPT Instruction
0633T|1|2|Code Descriptor / CPT Instruction
10060|1|2|Code Descriptor / CPT Instruction
11102|1|2|Code Descriptor / CPT Instruction
11103|6|3|Clinical: Data
11104|1|2|Code Descriptor / CPT Instruction
11105|3|3|Clinical: Data
11106|1|2|Code Descriptor / CPT Instruction
11107|2|3|Clinical: Data
11400|3|3|Clinical: Data
11402|3|3|Clinical: Data
12031|1|2|Anatomic Consideration
14040|2|3|Clinical: Data
17000|1|2|Code Descriptor / CPT Instruction
17003|13|2|Code Descriptor / CPT Instruction
17004|1|2|Code Descriptor / CPT Instruction
17110|1|2|Code Descriptor / CPT Instruction
17111|1|2|Code Descriptor / CPT Instruction
17311|4|3|Clinical: Data
17312|6|3|Clinical: Data
17315|15|3|Clinical: Data
43239|1|2|Anatomic Consideration
59400|1|2|Code Descriptor / CPT Instruction
77049|1|2|Code Descriptor / CPT Instruction
88305|16|3|Clinical: Data
96910|1|3|Nature of Service/Procedure
99211|1|3|Clinical: Data
99213|2|3|Clinical: Data
A4209|0|3|CMS Policy
J7308|3|3|Clinical: Data
""",
    "ptp": """
0001A|0591T|2022-01-01|2023-12-31|1||CPT Manual or CMS manual coding instruction
0001A|90473|2022-01-01|2022-01-01|9||CPT Manual or CMS manual coding instruction
00140|36400|1996-01-01||1|x|Standard preparation/monitoring services for anesthesia
10060|11720|1998-01-01||1||Standards of medical/surgical practice
10060|12001|2012-10-01||1||Misuse of Column Two code with Column One code
11042|17000|2019-04-01||1||Standards of medical/surgical practice
11102|17000|1996-01-01|2019-12-31|1||CPT Manual or CMS manual coding instruction
11102|17000|2020-01-01||1||CPT Manual or CMS manual coding instruction
11104|11102|1996-01-01||0||CPT Manual or CMS manual coding instruction
12001|12011|1996-01-01|2019-12-31|1||Mutually exclusive procedures
12011|12001|2020-01-01||1||Misuse of Column Two code with Column One code
17000|11042|1998-04-01|2019-03-31|1||Standards of medical/surgical practice
17000|12001|2012-10-01||1||Misuse of Column Two code with Column One code
17004|11042|1998-04-01||1||Standards of medical/surgical practice
17004|17000|1998-04-01||0||HCPCS/CPT procedure code definition
17111|17110|1996-01-01||0||HCPCS/CPT procedure code definition
17311|88305|1996-01-01||1||HCPCS/CPT procedure code definition
96910|99211|2000-10-30|2000-10-30|9||Standards of medical/surgical practice
96910|99211|2000-10-31|2019-12-31|0||Standards of medical/surgical practice
96910|99211|2020-01-01||0||Standards of medical/surgical practice
U0003|U0004|1996-01-01|2023-06-30|0||Mutually exclusive procedures
""",
}


def _facts(label: str, texts: dict[str, str], *factors: tuple[str, Participant | None]) -> Facts:
    release = Release.parse(label)
    tables = {name: table(name, text) for name, text in (texts | _TEXTS_OF_BOTH).items()}
    outpatient = tables["ptp"].with_columns(rationale=pl.lit("Misuse of Column Two code with Column One code"))
    tables |= {"ptp_outpatient": outpatient, "mue_outpatient": tables["mue"], "mue_dme": tables["mue"].tail(3)}
    days = release.first_day, release.last_day
    return Facts(
        release, tables, tuple(ConversionFactor(Decimal(value), *days, participant) for value, participant in factors)
    )


def facts_by_release() -> dict[str, Facts]:
    """Return the facts of 2024q2 (31 columns, one factor) and 2026q3 (32 columns, two)."""
    return {
        "2024q2": _facts("2024q2", _TEXTS_2024Q2, ("33.2875", None)),
        "2026q3": _facts("2026q3", _TEXTS_2026Q3, ("33.4009", Participant.NON_QP), ("33.5675", Participant.QP)),
    }
