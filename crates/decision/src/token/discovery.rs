//! OpenID Connect Discovery 1.0: where an issuer says what its key set's address is (§4), and that it
//! speaks for itself (§4.3). Nothing is fetched here.

use super::object::Object;

/// Where the document is.
pub fn address(iss: &str) -> String {
    format!("{}/.well-known/openid-configuration", iss.trim_end_matches('/'))
}

/// The `jwks_uri` of the issuer's document.
///
/// # Errors
/// For the operator: the document cannot be read, or speaks for somebody else.
pub fn jwks_uri(document: &[u8], iss: &str) -> Result<String, &'static str> {
    let malformed = "is not a JSON object with the members issuer and jwks_uri as text";
    let json = std::str::from_utf8(document).map_err(|_| malformed)?;
    let document = Object::parse(json).ok_or(malformed)?;
    let text = |name| document.text(name).ok().flatten().ok_or(malformed);
    if text("issuer")? != iss {
        return Err("is the document of another issuer");
    }
    Ok(text("jwks_uri")?.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISS: &str = "https://login.example/tenant/";

    #[test]
    fn a_document_speaks_for_its_own_issuer_only() {
        assert_eq!(address(ISS), "https://login.example/tenant/.well-known/openid-configuration");
        let document = |iss| format!(r#"{{"issuer":"{iss}","jwks_uri":"https://login.example/keys","x":[1]}}"#);
        assert_eq!(jwks_uri(document(ISS).as_bytes(), ISS).as_deref(), Ok("https://login.example/keys"));
        for other in ["https://login.example/tenant", "https://login.example/other/", ""] {
            assert!(jwks_uri(document(other).as_bytes(), ISS).is_err(), "{other}");
        }
    }

    #[test]
    fn what_is_no_such_document() {
        for document in [
            "",
            "[]",
            "{}",
            r#"{"issuer":"https://login.example/tenant/"}"#,
            r#"{"issuer":"https://login.example/tenant/","jwks_uri":null}"#,
            r#"{"issuer":"https://login.example/tenant/","jwks_uri":"a","jwks_uri":"b"}"#,
            "\u{feff}{}",
        ] {
            assert!(jwks_uri(document.as_bytes(), ISS).is_err(), "{document}");
        }
        assert!(jwks_uri(b"\xff", ISS).is_err());
    }
}
