//! `proc`, the twelve-factor process manager: the map of its source.
//!
//! # Layers
//!
//! `tests/layering.rs` sees to it that none uses more than it may:
//!
//! | layer | what it is | uses |
//! | --- | --- | --- |
//! | [`model`] | what things are: Procfile, env files, formation, ports, plan. Pure data and parsing | nothing |
//! | [`supervisor`] | what to do: events in, actions out, time as an argument. Pure | `model` |
//! | [`output`] | lines: cut, prefixed, coloured, put in order; log files. Pure but for the threads that write | `model` |
//! | [`unix`] | the only system calls and the only `unsafe` | `model` |
//! | [`probe`] | the questions of probes that go over the network | `model` |
//! | [`engine`] | the only loop: waits for the world, tells the supervisor, does what it says | all above |
//! | [`api`] | control from another terminal: an HTTP API over a Unix socket, and its client | `model`, `output`, `unix`, `engine` |
//! | [`export`] | the plan as files of systemd, Compose, Kubernetes and others. Pure | `model` |
//! | [`cli`] | arguments, files and environment in; a plan, and an exit code out | all above |
//!
//! # One Ctrl-C, from end to end
//!
//! 1. The terminal sends SIGINT to its foreground group. We are two processes ([`unix::guard`]), and only the guard is in that group: the
//!    supervisor has a session of its own, and `unix::spawn::spawn` gave each child a group of its own. So it comes once, and the guard
//!    passes it on over a pair of sockets ([`unix::link`]).
//! 2. `Engine::wait` returns `Wake::Inbox`; `Engine::look_into_inbox` turns it into [`supervisor::Event::Signal`], and `Engine::settle`
//!    hands that to [`supervisor::Supervisor::handle`].
//! 3. `Fleet::observe` calls it a change; `Shutdown::decide` finds that it is a cause to stop and answers with intents: say so, stop all,
//!    kill what is left at now + grace. `Fleet::apply` moves each instance on (`Instance::stop`: *Running* to *Stopping*) and queues the
//!    actions: SIGTERM and SIGCONT to each group.
//! 4. `Engine::perform` does them, by way of `Children::signal`, which never signals a number that may have become somebody else's.
//! 5. A child dies. SIGCHLD wakes the loop; `Engine::reap` reaps everyone who has died, takes over what the dead had written
//!    (`Pipes::drain`), and hands in `TreeEmpty`, `Drained` and `Exited`. `Fleet::advance` finds the instance over: *Down*.
//! 6. When all are down and no descendant is left (`Event::Childless`), `Shutdown::conclude` asks for
//!    [`Finish`](supervisor::Action::Finish) with [`Outcome::Signal`](model::exit::Outcome). `cli::start` sends that to the guard and ends; the
//!    guard dies by that signal, so that the shell knows.
//!    Had the grace period ended first, `Supervisor::next_deadline` would have woken the loop and `Instance::step` asked for SIGKILL; a
//!    second Ctrl-C does the same through `Shutdown::force`.
//!
//! # One line of output, from end to end
//!
//! 1. `web.1` writes `hello\n` to its standard output: a pipe or a pseudo-terminal that `NewPipes::make` made. Our end is watched by [`unix::fds::Poller`].
//! 2. `Engine::wait` returns `Wake::Output`, unless the sink is full: then nobody reads, the pipe fills and the child waits.
//! 3. `Engine::pump` takes a chunk from the next pipe that has something (`Pipes::pump`) and feeds it to [`output::Mux`]. The supervisor never
//!    sees it.
//! 4. `Mux::feed` cuts the chunk into lines (`LineBuffer`), and `Records::write` puts `12:00:01 web.1    | ` before each. Where
//!    standard output is a terminal, `Screen::write` does, and the text goes through a [`output::Filter`].
//! 5. What came of it goes to [`output::Sink::push`], which never blocks; the sink's thread writes it to standard output.
//! 6. With `--log-dir` the chunk goes to [`output::Tee::feed`] as it is, and [`output::Logs`]' thread appends it to `web.1.log`
//!    ([`unix::log_file::LogFile`]).
//!
//! ARCHITECTURE.md says why it is so, and where to put what.

#[cfg_attr(not(feature = "api"), path = "api/without.rs")]
pub mod api;
pub mod cli;
pub mod engine;
#[cfg(feature = "export")]
pub mod export;
pub mod model;
pub mod output;
pub mod probe;
pub mod supervisor;
pub mod unix;
#[cfg_attr(not(feature = "watch"), path = "watch/without.rs")]
pub mod watch;
