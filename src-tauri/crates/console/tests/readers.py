"""Reads exported files with programs of others and compares them with what the server had sent.

readers.py hard|many FOLDER
"""

import csv
import datetime
import decimal
import json
import math
import pathlib
import sys
import zipfile

import openpyxl
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet

EPOCH = datetime.date(1970, 1, 1)
decimal.getcontext().prec = 100


def days(text):
    """Days since 1970 of a date that Python may have no date for."""
    if not text.endswith(" BC"):
        return (datetime.date.fromisoformat(text) - EPOCH).days
    year, month, day = map(int, text[:-3].split("-"))
    # 400 years are always as long as each other, so that a year before 1 is moved to where Python has it.
    moved = 1 - year + 400 * 20
    return (datetime.date(moved, month, day) - EPOCH).days - 146_097 * 20


def micros(text):
    return round((datetime.datetime.fromisoformat(text) - datetime.datetime(1970, 1, 1)) / datetime.timedelta(microseconds=1))


def typed(kind, text):
    """What a value of the server is in a file with types."""
    if text is None:
        return None
    match kind:
        case "bool":
            return text == "t"
        case "int":
            return int(text)
        case "float4":
            return pa.scalar(float(text), pa.float32()).as_py()
        case "float8":
            return float(text)
        case "decimal":
            return decimal.Decimal(text)
        case "date":
            return days(text)
        case "time":
            return micros("1970-01-01 " + text)
        case "timestamp":
            return micros(text)
        case "timestamptz":
            at = datetime.datetime.fromisoformat(text)
            return micros(str(at.astimezone(datetime.timezone.utc).replace(tzinfo=None)))
        case "text":
            return text
    raise ValueError(kind)


# What each column of the test is in a file with types, by its place.
KINDS = (
    "bool int int int float4 float8 decimal decimal decimal text text date date text time text text timestamp timestamptz "
    "text text text text text text text text"
).split()

TYPES = {
    "int2": "int16",
    "int4": "int32",
    "int8": "int64",
    "float4": "float",
    "float8": "double",
    "money": "decimal128(12, 2)",
    "wide": "decimal128(38, 10)",
    "wider": "decimal256(60, 0)",
    "free": "string",
    "nan": "string",
    "date": "date32[day]",
    "past": "date32[day]",
    "endless": "string",
    "time": "time64[us]",
    "midnight": "string",
    "timestamp": "timestamp[us]",
    "timestamptz": "timestamp[us, tz=UTC]",
    "text_2": "string",
}


def same(found, wanted, where):
    if isinstance(wanted, float) and math.isnan(wanted):
        assert isinstance(found, float) and math.isnan(found), (where, found)
    else:
        assert found == wanted and type(found) is type(wanted), (where, found, wanted)


def plain(column):
    """Values as numbers where Python's own types have less room than the file."""
    if pa.types.is_date(column.type):
        column = column.cast(pa.int32())
    elif pa.types.is_time(column.type) or pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    return column.to_pylist()


def arrow_table(folder):
    with pa.ipc.open_file(folder / "rows.arrow") as file:
        return file.read_all()


def hard(folder):
    expected = json.loads((folder / "expected.json").read_text())
    assert len(KINDS) == len(expected)

    for table in (pa.parquet.read_table(folder / "rows.parquet"), arrow_table(folder)):
        for name, wanted in TYPES.items():
            assert str(table.schema.field(name).type) == wanted, (name, table.schema.field(name))
        notes = table.schema.field("endless").metadata
        assert b"infinity" in notes[b"kept_as_text"] and notes[b"sql_type"] == b"date", notes
        assert table.schema.field("money").metadata[b"sql_type"] == b"numeric(12,2)"
        for index, (name, _, _, cells) in enumerate(expected):
            for row, (found, cell) in enumerate(zip(plain(table.column(index)), cells, strict=True)):
                same(found, typed(KINDS[index], cell), (name, row))

    with open(folder / "rows.csv", encoding="utf-8-sig", newline="") as file:
        head, *rows = csv.reader(file)
    assert (folder / "rows.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    assert head == [name for name, *_ in expected]
    for index, (name, _, _, cells) in enumerate(expected):
        found = [None if row[index] == "\\N" else row[index] for row in rows]
        assert found == cells, (name, found, cells)

    exact = {"parse_int": str, "parse_float": str}
    whole = json.loads((folder / "rows.json").read_text(), **exact)
    lines = [json.loads(line, **exact) for line in (folder / "rows.ndjson").read_text().splitlines()]
    assert whole == lines
    keys = [name for name, *_ in expected[:-1]] + ["text_2"]
    assert list(whole[0]) == keys
    for key, (_, _, _, cells) in zip(keys, expected):
        wanted = [{"t": True, "f": False}.get(cell, cell) for cell in cells] if key == "bool" else cells
        assert [row[key] for row in whole] == wanted, key
    raw = (folder / "rows.ndjson").read_text()
    assert '"int8":9007199254740993,' in raw and '"wide":1234567890123456789012345678.0123456789,' in raw

    spreadsheet(folder, expected)


def spreadsheet(folder, expected):
    sheet = openpyxl.load_workbook(folder / "rows.xlsx").worksheets[0]
    found = {name: [sheet.cell(row, index + 1).value for row in (2, 3, 4)] for index, (name, *_) in enumerate(expected[:-1])}
    texts = dict((name, cells) for name, _, _, cells in expected[:-1])
    assert [cell.value for cell in sheet[1]] == [name for name, *_ in expected]
    assert found["bool"] == [True, False, None]
    assert found["int2"] == [-32768, 32767, None]
    # More digits than a double holds are text, to the last one.
    assert found["int8"] == ["9007199254740993", "-9223372036854775808", None]
    assert found["float8"] == [0.30000000000000004, "-Infinity", None]
    assert found["money"] == [1234567890.10, -0.05, None]
    assert sheet.cell(2, list(found).index("money") + 1).number_format == "0.00"
    assert found["wide"][0] == texts["wide"][0] and found["wide"][1] == 1e-10
    assert found["date"] == [datetime.datetime(2024, 2, 29), datetime.datetime(1969, 12, 31), None]
    assert found["endless"][1] == "infinity" and found["past"] == texts["past"]
    for name in ("nan", "timetz", "timestamp", "timestamptz", "interval", "char", "super", "array"):
        if name != "nan":
            assert found[name] == texts[name], (name, found[name])
    assert found["nan"] == [1.5, "NaN", None]
    # Control characters as the format spells them; what looks like that is spelled too.
    assert found["text"][0] in (texts["text"][0], spelled(texts["text"][0])), found["text"]
    with zipfile.ZipFile(folder / "rows.xlsx") as archive:
        assert archive.testzip() is None


def spelled(text):
    return text.replace("_x000D_", "_x005F_x000D_").replace("\r", "_x000D_").replace("\x01", "_x0001_")


def many(folder):
    rows = 140_000
    file = pa.parquet.ParquetFile(folder / "rows.parquet")
    assert file.num_row_groups > 1
    for table in (file.read(), arrow_table(folder)):
        assert table.column("n").to_pylist() == list(range(1, rows + 1))
        assert set(table.column("word").to_pylist()) == {"가"}
    book = openpyxl.load_workbook(folder / "rows.xlsx", read_only=True)
    last = None
    for last in book["Sheet1"].iter_rows(values_only=True):
        pass
    assert last == (rows, "가"), last


if __name__ == "__main__":
    {"hard": hard, "many": many}[sys.argv[1]](pathlib.Path(sys.argv[2]))
