"""Tables of order lines become orders: CSV in its encodings, workbooks, cancellations, and files of any size."""

import io
import mmap
import os
import tracemalloc
import zipfile
from collections import Counter
from contextlib import suppress
from datetime import date
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from openpyxl import Workbook

from intake.channels.mutations import EXAMPLES, mutated_bytes
from ordertrail.intake.amendment import Amendment
from ordertrail.intake.channels.csv import Table
from ordertrail.intake.delivery import Delivery, Source, Way
from ordertrail.intake.faults import Code, FaultyError
from ordertrail.intake.message import Faulty, Message
from ordertrail.kernel.errors import ConfigurationError
from ordertrail.kernel.money import Money
from ordertrail.orders.model import Order
from ordertrail.orders.statuses import OrderStatus
from ordertrail.testing.conformance.channel import check_channel
from shared_data import shared

TABLE = """
[table]
key = "No"
{table}

[order]
id = "No"
currency = {{ value = "EUR" }}
placed = "Date"

[order.lines]
sku = "Sku"
ordered = "Qty"
unit_price = "Price"
"""

HEADER = "No,Sku,Qty,Price,Date,Shop\n"

PURCHASES = """
[table]
key = "BsID"
encoding = "utf-8-sig"
delimiter = ";"
decimal = ","
dates = ["%d.%m.%Y %H:%M:%S"]

[order]
id = "BsID"
number = "BsNr"
currency = { value = "EUR" }
placed = "Dat"
delivery_until = "DatLief"
site = "MID"

[order.seller]
id = "LID"

[order.lines]
id = "BsPosNr"
sku = "ArtId"
ordered = "Menge"
unit_price = "BEPreis"
"""


def read(text: str | bytes, table: str = "", mapping: str | None = None) -> tuple[Message, ...]:
    """What a table tells; ``table`` are further lines of [table]."""
    body = text.encode() if isinstance(text, str) else text
    source = Source("csv", "main", options={"mapping": mapping or TABLE.format(table=table)})
    return check_channel(Table(), Delivery(source, body, "2026-11-23T09:00:00.000000Z", Way.FILE))


def orders(messages: tuple[Message, ...]) -> list[Order]:
    """Messages of which each is an order."""
    found = [one.content for one in messages if isinstance(one.content, Order)]
    assert len(found) == len(messages), [one.content for one in messages]
    return found


def faulty(message: Message) -> Faulty:
    """A message that is faulty."""
    assert isinstance(message.content, Faulty), message.content
    return message.content


def workbook(*rows: list[object], sheet: str = "Orders") -> bytes:
    """A workbook of one sheet."""
    book = Workbook()
    book.active.title = sheet
    for row in rows:
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


class TestRealTables:
    """Tables that others wrote."""

    def test_the_first_invoices_of_online_retail(self) -> None:
        """Invoices are orders; those with a C are cancelled, and what they take back is ordered and cancelled."""
        path = shared("datasets/online_retail.csv.zst")
        with zstandard.open(path, "rb") as file:
            head = file.read(100_000)
        source = Source("csv", "uci", options={"mapping": "uci_online_retail"})
        body = head[: head.rindex(b"\n") + 1]
        found = orders(check_channel(Table(), Delivery(source, body, "", Way.FILE)))
        first = found[0]
        assert (first.id, first.placed, first.currency) == (
            "csv:uci:536365",
            "2010-12-01T08:26:00.000000Z",
            "GBP",
        )
        assert first.buyer is not None
        assert (first.buyer.id, first.buyer.address is not None) == ("17850.0", True)
        assert [one.quantities.ordered for one in first.lines] == ["6", "6", "8", "6", "6", "2", "6"]
        assert first.lines[0].unit_price is not None
        assert first.lines[0].unit_price.amount == Money(255, "GBP")
        back = next(one for one in found if one.id == "csv:uci:C536379")
        assert back.status is OrderStatus.CANCELLED
        assert [(one.quantities.ordered, one.quantities.cancelled) for one in back.lines] == [("1", "1")]

    @pytest.mark.skipif(
        os.environ.get("ORDERTRAIL_SOAK") != "1", reason="half a million lines; run by make soak"
    )
    @pytest.mark.soak
    def test_the_whole_of_online_retail(self) -> None:
        """541,909 lines are 22,064 orders and 3,836 cancellations; one order's rows stand two orders apart."""
        with zstandard.open(shared("datasets/online_retail.csv.zst"), "rb") as file:
            body = file.read()
        source = Source("csv", "uci", options={"mapping": "uci_online_retail"})
        told: Counter[object] = Counter()
        lines = 0
        for message in Table().read(Delivery(source, body, "", Way.FILE)):
            assert isinstance(message.content, Order), message.content
            told[message.content.status] += 1
            lines += len(message.content.lines)
        assert told == {OrderStatus.RECEIVED: 22_064, OrderStatus.CANCELLED: 3_836}
        assert lines == 541_909

    def test_a_table_with_semicolons_decimal_commas_and_german_dates(self) -> None:
        """Purchase orders as an ERP's import has them."""
        path = next(shared("samples/csv-orders").glob("*10_PurchaseOrder*.csv"))
        first, second = orders(read(path.read_bytes(), mapping=PURCHASES))
        assert (first.id, first.number, first.site) == (
            "csv:main:extHeader_1",
            "poRef_1",
            "warehouseIdentifier_1",
        )
        assert first.placed == "2024-04-15T05:55:00.000000Z"
        assert first.lines[0].unit_price is not None
        assert first.lines[0].unit_price.amount == Money(564, "EUR")
        assert (second.lines[0].id, second.lines[0].quantities.ordered) == ("extLine_2", "12.598")

    @pytest.mark.parametrize("name", ["123_PurchaseOrder_ImportFile", "123_bPartnerMasterData"])
    def test_a_file_that_is_no_such_table_is_refused(self, name: str) -> None:
        """Each column that it lacks is named."""
        path = next(shared("samples/csv-orders").glob(f"*{name}.csv"))
        (message,) = read(path.read_bytes(), mapping=PURCHASES)
        assert {fault.code for fault in faulty(message).faults} == {Code.MISSING}
        assert "'BsID'" in str(faulty(message).faults)


class TestRows:
    """How rows become orders."""

    def test_what_all_rows_say_is_the_orders_and_what_differs_a_rows(self) -> None:
        """Nothing of any cell is lost: a date that one row has otherwise, a column that nobody maps."""
        (found,) = orders(read(HEADER + "7,a,1,2.00,2026-01-01,x\n7,b,2,3,2026-01-02,x\n"))
        assert [(one.id, one.item.sku, one.quantities.ordered) for one in found.lines] == [
            ("1", "a", "1"),
            ("2", "b", "2"),
        ]
        assert found.placed == "2026-01-01T00:00:00.000000Z"
        assert {one.pointer: one.value for one in found.extensions} == {
            "/Shop": "x",
            "/rows/1/Date": "2026-01-02",
        }

    def test_rows_of_one_order_may_stand_apart_within_the_window(self) -> None:
        """Beyond it, what comes late is told, and the rows that it belongs to."""
        rows = "1,a,1,1,,\n2,b,1,1,,\n1,c,1,1,,\n"
        first, second = orders(read(HEADER + rows))
        assert ([one.item.sku for one in first.lines], second.id) == (["a", "c"], "csv:main:2")
        *_, late = read(HEADER + rows, "window = 1")
        assert [fault.code for fault in faulty(late).faults] == [Code.CONTRADICTION]
        assert "from row 2 on" in faulty(late).faults[0].message

    def test_a_row_of_another_width_and_one_without_a_key_are_faulty(self) -> None:
        """The others are read."""
        messages = read(HEADER + "1,a,1,1,,,extra\n,b,1,1,,\n3,c,1,1,,\n4,d\n")
        codes = [one.content.faults[0].code if isinstance(one.content, Faulty) else None for one in messages]
        assert sorted(map(str, codes)) == ["None", "contradiction", "contradiction", "missing"]

    def test_faults_name_the_row_and_the_column(self) -> None:
        """All of an order's at once."""
        (message,) = read(HEADER + "1,a,x,1,2026-13-01,\n1,b,-2,y,,\n")
        assert {fault.path for fault in faulty(message).faults} == {
            "/2/Date", "/2/rows/0/Qty", "/2/rows/1/Qty", "/2/rows/1/Price",
        }  # fmt: skip

    def test_a_decimal_comma_is_no_point(self) -> None:
        """1.234,5 is a thousand and more; 1.5 is no number where a comma is the rule."""
        header = HEADER.replace(",", ";")
        (found,) = orders(read(header + "1;a;1.234,5;0,1234;;\n", 'delimiter = ";"\ndecimal = ","'))
        assert found.lines[0].quantities.ordered == "1234.5"
        (message,) = read(header + "1;a;1.5;1;;\n", 'delimiter = ";"\ndecimal = ","')
        assert "decimal comma" in faulty(message).faults[0].message
        (found,) = orders(read(HEADER + '1,a,"1,234.5",1,,\n'))
        assert found.lines[0].quantities.ordered == "1234.5"

    def test_a_cancellation_may_be_of_an_order_or_a_document_of_its_own(self) -> None:
        """By a prefix of the key, or a word in a column."""
        rule = '[table.cancelled]\ncolumn = "No"\nprefix = "C"\n'
        (own,) = orders(read(HEADER + "C7,a,1,1,2026-01-01,\n", rule))
        assert (own.id, own.status) == ("csv:main:C7", OrderStatus.CANCELLED)
        (message,) = read(HEADER + "C7,a,1,1,2026-01-01,\n", rule + 'of = "order"')
        assert isinstance(message.content, Amendment)
        assert (message.content.order, message.content.cancelled) == (
            "csv:main:7",
            "2026-01-01T00:00:00.000000Z",
        )
        (worded,) = orders(
            read(HEADER + "7,a,1,1,,void\n", '[table.cancelled]\ncolumn = "Shop"\nword = "void"')
        )
        assert worded.status is OrderStatus.CANCELLED


class TestFiles:
    """Encodings, quoting, workbooks, size."""

    @pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
    def test_each_encoding_is_read_as_told(self, encoding: str) -> None:
        """Never guessed: other bytes are a fault that names the encoding."""
        text = HEADER + '1,"Grün, ""2""\nzwei",1,1,,\n'
        (found,) = orders(read(text.encode(encoding), f'encoding = "{encoding}"'))
        assert found.lines[0].item.sku == 'Grün, "2"\nzwei'
        wrong = {"utf-8-sig": b"\xff", "utf-16": b"\xff\xfe\x00", "cp1252": b"\x81"}[encoding]
        (message,) = read(wrong + text.encode(encoding), f'encoding = "{encoding}"')
        assert faulty(message).faults[0].code is Code.UNREADABLE

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ("", Code.MISSING),
            (HEADER + '1,"a,1,1,,\n', Code.UNREADABLE),
            ("No,No,Sku,Qty,Price,Date\n", Code.CONTRADICTION),
            (HEADER + "x" * 2_000_000, Code.TOO_LARGE),
            (HEADER + "," * 3_000 + "\n", Code.TOO_LARGE),
            (HEADER + "1," + "x" * 200_000 + ",1,1,,\n", Code.UNREADABLE),
            (b"PK\x03\x04 and no workbook", Code.UNREADABLE),
        ],
    )
    def test_what_is_no_table_is_refused(self, body: str | bytes, code: Code) -> None:
        """With the reason, and the line where there is one."""
        *_, message = read(body)
        assert faulty(message).faults[0].code is code

    def test_a_workbook_is_a_table(self) -> None:
        """Numbers, dates and texts of cells; a sheet by its name."""
        names: list[object] = ["No", "Sku", "Qty", "Price", "Date", "Shop"]
        rows = [names, [7, "a", 2, 1.1, date(2026, 1, 2), None]]
        (found,) = orders(read(workbook(*rows)))
        assert (found.id, found.placed) == ("csv:main:7", "2026-01-02T00:00:00.000000Z")
        assert found.lines[0].unit_price is not None
        assert found.lines[0].unit_price.amount == Money(110, "EUR")
        (message,) = read(workbook(*rows), 'sheet = "Returns"')
        assert faulty(message).faults[0].code is Code.MISSING

    def test_bombs_are_refused_before_they_are_unpacked(self) -> None:
        """A part that unpacks to a thousand times its size; a row that says it is the 10**12th; entities in a sheet."""
        good = workbook(["No", "Sku", "Qty", "Price", "Date", "Shop"], ["7", "a", 1, 1, None, None])
        sheet = "xl/worksheets/sheet1.xml"
        laughs = b'<!DOCTYPE w [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>'

        def changed(old: bytes, new: bytes) -> bytes:
            file = io.BytesIO()
            with (
                zipfile.ZipFile(io.BytesIO(good)) as read_from,
                zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as write_to,
            ):
                for name in read_from.namelist():
                    data = read_from.read(name)
                    write_to.writestr(name, data.replace(old, new, 1) if name == sheet else data)
            return file.getvalue()

        for body in (
            changed(b"</sheetData>", b" " * 50_000_000 + b"</sheetData>"),
            changed(b'<row r="2"', b'<row r="1000000000000"'),
            changed(b"<worksheet", laughs + b"<worksheet"),
        ):
            *_, message = read(body)
            assert isinstance(message.content, Faulty), message.content

    @pytest.mark.parametrize("megabytes", [16, 1024])
    def test_memory_is_flat_whatever_the_size(self, tmp_path: Path, megabytes: int) -> None:
        """A mapped file is read row by row; a gigabyte takes no more than 16 megabytes do."""
        if megabytes > 100 and os.environ.get("ORDERTRAIL_SOAK") != "1":
            pytest.skip("a gigabyte; run by make soak")
        path = tmp_path / "orders.csv"
        filler = "y" * 60_000
        count = megabytes * 1024 * 1024 // 60_030
        with path.open("w") as table:
            table.write(HEADER)
            table.writelines(f"{number},a,1,1,,{filler}\n" for number in range(count))
        source = Source("csv", "main", options={"mapping": TABLE.format(table="window = 4")})
        tracemalloc.start()
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as body:
            delivery = Delivery(source, body, "", Way.FILE)  # type: ignore[arg-type] # a map is bytes-like
            assert sum(isinstance(one.content, Order) for one in Table().read(delivery)) == count
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 24_000_000


class TestMapping:
    """What [table] may say."""

    @pytest.mark.parametrize(
        "table",
        [
            "key = 7", 'encoding = "latin-9"', 'delimiter = ";;"', 'quote = "\\n"', "window = 0", "frob = 1",
            '[table.cancelled]\ncolumn = "No"', '[table.cancelled]\ncolumn = "Sku"\nprefix = "C"\nof = "order"',
            '[table.cancelled]\ncolumn = "No"\nprefix = "C"\nword = "x"', "[document]\nx = 1",
        ],
    )  # fmt: skip
    def test_what_is_wrong_is_named(self, table: str) -> None:
        """Before a row is read."""
        with pytest.raises(ConfigurationError, match=r"table|document"):
            read(HEADER, mapping=TABLE.format(table=table).replace('key = "No"\nkey', "key"))

    def test_a_source_without_a_mapping_and_one_with_places_within_columns(self) -> None:
        """A column has a name, and nothing in it."""
        with pytest.raises(ConfigurationError, match="no mapping"):
            list(Table().read(Delivery(Source("csv", "main"), b"", "", Way.FILE)))
        with pytest.raises(ConfigurationError, match="a column has a name"):
            read(HEADER, mapping=TABLE.format(table="").replace('"Date"', '"/Date/day"'))


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    mutated_bytes(
        [(HEADER + "1,a,1,1.5,2026-01-01,x\n1,b,2,3,,y\nC2,c,1,1,,\n").encode(), workbook(["No", "Sku"])]
    )
)
def test_whatever_comes_nothing_else_is_raised(body: bytes) -> None:
    """Changed tables are orders or faulty; the conformance suite holds of all of them."""
    with suppress(FaultyError):
        read(body, '[table.cancelled]\ncolumn = "No"\nprefix = "C"\n')
