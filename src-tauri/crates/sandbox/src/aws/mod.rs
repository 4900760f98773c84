//! AWS on loopback: STS and Redshift Serverless as official SDKs expect them.
