//! `proc attach`: our terminal is that of a process, until the key that leaves.

use super::super::args::Options;
use super::super::error::{CliError, CliErrorKind};
use super::super::ui;
use super::events::{Happenings, News};
use super::failed;
use super::find::Found;
use super::leaving::{Leaving, Screens};
use crate::api::client::ClientError;
use crate::api::messages::{Done, WindowRequest};
use crate::api::query::{AttachQuery, encode};
use crate::api::session::{Connection, Session};
use crate::model::key::ControlKey;
use crate::model::signal::Signal;
use crate::model::snapshot::InstanceStatus;
use crate::unix::pty::Window;
use crate::unix::signals::{self, Signals};
use crate::unix::tty::Raw;
use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc;

/// How long it may take to learn how a run has ended that does not answer.
const LAST_NEWS: Duration = Duration::from_secs(5);

/// The most bytes that wait for the process to read them.
const MOST_WAITING: usize = 64 * 1024;

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The key was pressed.
    Left,
    /// Nothing more will come: the process has ended for good.
    Over,
    /// We were asked to end.
    Signalled(Signal),
    /// Nobody reads what we write.
    Unread,
}

/// Attaches to one instance.
pub(super) fn attach(mut run: Found, name: &str, options: &Options) -> Result<ExitCode, CliError> {
    let mut path = "/instances/".to_owned();
    encode(name, &mut path);
    let instance: InstanceStatus = run.client()?.get(&path).map_err(failed)?;
    let name = instance.name;
    let query = AttachQuery { write: !options.read_only, ..AttachQuery::default() };
    let session =
        run.client()?.attach(&format!("/instances/{name}/attach{}", query.write())).map_err(failed)?;
    let last_look = run.again();
    let ended = listen(run.again());
    let is_terminal = io::stdin().is_terminal();
    let key = is_terminal.then_some(options.detach_key);
    ui::complain(greeting(&name, session.only_watches.as_deref(), key));
    let leaving = key.map(|key| Leaving::by(key, session.only_watches.is_some()));
    let windows = (is_terminal && session.only_watches.is_none()).then(|| follow_window(run, &name));
    let end = talk(session, leaving, windows).map_err(|error| CliError::new(CliErrorKind::Refused, error))?;
    match end {
        End::Left => ui::complain(format!("\ndetached from {name}, which runs on\n")),
        End::Over if has_gone(last_look, &path, &ended) => {
            return Err(CliError::new(CliErrorKind::Refused, "the run has gone: it was killed"));
        }
        End::Over => ui::complain(format!("detached: {name} has ended\n")),
        End::Unread => {}
        End::Signalled(signal) => signals::die_by(signal),
    }
    Ok(ExitCode::SUCCESS)
}

/// Learns of the end of the run, and whether it came in good order; never where there is no connection to spare for that.
fn listen(mut run: Found) -> std::sync::mpsc::Receiver<bool> {
    let (ending, ended) = std::sync::mpsc::channel();
    let Some(mut happenings) = run.client().ok().and_then(|client| Happenings::of(client).ok()) else {
        return ended;
    };
    thread::spawn(move || {
        let is_orderly = loop {
            match happenings.next(None) {
                Ok(News::Happened(_) | News::Nothing) => {}
                Ok(News::End) => break true,
                Err(_) => break false,
            }
        };
        // Nobody asks where somebody has left.
        let _ = ending.send(is_orderly);
    });
    ended
}

/// Whether it is not the process that has ended, but the run that was killed.
fn has_gone(mut run: Found, path: &str, ended: &std::sync::mpsc::Receiver<bool>) -> bool {
    let answer = run
        .connect()
        .and_then(|client| client.map(|mut client| client.get::<InstanceStatus>(path)).transpose());
    match answer {
        Ok(None) | Err(ClientError::Gone(_) | ClientError::Io(_) | ClientError::Cut(_)) => {
            ended.recv_timeout(LAST_NEWS) == Ok(false)
        }
        Ok(Some(_))
        | Err(
            ClientError::Refused(_)
            | ClientError::Stranger(_)
            | ClientError::Silent
            | ClientError::Malformed(_),
        ) => false,
    }
}

/// What is said first.
fn greeting(name: &str, only_watches: Option<&str>, key: Option<ControlKey>) -> String {
    let what = match only_watches {
        None => format!("attached to {name}"),
        Some(why) => format!("watching {name}, read-only: {why}"),
    };
    match key {
        Some(key) => format!("{what}; {} detaches\n", shown(key)),
        None => format!("{what}\n"),
    }
}

/// A key as it stands on a keyboard.
fn shown(key: ControlKey) -> String {
    key.to_string().replacen('c', "C", 1)
}

/// Gives the terminal of the process our window, now and whenever it is sent for. On a thread of its own: each change is a question to the run.
fn follow_window(mut run: Found, name: &str) -> std::sync::mpsc::Sender<()> {
    let path = format!("/instances/{name}/window");
    let (changed, to_follow) = std::sync::mpsc::channel();
    let follow = move || {
        loop {
            if let Some(Window { rows, columns }) = Window::of(io::stdin()) {
                let window = WindowRequest { rows, columns };
                // It fails where the process has just ended, which is told by others.
                let _: Option<Done> = run.client().ok().and_then(|mut run| run.put(&path, &window).ok());
            }
            if to_follow.recv().is_err() {
                return;
            }
        }
    };
    thread::spawn(follow);
    changed
}

/// Passes on what is typed and shows what comes; how it ended. Our terminal is as it was by then.
fn talk(
    session: Session,
    leaving: Option<Leaving>,
    windows: Option<std::sync::mpsc::Sender<()>>,
) -> io::Result<End> {
    let Session { runtime, connection, .. } = session;
    // Before the terminal is taken over: whatever ends us gives it back.
    let signals = Signals::take_over()?;
    let _entered = runtime.enter();
    let signals = signals.watch()?;
    let raw = leaving.as_ref().map(|_| Raw::enter()).transpose()?;
    let (shown, to_show) = mpsc::channel(16);
    let shower = thread::spawn(move || show(to_show));
    let mut talk =
        Talk { typed: read(leaving.clone()), signals, shown, leaving, windows, screens: Screens::default() };
    let end = runtime.block_on(talk.go(connection));
    let plain = talk.screens.plain();
    drop(talk);
    if end == End::Over || end == End::Left {
        // What has come is shown before it is said that nothing will.
        drop(shower.join());
    }
    if raw.is_some() && io::stdout().is_terminal() {
        drop(ui::print(plain));
    }
    Ok(end)
}

/// What is read from standard input, by a thread that may wait for ever; it is over when that ends. Behind the key that leaves nothing is
/// read: it is for whoever has the terminal then.
fn read(leaving: Option<Leaving>) -> mpsc::Receiver<Vec<u8>> {
    let (typed, to_type) = mpsc::channel(16);
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = io::stdin().read(&mut buffer) {
            let leaves = leaving.as_ref().is_some_and(|keys| keys.find(&buffer[..count]).is_some());
            if typed.blocking_send(buffer[..count].to_vec()).is_err() || leaves {
                return;
            }
        }
    });
    to_type
}

/// Writes to standard output, which may wait.
fn show(mut bytes: mpsc::Receiver<Vec<u8>>) {
    let mut stdout = io::stdout();
    while let Some(bytes) = bytes.blocking_recv() {
        if stdout.write_all(&bytes).and_then(|()| stdout.flush()).is_err() {
            return;
        }
    }
}

struct Talk {
    typed: mpsc::Receiver<Vec<u8>>,
    signals: AsyncFd<Signals>,
    shown: mpsc::Sender<Vec<u8>>,
    leaving: Option<Leaving>,
    windows: Option<std::sync::mpsc::Sender<()>>,
    screens: Screens,
}

impl Talk {
    async fn go(&mut self, connection: Connection) -> End {
        let (mut from, mut to) = tokio::io::split(connection);
        let mut buffer = vec![0; 16 * 1024];
        let mut waiting: Vec<u8> = Vec::new();
        let (mut has_input, mut is_leaving) = (true, false);
        let mut room = None;
        while !is_leaving || !waiting.is_empty() {
            tokio::select! {
                biased;
                Ok(mut ready) = self.signals.readable_mut() => {
                    ready.clear_ready();
                    if let Some(signal) = self.take_signals() {
                        return End::Signalled(signal);
                    }
                }
                typed = self.typed.recv(), if has_input && waiting.len() < MOST_WAITING => {
                    let typed = typed.unwrap_or_default();
                    let leave = self.leaving.as_ref().and_then(|keys| keys.find(&typed));
                    waiting.extend_from_slice(&typed[..leave.unwrap_or(typed.len())]);
                    is_leaving = leave.is_some();
                    // Where a file has come to its end the answer is yet to come.
                    has_input = !typed.is_empty() && !is_leaving;
                }
                written = to.write(&waiting), if !waiting.is_empty() => match written {
                    Ok(count @ 1..) => drop(waiting.drain(..count)),
                    Ok(0) | Err(_) => return End::Over,
                },
                reserved = self.shown.clone().reserve_owned(), if room.is_none() => match reserved {
                    Ok(reserved) => room = Some(reserved),
                    Err(_) => return End::Unread,
                },
                // Nothing is read for which there is no room.
                read = from.read(&mut buffer), if room.is_some() => match (read, room.take()) {
                    (Ok(count @ 1..), Some(room)) => {
                        self.screens.note(&buffer[..count]);
                        drop(room.send(buffer[..count].to_vec()));
                    }
                    (Ok(_) | Err(_), _) => return End::Over,
                },
            }
        }
        End::Left
    }

    /// Looks at the signals that have come; the one that asks us to end.
    fn take_signals(&mut self) -> Option<Signal> {
        let all = self.signals.get_mut().pending();
        if let Some(windows) = self.windows.as_ref().filter(|_| all.contains(&signals::WINDOW)) {
            // The other thread ends only with us.
            let _ = windows.send(());
        }
        all.into_iter().find(|signal| [Signal::INT, Signal::TERM, Signal::HUP].contains(signal))
    }
}
