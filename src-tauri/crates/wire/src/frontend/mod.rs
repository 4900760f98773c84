//! Messages from client to server, once start-up is over.

pub mod bind;
pub mod copy_fail;
pub mod empty;
pub mod execute;
pub mod function_call;
pub mod parse;
pub mod password;
pub mod query;
pub mod target;

pub use bind::{Bind, BindParameter};
pub use copy_fail::CopyFail;
pub use empty::Empty;
pub use execute::Execute;
pub use function_call::FunctionCall;
pub use parse::Parse;
pub use password::{Password, SaslInitialResponse, SaslResponse};
pub use query::Query;
pub use target::{Close, Describe, Target};

use crate::{CopyData, CopyDone, DecodeError};

/// Any message from the client that can be told by its tag alone.
#[derive(Clone, Debug, PartialEq)]
pub enum FrontendMessage<'a> {
    /// Binds parameters.
    Bind(Bind<'a>),
    /// Drops a statement or portal.
    Close(Close<'a>),
    /// A piece of COPY FROM.
    CopyData(CopyData<'a>),
    /// COPY FROM is done.
    CopyDone(CopyDone),
    /// COPY FROM cannot go on.
    CopyFail(CopyFail<'a>),
    /// Asks what a statement or portal returns.
    Describe(Describe<'a>),
    /// One of those that say only that they came.
    Empty(Empty),
    /// Runs a portal.
    Execute(Execute<'a>),
    /// The legacy function call.
    FunctionCall(FunctionCall),
    /// Prepares a statement.
    Parse(Parse<'a>),
    /// Runs statements.
    Query(Query<'a>),
    /// An answer to Authentication. Which of several it is only the server's question tells: see [`password`].
    Secret,
    /// A tag this crate has no name for.
    Other {
        /// The tag.
        tag: u8,
        /// The body as it came.
        body: &'a [u8],
    },
}

impl<'a> FrontendMessage<'a> {
    /// Reads a frame, borrowing from its body.
    ///
    /// # Errors
    /// When the body is not laid out as the tag promises.
    pub fn decode(tag: u8, body: &'a [u8]) -> Result<Self, DecodeError> {
        Ok(match tag {
            Bind::TAG => Self::Bind(Bind::decode(body)?),
            Close::TAG => Self::Close(Close::decode(body)?),
            CopyData::TAG => Self::CopyData(CopyData::decode(body)),
            CopyDone::TAG => Self::CopyDone(CopyDone::decode(body)?),
            CopyFail::TAG => Self::CopyFail(CopyFail::decode(body)?),
            Describe::TAG => Self::Describe(Describe::decode(body)?),
            Execute::TAG => Self::Execute(Execute::decode(body)?),
            FunctionCall::TAG => Self::FunctionCall(FunctionCall::decode(body)?),
            Parse::TAG => Self::Parse(Parse::decode(body)?),
            Password::TAG => Self::Secret,
            Query::TAG => Self::Query(Query::decode(body)?),
            tag => match Empty::from_tag(tag) {
                Some(empty) => Self::Empty(empty.check(body)?),
                None => Self::Other { tag, body },
            },
        })
    }
}
