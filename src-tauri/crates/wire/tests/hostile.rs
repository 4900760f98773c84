//! No decoder panics, hangs or makes room for what was only announced, whatever the bytes.
#![allow(clippy::unwrap_used, reason = "tests")]

use bytes::BytesMut;
use postern_wire::backend::BackendMessage;
use postern_wire::frontend::{Bind, FrontendMessage, Password, SaslInitialResponse, SaslResponse};
use postern_wire::startup::StartupPacket;
use postern_wire::{Header, take_frame};
use proptest::prelude::*;

/// Bytes that look like messages more often than chance: small numbers, zero bytes and letters.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![4 => Just(0_u8), 2 => 1_u8..8, 2 => b'A'..=b'z', 1 => Just(0xff), 1 => any::<u8>()];
    proptest::collection::vec(byte, 0..200)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_body_of_any_bytes_is_decoded_or_refused(tag in any::<u8>(), body in bytes()) {
        let _ = FrontendMessage::decode(tag, &body);
        if let Ok(BackendMessage::DataRow(row)) = BackendMessage::decode(tag, &body) {
            prop_assert_eq!(row.cells().count(), row.len());
        }
        let _ = Bind::decode_beginning(&body);
        let _ = Password::decode(&body);
        let _ = SaslInitialResponse::decode(&body);
        let _ = SaslResponse::decode(&body);
    }

    #[test]
    fn every_tag_is_decoded_or_refused(body in bytes()) {
        for tag in 0..=u8::MAX {
            let _ = FrontendMessage::decode(tag, &body);
            let _ = BackendMessage::decode(tag, &body);
        }
    }

    #[test]
    fn a_stream_of_any_bytes_is_cut_into_frames_or_refused(stream in bytes()) {
        let mut buffer = BytesMut::from(&stream[..]);
        let mut taken = 0;
        while let Ok(Some(frame)) = take_frame(&mut buffer, 1000) {
            taken += Header::SIZE + frame.body.len();
        }
        prop_assert_eq!(taken + buffer.len(), stream.len());
        prop_assert!(buffer.capacity() < 4096);
    }

    #[test]
    fn start_up_packets_of_any_bytes_are_taken_or_refused(stream in bytes()) {
        let mut buffer = BytesMut::from(&stream[..]);
        while let Ok(Some(packet)) = StartupPacket::take(&mut buffer) {
            let mut again = BytesMut::new();
            packet.encode(&mut again).unwrap();
            prop_assert_eq!(StartupPacket::take(&mut again).unwrap(), Some(packet));
        }
        prop_assert!(buffer.capacity() < 64 * 1024);
    }
}
