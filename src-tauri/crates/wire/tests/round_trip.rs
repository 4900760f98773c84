//! Every message of both directions, with any values it can hold, comes back from the wire as it went, and is one frame there.
#![allow(clippy::unwrap_used, reason = "tests")]

use bytes::BytesMut;
use postern_wire::backend::{
    Authentication, BackendKeyData, BackendMessage, Column, CommandComplete, CopyDirection, CopyResponse, DataRow,
    Empty as BackendEmpty, NegotiateProtocolVersion, NotificationResponse, ParameterDescription, ParameterStatus,
    ReadyForQuery, RowDescription, TransactionStatus,
};
use postern_wire::frontend::{
    Bind, BindParameter, Close, CopyFail, Describe, Empty, Execute, FrontendMessage, Parse, Password, Query,
    SaslInitialResponse, SaslResponse, Target,
};
use postern_wire::startup::{StartupMessage, StartupPacket};
use postern_wire::{CancelKey, CopyData, CopyDone, EncodeError, ErrorResponse, Format, Frame, take_frame};
use proptest::collection::vec;
use proptest::prelude::*;
use secrecy::ExposeSecret;

/// Text as the wire can carry it: anything but a zero byte.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![4 => "\\PC{0,12}", 1 => "[^\\x00]{0,40}"]
}

fn name() -> impl Strategy<Value = String> {
    "[^\\x00]{1,12}"
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..40)
}

fn value() -> impl Strategy<Value = Option<Vec<u8>>> {
    prop::option::of(bytes())
}

fn format() -> impl Strategy<Value = Format> {
    prop_oneof![Just(Format::Text), Just(Format::Binary)]
}

/// The one frame that `encode` makes, behind what was in the buffer before.
fn frame(encode: impl FnOnce(&mut BytesMut) -> Result<(), EncodeError>) -> Frame {
    let mut out = BytesMut::from(&b"before"[..]);
    encode(&mut out).unwrap();
    let mut own = out.split_off(6);
    assert_eq!(&out[..], b"before");
    let frame = take_frame(&mut own, usize::MAX).unwrap().unwrap();
    assert!(own.is_empty());
    frame
}

/// Sends a message and reads it back as a client's.
fn to_server(sent: &FrontendMessage<'_>, encode: impl FnOnce(&mut BytesMut) -> Result<(), EncodeError>) {
    let frame = frame(encode);
    assert_eq!(&FrontendMessage::decode(frame.tag, &frame.body).unwrap(), sent);
}

/// Sends a message and reads it back as a server's.
fn to_client(sent: &BackendMessage<'_>, encode: impl FnOnce(&mut BytesMut) -> Result<(), EncodeError>) {
    let frame = frame(encode);
    assert_eq!(&BackendMessage::decode(frame.tag, &frame.body).unwrap(), sent);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn start_up_messages(minor in 0_u32..9, parameters in vec((name(), text()), 0..8)) {
        let message = StartupMessage { version: 0x3_0000 | minor, parameters };
        let mut out = BytesMut::new();
        StartupPacket::Startup(message.clone()).encode(&mut out).unwrap();
        prop_assert_eq!(StartupPacket::take(&mut out), Ok(Some(StartupPacket::Startup(message))));
        prop_assert!(out.is_empty());
    }

    #[test]
    fn cancel_requests_and_keys(pid in any::<i32>(), secret in vec(any::<u8>(), 4..=256)) {
        let key = CancelKey::new(pid, secret);
        let mut out = BytesMut::new();
        StartupPacket::CancelRequest(key.clone()).encode(&mut out).unwrap();
        prop_assert_eq!(StartupPacket::take(&mut out), Ok(Some(StartupPacket::CancelRequest(key.clone()))));

        let data = BackendKeyData { key };
        to_client(&BackendMessage::BackendKeyData(data.clone()), |out| data.encode(out));
    }

    #[test]
    fn answers_to_authentication(secret in vec(1_u8.., 0..40), mechanism in text(), data in value(), more in bytes()) {
        let sent = frame(|out| Password::new(secret.clone()).encode(out));
        let password = Password::decode(&sent.body).unwrap();
        prop_assert_eq!(password.secret.expose_secret(), &secret[..]);
        let first = SaslInitialResponse { mechanism: &mechanism, data: data.as_deref() };
        let sent = frame(|out| first.encode(out));
        prop_assert_eq!(SaslInitialResponse::decode(&sent.body), Ok(first));
        let next = SaslResponse { data: &more };
        let sent = frame(|out| next.encode(out));
        prop_assert_eq!(SaslResponse::decode(&sent.body), next);
    }

    #[test]
    fn statements_as_text(sql in text()) {
        let message = Query::new(&sql);
        to_server(&FrontendMessage::Query(message.clone()), |out| message.encode(out));
    }

    #[test]
    fn prepared_statements(name in text(), sql in text(), types in vec(any::<u32>(), 0..8)) {
        let message = Parse { name: name.into(), sql: sql.into(), types };
        to_server(&FrontendMessage::Parse(message.clone()), |out| message.encode(out));
    }

    #[test]
    fn bound_parameters(
        portal in text(),
        statement in text(),
        values in vec((format(), value()), 0..8),
        results in vec(format(), 0..8),
    ) {
        let parameters = values.iter().map(|(format, value)| BindParameter { format: *format, value: value.as_deref() });
        let parameters = parameters.collect();
        let message = Bind { portal: portal.into(), statement: statement.into(), parameters, results };
        to_server(&FrontendMessage::Bind(message.clone()), |out| message.encode(out));
    }

    #[test]
    fn portals_and_statements(name in text(), is_portal in any::<bool>(), max_rows in any::<i32>()) {
        let name = std::borrow::Cow::from(name);
        let target = if is_portal { Target::Portal(name.clone()) } else { Target::Statement(name.clone()) };
        let describe = Describe { target: target.clone() };
        to_server(&FrontendMessage::Describe(describe.clone()), |out| describe.encode(out));
        let close = Close { target };
        to_server(&FrontendMessage::Close(close.clone()), |out| close.encode(out));
        let execute = Execute { portal: name, max_rows };
        to_server(&FrontendMessage::Execute(execute.clone()), |out| execute.encode(out));
    }

    #[test]
    fn copies_both_ways(
        data in bytes(),
        reason in text(),
        format in format(),
        columns in vec(format(), 0..8),
        direction in prop_oneof![Just(CopyDirection::In), Just(CopyDirection::Out), Just(CopyDirection::Both)],
    ) {
        let piece = CopyData { data: &data };
        to_server(&FrontendMessage::CopyData(piece.clone()), |out| piece.encode(out));
        to_client(&BackendMessage::CopyData(piece.clone()), |out| piece.encode(out));
        let fail = CopyFail { reason: reason.into() };
        to_server(&FrontendMessage::CopyFail(fail.clone()), |out| fail.encode(out));
        let response = CopyResponse { direction, format, columns };
        to_client(&BackendMessage::CopyResponse(response.clone()), |out| response.encode(out));
    }

    #[test]
    fn steps_of_logging_in(
        salt in any::<[u8; 4]>(),
        mechanisms in vec(name(), 0..4),
        data in bytes(),
        code in any::<i32>().prop_filter("a known step", |code| ![0, 3, 5, 10, 11, 12].contains(code)),
    ) {
        for step in [
            Authentication::Ok,
            Authentication::CleartextPassword,
            Authentication::Md5Password { salt },
            Authentication::Sasl { mechanisms: mechanisms.iter().map(String::as_str).collect() },
            Authentication::SaslContinue { data: &data },
            Authentication::SaslFinal { data: &data },
            Authentication::Other { code },
        ] {
            to_client(&BackendMessage::Authentication(step.clone()), |out| step.encode(out));
        }
    }

    #[test]
    fn settings_and_versions(name in text(), value in text(), version in any::<u32>(), options in vec(text(), 0..5)) {
        let status = ParameterStatus::new(name, value);
        to_client(&BackendMessage::ParameterStatus(status.clone()), |out| status.encode(out));
        let negotiate = NegotiateProtocolVersion { version, unrecognized: options };
        to_client(&BackendMessage::NegotiateProtocolVersion(negotiate.clone()), |out| negotiate.encode(out));
    }

    #[test]
    fn errors_and_notices(fields in vec((1_u8.., text()), 0..8)) {
        let message = ErrorResponse { fields };
        to_client(&BackendMessage::ErrorResponse(message.clone()), |out| { message.encode(out); Ok(()) });
        to_client(&BackendMessage::NoticeResponse(message.clone()), |out| { message.encode_notice(out); Ok(()) });
    }

    #[test]
    fn columns(columns in vec(column(), 0..6), types in vec(any::<u32>(), 0..8)) {
        let rows = RowDescription { columns };
        to_client(&BackendMessage::RowDescription(rows.clone()), |out| rows.encode(out));
        let parameters = ParameterDescription { types };
        to_client(&BackendMessage::ParameterDescription(parameters.clone()), |out| parameters.encode(out));
    }

    #[test]
    fn rows(cells in vec(value(), 0..12)) {
        let sent = frame(|out| DataRow::encode(cells.iter().map(Option::as_deref), out));
        let row = DataRow::decode(&sent.body).unwrap();
        prop_assert_eq!((sent.tag, row.len()), (DataRow::TAG, cells.len()));
        prop_assert!(row.cells().eq(cells.iter().map(Option::as_deref)));
    }

    #[test]
    fn ends_of_statements(command in text(), pid in any::<i32>(), channel in text(), payload in text()) {
        let complete = CommandComplete::new(command);
        to_client(&BackendMessage::CommandComplete(complete.clone()), |out| complete.encode(out));
        let notification = NotificationResponse { pid, channel: channel.into(), payload: payload.into() };
        to_client(&BackendMessage::NotificationResponse(notification.clone()), |out| notification.encode(out));
    }

    #[test]
    fn a_text_with_a_zero_byte_is_refused_and_leaves_nothing_behind(before in text(), after in text()) {
        let bad = format!("{before}\0{after}");
        let mut out = BytesMut::new();
        prop_assert!(Query::new(&bad).encode(&mut out).is_err());
        let parse = Parse { name: "".into(), sql: bad.clone().into(), types: vec![1] };
        prop_assert!(parse.encode(&mut out).is_err());
        prop_assert!(ParameterStatus::new("a", &bad).encode(&mut out).is_err());
        prop_assert!(StartupPacket::Startup(StartupMessage::new([("user", bad.as_str())])).encode(&mut out).is_err());
        prop_assert!(out.is_empty());
    }
}

fn column() -> impl Strategy<Value = Column> {
    let numbers = (any::<u32>(), any::<i16>(), any::<u32>(), any::<i16>(), any::<i32>());
    (text(), numbers, format()).prop_map(|(name, (table, attribute, type_oid, type_size, type_modifier), format)| {
        Column { name, table, attribute, type_oid, type_size, type_modifier, format }
    })
}

#[test]
fn messages_that_hold_nothing_or_one_of_a_few_values() {
    for message in Empty::ALL {
        to_server(&FrontendMessage::Empty(message), |out| {
            message.encode(out);
            Ok(())
        });
    }
    for message in BackendEmpty::ALL {
        to_client(&BackendMessage::Empty(message), |out| {
            message.encode(out);
            Ok(())
        });
    }
    for status in [TransactionStatus::Idle, TransactionStatus::InTransaction, TransactionStatus::Failed] {
        to_client(&BackendMessage::ReadyForQuery(ReadyForQuery { status }), |out| {
            ReadyForQuery { status }.encode(out);
            Ok(())
        });
    }
    let done = |out: &mut BytesMut| {
        CopyDone.encode(out);
        Ok(())
    };
    to_server(&FrontendMessage::CopyDone(CopyDone), done);
    to_client(&BackendMessage::CopyDone(CopyDone), done);
}
