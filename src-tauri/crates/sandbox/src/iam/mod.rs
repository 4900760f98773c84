//! Identity and access management: policy documents and what they decide.
