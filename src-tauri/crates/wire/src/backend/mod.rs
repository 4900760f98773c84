//! Messages from server to client.

pub mod authentication;
pub mod command_complete;
pub mod copy_response;
pub mod data_row;
pub mod empty;
pub mod error_response;
pub mod key_data;
pub mod negotiate;
pub mod notification;
pub mod parameter_description;
pub mod parameter_status;
pub mod ready_for_query;
pub mod row_description;

pub use authentication::Authentication;
pub use command_complete::CommandComplete;
pub use copy_response::{CopyDirection, CopyResponse};
pub use data_row::{Cells, DataRow};
pub use empty::Empty;
pub use error_response::{ErrorResponse, Severity};
pub use key_data::BackendKeyData;
pub use negotiate::NegotiateProtocolVersion;
pub use notification::NotificationResponse;
pub use parameter_description::ParameterDescription;
pub use parameter_status::ParameterStatus;
pub use ready_for_query::{ReadyForQuery, TransactionStatus};
pub use row_description::{Column, RowDescription};

use crate::{CopyData, CopyDone, DecodeError};

/// Any message from the server.
#[derive(Clone, Debug, PartialEq)]
pub enum BackendMessage<'a> {
    /// A step of logging in.
    Authentication(Authentication<'a>),
    /// How to cancel this session.
    BackendKeyData(BackendKeyData),
    /// A statement is done.
    CommandComplete(CommandComplete<'a>),
    /// A piece of COPY TO.
    CopyData(CopyData<'a>),
    /// COPY TO is done.
    CopyDone(CopyDone),
    /// A COPY begins.
    CopyResponse(CopyResponse),
    /// A row.
    DataRow(DataRow<'a>),
    /// One of those that say only that they came.
    Empty(Empty),
    /// A statement or the session failed.
    ErrorResponse(ErrorResponse),
    /// Which version the server speaks.
    NegotiateProtocolVersion(NegotiateProtocolVersion),
    /// A remark, never an end.
    NoticeResponse(ErrorResponse),
    /// From NOTIFY.
    NotificationResponse(NotificationResponse<'a>),
    /// Types of a prepared statement's parameters.
    ParameterDescription(ParameterDescription),
    /// A setting and its value.
    ParameterStatus(ParameterStatus<'a>),
    /// The next statement may come.
    ReadyForQuery(ReadyForQuery),
    /// Columns of the rows that follow.
    RowDescription(RowDescription),
    /// A tag this crate has no name for.
    Other {
        /// The tag.
        tag: u8,
        /// The body as it came.
        body: &'a [u8],
    },
}

impl<'a> BackendMessage<'a> {
    /// Reads a frame, borrowing from its body.
    ///
    /// # Errors
    /// When the body is not laid out as the tag promises.
    pub fn decode(tag: u8, body: &'a [u8]) -> Result<Self, DecodeError> {
        Ok(match tag {
            Authentication::TAG => Self::Authentication(Authentication::decode(body)?),
            BackendKeyData::TAG => Self::BackendKeyData(BackendKeyData::decode(body)?),
            CommandComplete::TAG => Self::CommandComplete(CommandComplete::decode(body)?),
            CopyData::TAG => Self::CopyData(CopyData::decode(body)),
            CopyDone::TAG => Self::CopyDone(CopyDone::decode(body)?),
            DataRow::TAG => Self::DataRow(DataRow::decode(body)?),
            ErrorResponse::TAG => Self::ErrorResponse(ErrorResponse::decode(body)?),
            ErrorResponse::NOTICE_TAG => Self::NoticeResponse(ErrorResponse::decode(body)?),
            NegotiateProtocolVersion::TAG => Self::NegotiateProtocolVersion(NegotiateProtocolVersion::decode(body)?),
            NotificationResponse::TAG => Self::NotificationResponse(NotificationResponse::decode(body)?),
            ParameterDescription::TAG => Self::ParameterDescription(ParameterDescription::decode(body)?),
            ParameterStatus::TAG => Self::ParameterStatus(ParameterStatus::decode(body)?),
            ReadyForQuery::TAG => Self::ReadyForQuery(ReadyForQuery::decode(body)?),
            RowDescription::TAG => Self::RowDescription(RowDescription::decode(body)?),
            tag => Self::decode_by_kind(tag, body)?,
        })
    }

    /// Families whose members differ by tag.
    fn decode_by_kind(tag: u8, body: &'a [u8]) -> Result<Self, DecodeError> {
        if let Some(direction) = CopyDirection::from_tag(tag) {
            return CopyResponse::decode(direction, body).map(Self::CopyResponse);
        }
        if let Some(empty) = Empty::from_tag(tag) {
            return empty.check(body).map(Self::Empty);
        }
        Ok(Self::Other { tag, body })
    }
}
