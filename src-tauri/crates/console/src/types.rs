//! What the server says about a column: its type OID turned into a name, and whether it lines up to the right.
//!
//! OIDs are fixed by PostgreSQL (`pg_type.dat`) and by Amazon's drivers (`redshift_connector` `oids.py`, JDBC
//! `Oid.java`), so nothing is looked up in the catalogue, which Redshift has only in part.

use std::borrow::Cow;

/// A column of a result, as RowDescription tells it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Column {
    /// As the server named it; not unique, possibly empty. Bytes that are not UTF-8 were replaced.
    pub name: String,
    /// OID of its type.
    pub type_oid: u32,
    /// Bytes of a value, negative when they vary.
    pub type_size: i16,
    /// `varchar(n)`'s n + 4, `numeric(p,s)`'s `(p << 16 | s) + 4`; -1 when there is none.
    pub type_modifier: i32,
}

impl Column {
    /// `int8`, `varchar`, `super`; the OID in digits when it is not known here.
    pub fn type_name(&self) -> Cow<'static, str> {
        name(self.type_oid).map_or_else(|| Cow::Owned(self.type_oid.to_string()), Cow::Borrowed)
    }

    /// Whether values are numbers and are shown right-aligned.
    pub fn numeric(&self) -> bool {
        is_numeric(self.type_oid)
    }
}

/// `bool`: text form `t` or `f`.
pub const BOOL: u32 = 16;
/// `int8`.
pub const INT8: u32 = 20;
/// `int2`.
pub const INT2: u32 = 21;
/// `int4`.
pub const INT4: u32 = 23;
/// `text`.
pub const TEXT: u32 = 25;
/// `float4`.
pub const FLOAT4: u32 = 700;
/// `float8`.
pub const FLOAT8: u32 = 701;
/// `varchar`.
pub const VARCHAR: u32 = 1043;
/// `date`.
pub const DATE: u32 = 1082;
/// `time`, without a zone.
pub const TIME: u32 = 1083;
/// `timestamp`, without a zone.
pub const TIMESTAMP: u32 = 1114;
/// `timestamptz`: a moment, shown in the session's zone.
pub const TIMESTAMPTZ: u32 = 1184;
/// `numeric`.
pub const NUMERIC: u32 = 1700;
/// `super`, Redshift's JSON.
pub const SUPER: u32 = 4000;
/// `geometry`, sent as hexadecimal EWKB.
pub const GEOMETRY: u32 = 3000;
/// `varbyte`, sent as hexadecimal digits.
pub const VARBYTE: u32 = 6551;
/// PostgreSQL's `bytea`.
pub const BYTEA: u32 = 17;

/// Name of a type as SQL spells it, or `None` for one not listed here.
pub fn name(oid: u32) -> Option<&'static str> {
    let name = match oid {
        BOOL => "bool",
        BYTEA => "bytea",
        18 => "char",
        19 => "name",
        INT8 => "int8",
        INT2 => "int2",
        22 => "int2vector",
        INT4 => "int4",
        24 => "regproc",
        TEXT => "text",
        26 => "oid",
        27 => "tid",
        28 => "xid",
        29 => "cid",
        30 => "oidvector",
        114 => "json",
        142 => "xml",
        199 => "json[]",
        600 => "point",
        601 => "lseg",
        602 => "path",
        603 => "box",
        604 => "polygon",
        628 => "line",
        650 => "cidr",
        FLOAT4 => "float4",
        FLOAT8 => "float8",
        705 => "unknown",
        718 => "circle",
        774 => "macaddr8",
        790 => "money",
        829 => "macaddr",
        869 => "inet",
        1000 => "bool[]",
        1001 => "bytea[]",
        1002 => "char[]",
        1003 => "name[]",
        1005 => "int2[]",
        1007 => "int4[]",
        1009 => "text[]",
        1014 => "bpchar[]",
        1015 => "varchar[]",
        1016 => "int8[]",
        1021 => "float4[]",
        1022 => "float8[]",
        1028 => "oid[]",
        1033 => "aclitem",
        1034 => "aclitem[]",
        1042 => "bpchar",
        VARCHAR => "varchar",
        DATE => "date",
        TIME => "time",
        TIMESTAMP => "timestamp",
        1115 => "timestamp[]",
        1182 => "date[]",
        TIMESTAMPTZ => "timestamptz",
        1185 => "timestamptz[]",
        1186 => "interval",
        1188 => "interval year to month",
        1190 => "interval day to second",
        1231 => "numeric[]",
        1266 => "timetz",
        1560 => "bit",
        1562 => "varbit",
        NUMERIC => "numeric",
        1790 => "refcursor",
        2202 => "regprocedure",
        2205 => "regclass",
        2206 => "regtype",
        2249 => "record",
        2278 => "void",
        2935 => "hllsketch",
        2950 => "uuid",
        2951 => "uuid[]",
        GEOMETRY => "geometry",
        3001 => "geography",
        3220 => "pg_lsn",
        3802 => "jsonb",
        3807 => "jsonb[]",
        3904 => "int4range",
        3906 => "numrange",
        3908 => "tsrange",
        3910 => "tstzrange",
        3912 => "daterange",
        3926 => "int8range",
        3999 => "geometryhex",
        SUPER => "super",
        4600 => "useritem",
        4602 => "roleitem",
        VARBYTE => "varbyte",
        17329 => "cardinal_number",
        17331 => "character_data",
        17332 => "sql_identifier",
        17336 => "time_stamp",
        _ => return None,
    };
    Some(name)
}

/// Whether values of this type are numbers.
pub fn is_numeric(oid: u32) -> bool {
    // `oid`, `xid`, `cid`, `money` and the domain `cardinal_number` line up as numbers too, though they are none in JSON.
    is_json_number(oid) || matches!(oid, 26 | 28 | 29 | 790 | 17329)
}

/// Whether the text of a finite value of this type can stand in JSON as a number and mean the same.
pub(crate) fn is_json_number(oid: u32) -> bool {
    matches!(oid, INT2 | INT4 | INT8 | FLOAT4 | FLOAT8 | NUMERIC)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(type_oid: u32) -> Column {
        Column { name: "c".into(), type_oid, type_size: -1, type_modifier: -1 }
    }

    #[test]
    fn redshift_types_have_their_own_names() {
        let names = [4000, 3000, 3001, 2935, 6551, 1188, 1190].map(|oid| column(oid).type_name());
        assert_eq!(
            names,
            [
                "super",
                "geometry",
                "geography",
                "hllsketch",
                "varbyte",
                "interval year to month",
                "interval day to second"
            ]
        );
    }

    #[test]
    fn an_unknown_type_is_named_by_its_oid() {
        assert_eq!(column(987_654).type_name(), "987654");
        assert!(!column(987_654).numeric());
    }

    #[test]
    fn numbers_line_up_to_the_right_and_text_does_not() {
        assert!([INT2, INT4, INT8, FLOAT4, FLOAT8, NUMERIC, 26].iter().all(|&oid| is_numeric(oid)));
        assert!(![BOOL, TEXT, VARCHAR, 1082, 4000].iter().any(|&oid| is_numeric(oid)));
    }
}
