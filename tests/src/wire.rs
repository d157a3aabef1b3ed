//! HTTP/1.1 byte for byte, for whoever stands between two sides: heads line by line, as they were sent, and
//! bodies by the way in which their end is told. Nothing here knows what a URL or a header means.

use std::io;
use std::ops::Range;

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_buf};

/// Of a line, in bytes: more than any that a test sends.
const LONGEST_LINE: u64 = 1 << 20;

/// A request or an answer up to its body.
#[derive(Clone, Debug)]
pub struct Head {
    start: Vec<u8>,
    /// Header lines without their ends.
    lines: Vec<Vec<u8>>,
}

impl Head {
    pub fn new(start: &str) -> Self {
        Self { start: start.as_bytes().to_vec(), lines: Vec::new() }
    }

    /// `None`: the other side has closed instead.
    pub async fn read(from: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<Self>> {
        let Some(start) = line(from).await? else { return Ok(None) };
        let mut lines = Vec::new();
        loop {
            let line = line(from).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
            if line.is_empty() {
                return Ok(Some(Self { start, lines }));
            }
            lines.push(line);
        }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let lines = std::iter::once(&self.start).chain(&self.lines);
        let mut bytes = lines.fold(Vec::new(), |all, line| [&all, line.as_slice(), b"\r\n"].concat());
        bytes.extend(b"\r\n");
        bytes
    }

    /// Of a request. A target is what stands between the method and the version.
    pub fn method(&self) -> String {
        self.start.split(|byte| *byte == b' ').next().map(text).unwrap_or_default()
    }

    /// Of a request, with a character for each byte.
    pub fn target(&self) -> String {
        let after_method = self.start.iter().position(|byte| *byte == b' ').map_or(&[][..], |at| &self.start[at + 1..]);
        let end = after_method.iter().rposition(|byte| *byte == b' ').unwrap_or(after_method.len());
        text(&after_method[..end])
    }

    /// Whether a request's first line has three words and no more: servers disagree about where others end.
    pub fn is_request(&self) -> bool {
        let blanks = self.start.iter().filter(|byte| byte.is_ascii_whitespace());
        blanks.eq([b' ', b' '].iter())
    }

    /// Of an answer.
    pub fn status(&self) -> io::Result<u16> {
        let status = self.start.get(9..12).map(text).and_then(|digits| digits.parse().ok());
        status.ok_or_else(|| io::Error::other(format!("no status: {}", text(&self.start))))
    }

    /// Every header line, in order: the name as sent, and the value.
    pub fn headers(&self) -> impl Iterator<Item = (String, String)> {
        self.lines.iter().map(|line| {
            let (name, value) = line.split_at(line.iter().position(|byte| *byte == b':').unwrap_or(line.len()));
            (text(name), text(value.get(1..).unwrap_or_default()).trim_matches([' ', '\t']).to_owned())
        })
    }

    /// The value of the first line with this name.
    pub fn header(&self, name: &str) -> Option<String> {
        self.headers().find(|(sent, _)| sent.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Takes away every line with this name.
    pub fn remove(&mut self, name: &str) {
        let names: Vec<_> = self.headers().map(|(sent, _)| sent).collect();
        let mut stays = names.iter().map(|sent| !sent.eq_ignore_ascii_case(name));
        self.lines.retain(|_| stays.next().unwrap_or(true));
    }

    pub fn push(&mut self, name: &str, value: &str) {
        self.lines.push(format!("{name}: {value}").into_bytes());
    }

    fn lists(&self, name: &str, wanted: &str) -> bool {
        let value = self.header(name).unwrap_or_default();
        value.split(',').any(|item| item.trim().eq_ignore_ascii_case(wanted))
    }

    /// Whether whoever sent it closes the connection behind it.
    pub fn closes(&self) -> bool {
        self.lists("connection", "close")
    }
}

/// How the end of a body is told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Framing {
    /// There is none.
    Nothing,
    Length(u64),
    Chunked,
    /// The connection ends with it.
    UntilClosed,
}

impl Framing {
    pub fn of_request(head: &Head) -> Self {
        Self::announced(head).unwrap_or(Self::Nothing)
    }

    /// Of the answer to a request with this method.
    pub fn of_answer(head: &Head, method: &str) -> io::Result<Self> {
        match head.status()? {
            _ if method == "HEAD" => Ok(Self::Nothing),
            100..=199 | 204 | 304 => Ok(Self::Nothing),
            _ => Ok(Self::announced(head).unwrap_or(Self::UntilClosed)),
        }
    }

    fn announced(head: &Head) -> Option<Self> {
        if head.lists("transfer-encoding", "chunked") {
            return Some(Self::Chunked);
        }
        head.header("content-length").and_then(|length| length.parse().ok()).map(Self::Length)
    }

    /// Passes a body on as it comes.
    pub async fn pass(
        self,
        from: &mut (impl AsyncBufRead + Unpin),
        to: &mut (impl AsyncWrite + Unpin),
    ) -> io::Result<()> {
        match self {
            Self::Nothing => Ok(()),
            Self::Length(length) => match copy_buf(&mut from.take(length), to).await? {
                passed if passed == length => Ok(()),
                _ => Err(io::ErrorKind::UnexpectedEof.into()),
            },
            Self::Chunked => loop {
                let (sent, data) = chunk(from).await?;
                to.write_all(&sent).await?;
                if data.is_empty() {
                    return Ok(());
                }
            },
            Self::UntilClosed => copy_buf(from, to).await.map(|_| ()),
        }
    }

    /// The whole body, without what frames it.
    pub async fn collect(self, from: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Vec<u8>> {
        if self != Self::Chunked {
            let mut body = Vec::new();
            return self.pass(from, &mut body).await.map(|()| body);
        }
        let mut body = Vec::new();
        loop {
            let (sent, data) = chunk(from).await?;
            if data.is_empty() {
                return Ok(body);
            }
            body.extend(&sent[data]);
        }
    }
}

/// A chunk as it was sent, and where in it the data are. The last has none; trailers belong to it.
async fn chunk(from: &mut (impl AsyncBufRead + Unpin)) -> io::Result<(Vec<u8>, Range<usize>)> {
    let size = line(from).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
    let digits = size.split(|byte| *byte == b';').next().map(text).unwrap_or_default();
    let length = usize::from_str_radix(digits.trim(), 16).map_err(io::Error::other)?;
    let mut sent = [&size, &b"\r\n"[..]].concat();
    let data = sent.len()..sent.len() + length;
    if length > 0 {
        sent.resize(data.end, 0);
        from.read_exact(&mut sent[data.clone()]).await?;
    }
    // Behind data one empty line, behind the last chunk any number of trailers first.
    loop {
        let line = line(from).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
        sent.extend([&line, &b"\r\n"[..]].concat());
        if line.is_empty() {
            return Ok((sent, data));
        }
    }
}

/// One line without its end; `None`: there is no further one.
async fn line(from: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    from.take(LONGEST_LINE).read_until(b'\n', &mut line).await?;
    match line.strip_suffix(b"\r\n") {
        Some(whole) => Ok(Some(whole.to_vec())),
        None if line.is_empty() => Ok(None),
        None => Err(io::Error::other(format!("no line of HTTP: {}", text(&line)))),
    }
}

/// A character for each byte.
fn text(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}
