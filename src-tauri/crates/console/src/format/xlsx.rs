//! A spreadsheet, written straight into its zip: no sheet is ever in memory, and no file beside it.
//!
//! A number is a number where a spreadsheet keeps it to the last digit, and text elsewhere: an integer or a decimal with
//! at most fifteen significant digits, and every finite float, which is what a spreadsheet calculates with. A date from
//! March 1900 on is a date. Everything else is text as the server wrote it, since a spreadsheet has only milliseconds and
//! no zones. NULL is an empty cell; an empty text is a text. A text that is longer than a cell may be ends the writing.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use zip::result::ZipError;
use zip::write::{SimpleFileOptions, StreamWriter, ZipWriter};

use super::{Cell, Format, Layout, LayoutError, WriteError, value};
use crate::types::{self, Column};

/// Rows of a sheet, heading included.
const SHEET_ROWS: u32 = 1_048_576;

/// Columns of a sheet.
const SHEET_COLUMNS: usize = 16_384;

/// UTF-16 units of a cell.
const CELL_UNITS: usize = 32_767;

/// Bytes of a sheet's XML. Beyond 4 GiB a zip needs marks that Excel offers to repair.
const SHEET_BYTES: u64 = 3_500_000_000;

/// Days from 1899-12-30, where a spreadsheet's count begins for all dates since March 1900, to 1970-01-01.
const EPOCH: i32 = 25_569;

/// 1900-03-01 and 9999-12-31 in days since 1970: before, spreadsheets believe in a 29 February 1900.
const DATES: std::ops::RangeInclusive<i32> = -25_508..=2_932_896;

/// Styles of `styles.xml`: as it is, bold, a whole number, a date; then one for each number of decimals.
const BOLD: usize = 1;
const WHOLE: usize = 2;
const DATE: usize = 3;
const DECIMALS: usize = 4;

/// Text into memory, which always takes it.
macro_rules! put {
    ($line:expr, $($text:tt)*) => { { let _ = write!($line, $($text)*); } };
}
pub(super) struct Xlsx {
    sheet_rows: u32,
    tray: Tray,
    zip: Option<ZipWriter<StreamWriter<Tray>>>,
    columns: Vec<SheetColumn>,
    /// Numbers of decimals that have a style.
    decimals: Vec<i32>,
    sheets: usize,
    /// Row of the sheet at hand that was written last, from 1.
    row: u32,
    /// Bytes of its XML.
    bytes: u64,
    line: String,
}

struct SheetColumn {
    name: String,
    /// `A`, `B`, … `XFD`.
    letters: String,
    type_oid: u32,
    style: usize,
}

/// Takes what the zip writes, until the layout hands it on.
#[derive(Clone, Default)]
struct Tray(Arc<Mutex<Vec<u8>>>);

impl Write for Tray {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Tray {
    fn empty_into(&self, out: &mut Vec<u8>) {
        out.append(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Layout for Xlsx {
    fn begin(&mut self, columns: &[&Column], _out: &mut Vec<u8>) -> Result<(), WriteError> {
        if self.sheets > 0 {
            return Err(WriteError::SecondResult(Format::Xlsx));
        }
        if columns.is_empty() {
            return Err(WriteError::NoColumns(Format::Xlsx));
        }
        if columns.len() > SHEET_COLUMNS {
            let (format, limit) = (Format::Xlsx, SHEET_COLUMNS);
            return Err(WriteError::TooManyColumns { format, limit, columns: columns.len() });
        }
        for (index, column) in columns.iter().enumerate() {
            let style = self.style_of(column);
            let (name, type_oid) = (column.name.clone(), column.type_oid);
            self.columns.push(SheetColumn { name, letters: letters(index), type_oid, style });
        }
        self.zip = Some(ZipWriter::new_stream(self.tray.clone()));
        self.begin_sheet()
    }

    fn row(&mut self, cells: &[Cell<'_>], out: &mut Vec<u8>) -> Result<(), LayoutError> {
        if self.row == self.sheet_rows || self.bytes >= SHEET_BYTES {
            self.end_sheet()?;
            self.begin_sheet()?;
        }
        self.row += 1;
        self.line.clear();
        put!(self.line, "<row r=\"{}\">", self.row);
        for (index, (column, cell)) in self.columns.iter().zip(cells).enumerate() {
            if let Some(cell) = cell {
                put_cell(column, self.row, cell, &mut self.line)
                    .map_err(|reason| LayoutError::Misfit(index, reason))?;
            }
        }
        self.line.push_str("</row>");
        self.write_line()?;
        self.tray.empty_into(out);
        Ok(())
    }

    fn end(&mut self, out: &mut Vec<u8>) -> Result<(), LayoutError> {
        self.end_sheet()?;
        self.put_frame()?;
        if let Some(zip) = self.zip.take() {
            zip.finish().map_err(failed)?;
        }
        self.tray.empty_into(out);
        Ok(())
    }
}

impl Default for Xlsx {
    fn default() -> Self {
        Self::with_sheets_of(SHEET_ROWS)
    }
}

impl Xlsx {
    /// Sheets of so many rows, heading included.
    fn with_sheets_of(sheet_rows: u32) -> Self {
        Self {
            sheet_rows,
            tray: Tray::default(),
            zip: None,
            columns: Vec::new(),
            decimals: Vec::new(),
            sheets: 0,
            row: 0,
            bytes: 0,
            line: String::new(),
        }
    }

    fn style_of(&mut self, column: &Column) -> usize {
        match column.type_oid {
            types::INT2 | types::INT4 | types::INT8 => WHOLE,
            types::DATE => DATE,
            types::NUMERIC => match super::kind::numeric_of(column.type_modifier) {
                Some((_, scale)) if scale > 0 && scale <= 30 => {
                    let known = self.decimals.iter().position(|decimals| *decimals == scale);
                    DECIMALS
                        + known.unwrap_or_else(|| {
                            self.decimals.push(scale);
                            self.decimals.len() - 1
                        })
                }
                Some(_) => WHOLE,
                None => 0,
            },
            _ => 0,
        }
    }

    fn begin_sheet(&mut self) -> Result<(), WriteError> {
        self.sheets += 1;
        (self.row, self.bytes) = (1, 0);
        self.begin_file(&format!("xl/worksheets/sheet{}.xml", self.sheets))?;
        self.line.clear();
        let selected = if self.sheets == 1 { " tabSelected=\"1\"" } else { "" };
        put!(
            self.line,
            "{XML}<worksheet xmlns=\"{MAIN}\"><sheetViews><sheetView{selected} workbookViewId=\"0\"><pane ySplit=\"1\" \
             topLeftCell=\"A2\" activePane=\"bottomLeft\" state=\"frozen\"/></sheetView></sheetViews><sheetData><row r=\"1\">"
        );
        for column in &self.columns {
            put!(self.line, "<c r=\"{}1\" s=\"{BOLD}\" t=\"inlineStr\"><is><t xml:space=\"preserve\">", column.letters);
            put_escaped(&column.name, &mut self.line);
            self.line.push_str("</t></is></c>");
        }
        self.line.push_str("</row>");
        self.write_line()
    }

    fn end_sheet(&mut self) -> Result<(), WriteError> {
        self.line.clear();
        self.line.push_str("</sheetData></worksheet>");
        self.write_line()
    }

    /// What names the sheets and the styles. They come last, when it is known how many there are.
    fn put_frame(&mut self) -> Result<(), WriteError> {
        let of_each = |text: &dyn Fn(usize) -> String| (1..=self.sheets).map(text).collect::<String>();
        let sheets =
            of_each(&|number| format!("<sheet name=\"Sheet{number}\" sheetId=\"{number}\" r:id=\"rId{number}\"/>"));
        let links = of_each(&|number| {
            format!(
                "<Relationship Id=\"rId{number}\" Type=\"{REL}/worksheet\" Target=\"worksheets/sheet{number}.xml\"/>"
            )
        });
        let parts = of_each(&|number| {
            format!("<Override PartName=\"/xl/worksheets/sheet{number}.xml\" ContentType=\"{KIND}.worksheet+xml\"/>")
        });
        let styles_link = self.sheets + 1;
        let files = [
            (
                "xl/workbook.xml",
                format!("{XML}<workbook xmlns=\"{MAIN}\" xmlns:r=\"{REL}\"><sheets>{sheets}</sheets></workbook>"),
            ),
            (
                "xl/_rels/workbook.xml.rels",
                format!(
                    "{XML}<Relationships xmlns=\"{PACKAGE}\">{links}<Relationship Id=\"rId{styles_link}\" \
                     Type=\"{REL}/styles\" Target=\"styles.xml\"/></Relationships>"
                ),
            ),
            ("xl/styles.xml", self.styles()),
            (
                "_rels/.rels",
                format!(
                    "{XML}<Relationships xmlns=\"{PACKAGE}\"><Relationship Id=\"rId1\" Type=\"{REL}/officeDocument\" \
                     Target=\"xl/workbook.xml\"/></Relationships>"
                ),
            ),
            (
                "[Content_Types].xml",
                format!(
                    "{XML}<Types xmlns=\"{TYPES}\"><Default Extension=\"rels\" \
                     ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/><Default Extension=\"xml\" \
                     ContentType=\"application/xml\"/><Override PartName=\"/xl/workbook.xml\" \
                     ContentType=\"{KIND}.sheet.main+xml\"/>{parts}<Override PartName=\"/xl/styles.xml\" \
                     ContentType=\"{KIND}.styles+xml\"/></Types>"
                ),
            ),
        ];
        for (name, text) in files {
            self.begin_file(name)?;
            self.line = text;
            self.write_line()?;
        }
        Ok(())
    }

    fn styles(&self) -> String {
        let mut formats = String::new();
        let mut cells = String::new();
        let first_own = 164;
        for (index, decimals) in self.decimals.iter().enumerate() {
            let id = first_own + 1 + index;
            put!(formats, "<numFmt numFmtId=\"{id}\" formatCode=\"0.{}\"/>", "0".repeat(*decimals as usize));
            put!(
                cells,
                "<xf numFmtId=\"{id}\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyNumberFormat=\"1\"/>"
            );
        }
        let font = "<sz val=\"11\"/><name val=\"Calibri\"/><family val=\"2\"/>";
        format!(
            "{XML}<styleSheet xmlns=\"{MAIN}\"><numFmts count=\"{}\"><numFmt numFmtId=\"{first_own}\" \
             formatCode=\"yyyy\\-mm\\-dd\"/>{formats}</numFmts><fonts count=\"2\"><font>{font}</font><font><b/>{font}</font>\
             </fonts><fills count=\"2\"><fill><patternFill patternType=\"none\"/></fill><fill><patternFill \
             patternType=\"gray125\"/></fill></fills><borders count=\"1\"><border><left/><right/><top/><bottom/><diagonal/>\
             </border></borders><cellStyleXfs count=\"1\"><xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\"/>\
             </cellStyleXfs><cellXfs count=\"{}\"><xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\"/>\
             <xf numFmtId=\"0\" fontId=\"1\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyFont=\"1\"/><xf numFmtId=\"1\" \
             fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyNumberFormat=\"1\"/><xf numFmtId=\"{first_own}\" \
             fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyNumberFormat=\"1\"/>{cells}</cellXfs><cellStyles \
             count=\"1\"><cellStyle name=\"Normal\" xfId=\"0\" builtinId=\"0\"/></cellStyles></styleSheet>",
            self.decimals.len() + 1,
            self.decimals.len() + DECIMALS,
        )
    }

    fn begin_file(&mut self, name: &str) -> Result<(), WriteError> {
        // The fast end of deflate: ten million rows are a minute at the other.
        let options = SimpleFileOptions::default().compression_level(Some(2));
        match &mut self.zip {
            Some(zip) => zip.start_file(name, options).map_err(failed),
            None => Ok(()),
        }
    }

    fn write_line(&mut self) -> Result<(), WriteError> {
        self.bytes += self.line.len() as u64;
        if let Some(zip) = &mut self.zip {
            zip.write_all(self.line.as_bytes()).map_err(|error| failed(error.into()))?;
        }
        Ok(())
    }
}

const XML: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const REL: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
const TYPES: &str = "http://schemas.openxmlformats.org/package/2006/content-types";
const KIND: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml";

/// `A` to `Z`, `AA` to `ZZ`, `AAA` on.
fn letters(index: usize) -> String {
    let mut number = index + 1;
    let mut letters = Vec::new();
    while number > 0 {
        number -= 1;
        letters.push(char::from(b'A' + u8::try_from(number % 26).unwrap_or(0)));
        number /= 26;
    }
    letters.iter().rev().collect()
}

fn put_cell(column: &SheetColumn, row: u32, cell: &[u8], line: &mut String) -> Result<(), value::Reason> {
    let text = value::text(cell)?;
    let SheetColumn { letters, style, .. } = column;
    match column.type_oid {
        types::BOOL => {
            let value = u8::from(value::boolean(cell)?);
            put!(line, "<c r=\"{letters}{row}\" t=\"b\"><v>{value}</v></c>");
            return Ok(());
        }
        types::DATE => {
            if let Some(days) = value::date(cell).ok().filter(|days| DATES.contains(days)) {
                put!(line, "<c r=\"{letters}{row}\" s=\"{style}\"><v>{}</v></c>", days + EPOCH);
                return Ok(());
            }
        }
        oid if types::is_json_number(oid) && is_exact(oid, text) => {
            put!(line, "<c r=\"{letters}{row}\" s=\"{style}\"><v>{text}</v></c>");
            return Ok(());
        }
        _ => {}
    }
    if text.len() > CELL_UNITS && text.encode_utf16().count() > CELL_UNITS {
        return Err(value::Reason::TooLong);
    }
    put!(line, "<c r=\"{letters}{row}\" t=\"inlineStr\"><is><t xml:space=\"preserve\">");
    put_escaped(text, line);
    line.push_str("</t></is></c>");
    Ok(())
}

/// Whether a spreadsheet, which has double floats between these bounds, reads this number as what it is.
fn is_exact(type_oid: u32, text: &str) -> bool {
    let within = |value: f64| value == 0.0 || (1e-300..1e300).contains(&value.abs());
    if !text.parse().is_ok_and(within) || text.bytes().any(|byte| byte.is_ascii_alphabetic() && byte != b'e') {
        return false;
    }
    if matches!(type_oid, types::FLOAT4 | types::FLOAT8) {
        return true;
    }
    let digits = text.bytes().filter(u8::is_ascii_digit);
    let leading = digits.skip_while(|digit| *digit == b'0').collect::<Vec<_>>();
    let trailing = leading.iter().rev().take_while(|digit| **digit == b'0').count();
    leading.len() - trailing <= 15
}

/// XML has no control characters: they are written as `_x000D_`, and what looks like that gets its underscore so.
fn put_escaped(text: &str, line: &mut String) {
    for (at, character) in text.char_indices() {
        match character {
            '&' => line.push_str("&amp;"),
            '<' => line.push_str("&lt;"),
            '>' => line.push_str("&gt;"),
            '\t' | '\n' => line.push(character),
            '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}' => put!(line, "_x{:04X}_", u32::from(character)),
            '_' if is_escape(&text.as_bytes()[at..]) => line.push_str("_x005F_"),
            _ => line.push(character),
        }
    }
}

fn is_escape(text: &[u8]) -> bool {
    matches!(text, [b'_', b'x', a, b, c, d, b'_', ..] if [a, b, c, d].iter().all(|digit| digit.is_ascii_hexdigit()))
}

fn failed(error: ZipError) -> WriteError {
    WriteError::Library { format: Format::Xlsx, reason: error.to_string() }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn a_full_sheet_is_followed_by_another_with_the_same_heading() {
        let column = Column { name: "n".into(), type_oid: types::INT4, type_size: 4, type_modifier: -1 };
        let (mut xlsx, mut out) = (Xlsx::with_sheets_of(3), Vec::new());
        xlsx.begin(&[&column], &mut out).unwrap();
        for number in 1..=5 {
            assert!(xlsx.row(&[Some(number.to_string().as_bytes())], &mut out).is_ok());
        }
        assert!(xlsx.end(&mut out).is_ok());
        let mut archive = zip::ZipArchive::new(io::Cursor::new(out)).unwrap();
        let mut sheet = |number: usize| {
            let mut text = String::new();
            let mut file = archive.by_name(&format!("xl/worksheets/sheet{number}.xml")).unwrap();
            file.read_to_string(&mut text).unwrap();
            text
        };
        let values = |text: &str| text.matches("<v>").count();
        assert_eq!([1, 2, 3].map(|number| values(&sheet(number))), [2, 2, 1]);
        assert!(
            (1..=3).all(|number| sheet(number).contains(">n</t>")) && sheet(3).contains("<c r=\"A2\" s=\"2\"><v>5</v>")
        );
    }

    #[test]
    fn columns_have_letters() {
        assert_eq!([0, 25, 26, 701, 702, 16_383].map(letters), ["A", "Z", "AA", "ZZ", "AAA", "XFD"]);
    }

    #[test]
    fn only_what_a_double_holds_to_the_last_digit_is_a_number() {
        let numeric = |text: &str| is_exact(types::NUMERIC, text);
        for text in ["0", "-0.50", "123456789012345", "12345678901234500000", "0.000123456789012345"] {
            assert!(numeric(text), "{text}");
        }
        let huge = "9".repeat(400);
        for text in ["1234567890123456", "0.1234567890123456", "NaN", "Infinity", "inf", huge.as_str(), "1-2"] {
            assert!(!numeric(text), "{text}");
        }
        assert!(is_exact(types::FLOAT8, "0.30000000000000004") && is_exact(types::FLOAT8, "1e+20"));
        assert!(!is_exact(types::FLOAT8, "1e+308") && !is_exact(types::FLOAT8, "-Infinity"));
    }

    #[test]
    fn what_xml_cannot_hold_is_escaped_and_what_looks_like_it_too() {
        let mut line = String::new();
        put_escaped("<a & b>\r\n\x01 _x000D_ _y_ _x12", &mut line);
        assert_eq!(line, "&lt;a &amp; b&gt;_x000D_\n_x0001_ _x005F_x000D_ _y_ _x12");
    }
}
