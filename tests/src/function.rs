//! One execution environment of the authorizer: the real binary as a process, on a fake Runtime API.
//!
//! Owns the process, its lines and the invocation ids. It starts with an environment of its own:
//! nothing of the machine's leaks in, neither credentials nor proxies.

use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::binary;
use crate::runtime_api::{Init, Part, Reply, Replying, RuntimeApi};

/// Longer than any start or answer that a suite tolerates; what takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(20);

pub struct Function {
    runtime: RuntimeApi,
    process: Mutex<Child>,
    lines: Arc<Lines>,
    turn: tokio::sync::Mutex<()>,
    invocations: AtomicU64,
}

/// A start that ended before the first event was asked for.
#[derive(Debug)]
pub struct FailedStart {
    pub status: ExitStatus,
    /// Everything it wrote, and the message of its init error if it reported one.
    pub message: String,
}

/// One event's decision, seen from outside.
#[derive(Debug)]
pub struct Decided {
    pub reply: Reply,
    /// The audit line.
    pub audit: Value,
    pub took: Duration,
}

impl Decided {
    pub fn outcome(&self) -> &str {
        self.audit["outcome"].as_str().unwrap_or_default()
    }

    pub fn code(&self) -> &str {
        self.audit["code"].as_str().unwrap_or_default()
    }
}

impl Function {
    /// # Panics
    /// If the function does not get as far as its first event.
    pub async fn start(env: &[(&str, &str)]) -> Self {
        Self::try_start(env).await.unwrap_or_else(|failed| panic!("the authorizer does not start: {failed:?}"))
    }

    pub async fn try_start(env: &[(&str, &str)]) -> Result<Self, FailedStart> {
        Self::try_start_of(binary::authorizer(), env).await
    }

    /// Starts another build of the authorizer.
    pub async fn try_start_of(binary: &Path, env: &[(&str, &str)]) -> Result<Self, FailedStart> {
        let runtime = RuntimeApi::start().await;
        let mut process = spawn(binary, &runtime.authority(), env);
        let lines = Arc::<Lines>::default();
        let readers = [
            lines.read(process.stdout.take().expect("stdout is piped")),
            lines.read(process.stderr.take().expect("stderr is piped")),
        ];

        let mut init = runtime.init();
        let ready = async { init.wait_for(|init| *init == Init::Ready).await.map(|_| ()) };
        let ended = tokio::select! {
            _ = ready => None,
            status = process.wait() => Some(status.expect("the process can be waited for")),
            () = tokio::time::sleep(PATIENCE) => panic!("neither ready nor ended: {:?}", lines.tail()),
        };
        if let Some(status) = ended {
            for reader in readers {
                let _ = reader.await;
            }
            let mut message = lines.all().join("\n");
            if let Init::Failed { error_message, .. } = &*runtime.init().borrow() {
                message = format!("{error_message}\n{message}");
            }
            return Err(FailedStart { status, message });
        }
        let (process, turn) = (Mutex::new(process), tokio::sync::Mutex::default());
        Ok(Self { runtime, process, lines, turn, invocations: AtomicU64::default() })
    }

    /// Sends one event under a fresh invocation id.
    ///
    /// # Panics
    /// If no reply comes.
    pub async fn invoke(&self, event: impl Into<Vec<u8>>) -> Reply {
        self.invoke_as(&self.fresh_id(), event).await
    }

    /// Sends one event under a fresh invocation id; its reply is asked for part by part.
    pub fn begin(&self, event: impl Into<Vec<u8>>) -> Begun<'_> {
        let seen = self.lines.count();
        Begun { replying: self.runtime.invoke(&self.fresh_id(), event.into()), function: self, seen }
    }

    fn fresh_id(&self) -> String {
        format!("00000000-0000-4000-8000-{:012}", self.invocations.fetch_add(1, Ordering::Relaxed))
    }

    /// How long it has for each event from now on.
    pub fn time_out_after(&self, timeout: Duration) {
        self.runtime.time_out_after(timeout);
    }

    /// Sends one event under this invocation id, as Lambda does again when it retries.
    ///
    /// # Panics
    /// If no reply comes.
    pub async fn invoke_as(&self, request_id: &str, event: impl Into<Vec<u8>>) -> Reply {
        match timeout(PATIENCE, self.runtime.invoke(request_id, event.into()).whole()).await {
            Ok(Some(reply)) => reply,
            _ => panic!("no reply; alive: {}; output: {:?}", self.is_alive(), self.lines.tail()),
        }
    }

    /// Sends one event and waits for its audit line too. One at a time, so that the line is its own.
    ///
    /// # Panics
    /// If no reply or no audit line comes.
    pub async fn decide(&self, event: impl Into<Vec<u8>>) -> Decided {
        let _turn = self.turn.lock().await;
        let seen = self.lines.count();
        let start = Instant::now();
        let reply = self.invoke(event).await;
        let took = start.elapsed();
        let audit = timeout(PATIENCE, self.lines.audit_after(seen)).await;
        let audit = audit.unwrap_or_else(|_| panic!("no audit line for {reply:?}: {:?}", self.lines.tail()));
        Decided { reply, audit, took }
    }

    /// Every line written so far, of both streams.
    pub fn output(&self) -> Vec<String> {
        self.lines.all()
    }

    pub fn is_alive(&self) -> bool {
        matches!(self.process.lock().unwrap().try_wait(), Ok(None))
    }

    /// What its process has used of a CPU so far, by the nanosecond. Linux only.
    ///
    /// # Panics
    /// If the process has ended.
    pub fn cpu_time(&self) -> Duration {
        let id = self.process.lock().unwrap().id().expect("the process is there");
        let threads = std::fs::read_dir(format!("/proc/{id}/task")).expect("a process has threads").flatten();
        let of_thread = |thread: std::fs::DirEntry| {
            let times = std::fs::read_to_string(thread.path().join("schedstat")).unwrap_or_default();
            times.split(' ').next().and_then(|running| running.parse::<u64>().ok()).unwrap_or_default()
        };
        Duration::from_nanos(threads.map(of_thread).sum())
    }

    /// The memory that the process holds now. Linux only; elsewhere 0.
    pub fn resident_bytes(&self) -> u64 {
        self.memory("VmRSS:")
    }

    /// The most that it ever held.
    pub fn peak_resident_bytes(&self) -> u64 {
        self.memory("VmHWM:")
    }

    fn memory(&self, what: &str) -> u64 {
        let Some(id) = self.process.lock().unwrap().id() else { return 0 };
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix(what));
        let kilobytes = line.and_then(|line| line.split_whitespace().next()).and_then(|text| text.parse::<u64>().ok());
        kilobytes.unwrap_or_default() * 1024
    }
}

/// One event on its way, whose reply comes in parts.
pub struct Begun<'f> {
    replying: Replying,
    function: &'f Function,
    seen: usize,
}

impl Begun<'_> {
    /// # Panics
    /// If no further part comes.
    pub async fn part(&mut self) -> Part {
        match timeout(PATIENCE, self.replying.part()).await {
            Ok(Some(part)) => part,
            _ => panic!("no part; output: {:?}", self.function.lines.tail()),
        }
    }

    /// Whether its audit line is there already.
    pub fn is_told(&self) -> bool {
        self.function.lines.all().iter().skip(self.seen).any(|line| audit(line).is_some())
    }

    /// Its audit line.
    ///
    /// # Panics
    /// If none comes.
    pub async fn audit(&self) -> Value {
        let audit = timeout(PATIENCE, self.function.lines.audit_after(self.seen)).await;
        audit.unwrap_or_else(|_| panic!("no audit line: {:?}", self.function.lines.tail()))
    }

    /// The Runtime API takes no more of it: its audit line.
    ///
    /// # Panics
    /// If none comes.
    pub async fn hang_up(mut self) -> Value {
        self.replying = Replying::none();
        self.audit().await
    }
}

fn spawn(binary: &Path, runtime_api: &str, env: &[(&str, &str)]) -> Child {
    Command::new(binary)
        .env_clear()
        .envs([
            ("AWS_LAMBDA_RUNTIME_API", runtime_api),
            ("AWS_LAMBDA_FUNCTION_NAME", "authorizer"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/authorizer"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/11/22/[$LATEST]0123456789abcdef"),
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
            ("AWS_SESSION_TOKEN", "session"),
        ])
        .envs(env.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the authorizer can be run")
}

/// What the process has written, line by line.
#[derive(Default)]
struct Lines {
    lines: Mutex<Vec<String>>,
    grown: Notify,
}

impl Lines {
    fn read(self: &Arc<Self>, stream: impl AsyncRead + Unpin + Send + 'static) -> JoinHandle<()> {
        let own = self.clone();
        tokio::spawn(async move {
            let mut reader = BufReader::new(stream);
            let mut line = Vec::new();
            while reader.read_until(b'\n', &mut line).await.is_ok_and(|length| length > 0) {
                let text = String::from_utf8_lossy(&line).trim_end_matches('\n').to_owned();
                own.lines.lock().unwrap().push(text);
                own.grown.notify_waiters();
                line.clear();
            }
        })
    }

    fn all(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    /// The last lines: enough for a failure message.
    fn tail(&self) -> Vec<String> {
        let lines = self.lines.lock().unwrap();
        lines[lines.len().saturating_sub(30)..].to_vec()
    }

    fn count(&self) -> usize {
        self.lines.lock().unwrap().len()
    }

    /// The first audit line after the first `seen` lines, waiting for it.
    async fn audit_after(&self, seen: usize) -> Value {
        loop {
            let mut grown = std::pin::pin!(self.grown.notified());
            grown.as_mut().enable();
            if let Some(audit) = self.lines.lock().unwrap().iter().skip(seen).find_map(|line| audit(line)) {
                return audit;
            }
            grown.await;
        }
    }
}

fn audit(line: &str) -> Option<Value> {
    let line: Value = serde_json::from_str(line).ok()?;
    (line["outcome"].is_string() && line["code"].is_string()).then_some(line)
}
