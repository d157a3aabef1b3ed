//! One workerd: it ends when whoever started it drops it, or dies.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use std::{env, fs};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// What takes longer to start hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// Ends workerd, and takes its files away, when standard input ends: that happens however its owner ends.
const SUPERVISE: &str = r#"
mkdir "$1/objects"
"$0" serve --control-fd=3 --directory-path="objects=$1/objects" "$1/config.capnp" 3>&1 >"$1/said" 2>&1 </dev/null &
worker=$!
exec >&-
read -r _
kill -9 "$worker"
rm -r "$1"
"#;

pub struct Workerd {
    /// Its standard input is what the shell waits at.
    _supervisor: Child,
    directory: PathBuf,
    /// By the name of the socket.
    ports: BTreeMap<String, u64>,
}

impl Workerd {
    /// Runs a configuration, whose sockets it names, with files beside it. `Err`: what workerd says.
    pub async fn start(workerd: &Path, files: &[(&str, &[u8])], sockets: &[&str]) -> Result<Self, String> {
        let directory = fresh_directory();
        for (name, content) in files {
            fs::write(directory.join(name), content).expect("a directory of our own can be written");
        }
        let mut supervisor = Command::new("/bin/sh")
            .args(["-c", SUPERVISE])
            .args([workerd, &directory])
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            // Signals to its owner are not for it: it has to put things away.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell can be run");
        let mut told = BufReader::new(supervisor.stdout.take().expect("stdout is piped")).lines();
        let mut this = Self { _supervisor: supervisor, directory, ports: BTreeMap::new() };
        while !sockets.iter().all(|socket| this.ports.contains_key(*socket)) {
            let Ok(Ok(Some(line))) = timeout(PATIENCE, told.next_line()).await else { return Err(this.said()) };
            let event: Value = serde_json::from_str(&line).map_err(|error| format!("{line}: {error}"))?;
            if let (Some(socket), Some(port)) = (event["socket"].as_str(), event["port"].as_u64()) {
                this.ports.insert(socket.to_owned(), port);
            }
        }
        Ok(this)
    }

    /// `127.0.0.1:port` of one of its sockets.
    pub fn authority(&self, socket: &str) -> String {
        format!("127.0.0.1:{}", self.ports[socket])
    }

    /// What it has written.
    pub fn said(&self) -> String {
        fs::read_to_string(self.directory.join("said")).unwrap_or_default()
    }
}

/// Keys lie in it.
fn fresh_directory() -> PathBuf {
    use std::os::unix::fs::DirBuilderExt;
    static COUNT: AtomicU32 = AtomicU32::new(1);
    let name = format!("countersign-edge-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let directory = env::temp_dir().join(name);
    fs::DirBuilder::new().mode(0o700).create(&directory).expect("a place for temporary files");
    directory
}
