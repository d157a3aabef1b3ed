//! Requests off a connection, by the letter of RFC 9112: whatever two readers could take for different
//! requests is none.

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::TcpStream;

/// One request as it was on the wire.
#[derive(Clone, Debug)]
pub struct Received {
    /// Which connection it came over, in the order of their beginning.
    pub connection: usize,
    pub method: String,
    /// As sent.
    pub target: String,
    /// In order, names as sent.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Received {
    /// All values of a name, in order.
    pub fn values(&self, name: &str) -> Vec<&str> {
        let own = self.headers.iter().filter(|(own, _)| own.eq_ignore_ascii_case(name));
        own.map(|(_, value)| value.as_str()).collect()
    }

    /// The value of a name that must be there at most once.
    ///
    /// # Panics
    /// If it is there more than once.
    pub fn header(&self, name: &str) -> Option<&str> {
        let values = self.values(name);
        assert!(values.len() < 2, "{name} is there more than once: {values:?}");
        values.first().copied()
    }
}

/// The next request; `None` where the connection ends before one.
///
/// # Errors
/// What is wrong with what came.
pub async fn request(stream: &mut BufReader<TcpStream>, connection: usize) -> Result<Option<Received>, String> {
    let Some(line) = line(stream).await? else { return Ok(None) };
    let parts: Vec<_> = line.split(' ').collect();
    let [method, target, "HTTP/1.1"] = parts.as_slice() else { return Err(format!("the request line {line:?}")) };
    if !method.bytes().all(is_token) || !target.starts_with('/') || !target.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(format!("the request line {line:?}"));
    }
    let mut headers: Vec<(String, String)> = Vec::new();
    loop {
        let line = self::line(stream).await?.ok_or("a head without an end")?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(": ").ok_or_else(|| format!("the header line {line:?}"))?;
        if name.is_empty() || !name.bytes().all(is_token) || value.chars().any(|c| c.is_control() && c != '\t') {
            return Err(format!("the header line {line:?}"));
        }
        headers.push((name.to_owned(), value.to_owned()));
    }
    let mut request =
        Received { connection, method: (*method).to_owned(), target: (*target).to_owned(), headers, body: Vec::new() };
    if request.values("host").len() != 1 || !request.values("transfer-encoding").is_empty() {
        return Err(format!("not one host, or chunks: {:?}", request.headers));
    }
    let length: usize = match request.values("content-length").as_slice() {
        [] => 0,
        [length] if length.bytes().all(|b| b.is_ascii_digit()) => length.parse().map_err(|_| "a length".to_owned())?,
        lengths => return Err(format!("the lengths {lengths:?}")),
    };
    request.body = vec![0; length];
    stream.read_exact(&mut request.body).await.map_err(|error| format!("a body of {length} bytes: {error}"))?;
    Ok(Some(request))
}

/// A line without its CR LF.
async fn line(stream: &mut BufReader<TcpStream>) -> Result<Option<String>, String> {
    let mut line = Vec::new();
    // A connection that breaks between requests is one that ends.
    if stream.read_until(b'\n', &mut line).await.unwrap_or_default() == 0 {
        return Ok(None);
    }
    let whole = line.strip_suffix(b"\r\n").ok_or_else(|| format!("a line without CR LF: {line:?}"))?;
    let text = String::from_utf8(whole.to_vec()).map_err(|_| format!("a line that is not UTF-8: {line:?}"))?;
    if text.contains(['\r', '\n', '\0']) { Err(format!("the line {text:?}")) } else { Ok(Some(text)) }
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
