//! Answers in the two protocols AWS speaks here: Query with XML (STS) and JSON 1.1 (Redshift Serverless).

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Response, StatusCode, header};
use serde_json::{Value, json};

use super::signature::SignatureError;
use crate::iam::Denial;

/// XML namespace of STS.
pub(crate) const STS_NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// How a service is spoken to, and how its errors are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// Form-encoded parameters in, XML out.
    Query,
    /// JSON both ways, the operation in a header.
    Json,
}

/// An error as a service answers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl ApiError {
    /// An error of the caller's making.
    pub(crate) fn bad_request(code: &'static str, message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code, message: message.into() }
    }

    /// A request whose sender is not believed.
    pub(crate) fn signature(protocol: Protocol, error: &SignatureError) -> Self {
        let (query, json) = match error {
            SignatureError::Missing => ("MissingAuthenticationToken", "MissingAuthenticationTokenException"),
            SignatureError::Incomplete(_) => ("IncompleteSignature", "IncompleteSignatureException"),
            SignatureError::UnknownKey => ("InvalidClientTokenId", "UnrecognizedClientException"),
            SignatureError::ExpiredToken => ("ExpiredToken", "ExpiredTokenException"),
            SignatureError::WrongScope(_) | SignatureError::Mismatch => {
                ("SignatureDoesNotMatch", "InvalidSignatureException")
            }
        };
        match (protocol, error) {
            (Protocol::Query, SignatureError::Incomplete(_)) => Self::bad_request(query, error.to_string()),
            (Protocol::Query, _) => Self { status: StatusCode::FORBIDDEN, code: query, message: error.to_string() },
            (Protocol::Json, _) => Self::bad_request(json, error.to_string()),
        }
    }

    /// A request the policies refuse.
    pub(crate) fn denied(protocol: Protocol, denial: &Denial) -> Self {
        match protocol {
            Protocol::Query => {
                Self { status: StatusCode::FORBIDDEN, code: "AccessDenied", message: denial.to_string() }
            }
            Protocol::Json => Self::bad_request("AccessDeniedException", denial.to_string()),
        }
    }

    /// Too many requests.
    pub(crate) fn throttled(protocol: Protocol) -> Self {
        let code = match protocol {
            Protocol::Query => "Throttling",
            Protocol::Json => "ThrottlingException",
        };
        Self::bad_request(code, "Rate exceeded")
    }

    /// The error as an HTTP response.
    pub(crate) fn into_response(self, protocol: Protocol) -> Response<Full<Bytes>> {
        let request_id = request_id();
        let mut response = match protocol {
            Protocol::Query => {
                let xml = format!(
                    "<ErrorResponse xmlns=\"{STS_NAMESPACE}\">\n  <Error>\n    <Type>Sender</Type>\n    \
                     <Code>{}</Code>\n    <Message>{}</Message>\n  </Error>\n  \
                     <RequestId>{request_id}</RequestId>\n</ErrorResponse>\n",
                    self.code,
                    escape(&self.message),
                );
                respond("text/xml", &request_id, xml)
            }
            Protocol::Json => {
                let body = json!({"__type": self.code, "message": self.message});
                let mut response = respond("application/x-amz-json-1.1", &request_id, body.to_string());
                response.headers_mut().insert("x-amzn-errortype", header::HeaderValue::from_static(self.code));
                response
            }
        };
        *response.status_mut() = self.status;
        response
    }
}

/// A successful answer of JSON 1.1.
pub(crate) fn json_response(body: &Value) -> Response<Full<Bytes>> {
    respond("application/x-amz-json-1.1", &request_id(), body.to_string())
}

/// A successful answer of STS: `result` is the XML inside `<{operation}Result>`.
pub(crate) fn sts_response(operation: &str, result: &str) -> Response<Full<Bytes>> {
    let request_id = request_id();
    let xml = format!(
        "<{operation}Response xmlns=\"{STS_NAMESPACE}\">\n  <{operation}Result>{result}</{operation}Result>\n  \
         <ResponseMetadata>\n    <RequestId>{request_id}</RequestId>\n  </ResponseMetadata>\n</{operation}Response>\n"
    );
    respond("text/xml", &request_id, xml)
}

/// One XML element with text in it.
pub(crate) fn element(name: &str, text: &str) -> String {
    format!("<{name}>{}</{name}>", escape(text))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn request_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

fn respond(content_type: &'static str, request_id: &str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
    if let Ok(id) = header::HeaderValue::from_str(request_id) {
        headers.insert("x-amzn-requestid", id);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_protocols_name_the_same_trouble_in_their_own_way() {
        for (error, query, json) in [
            (SignatureError::Missing, "MissingAuthenticationToken", "MissingAuthenticationTokenException"),
            (SignatureError::UnknownKey, "InvalidClientTokenId", "UnrecognizedClientException"),
            (SignatureError::Mismatch, "SignatureDoesNotMatch", "InvalidSignatureException"),
            (SignatureError::ExpiredToken, "ExpiredToken", "ExpiredTokenException"),
        ] {
            let xml = ApiError::signature(Protocol::Query, &error);
            assert_eq!((xml.status, xml.code), (StatusCode::FORBIDDEN, query));
            let json_error = ApiError::signature(Protocol::Json, &error);
            assert_eq!((json_error.status, json_error.code), (StatusCode::BAD_REQUEST, json));
        }
    }

    #[test]
    fn text_cannot_break_out_of_an_xml_element() {
        assert_eq!(element("Arn", "a<b>&c"), "<Arn>a&lt;b&gt;&amp;c</Arn>");
    }
}
