//! What a terminal shows in the end, as vt100 sees it.

use std::num::NonZeroU16;
use std::time::{Duration, Instant};

use super::super::format::Stream;
use super::super::mux::Mux;
use super::super::palette::Colour;
use super::*;
use crate::model::policy::{LogFormat, Timestamps};
use proptest::prelude::*;

const WEB: StreamId = StreamId(1);
const WORKER: StreamId = StreamId(2);
const ROWS: NonZeroU16 = NonZeroU16::new(200).unwrap();
const COLUMNS: NonZeroU16 = NonZeroU16::new(80).unwrap();

/// A mux, a clock, and a terminal that reads along.
struct Test {
    mux: Mux,
    now: Instant,
    terminal: vt100::Parser,
}

impl Test {
    fn on(terminal: Terminal, is_coloured: bool) -> Self {
        let formatter = Formatter::new(LogFormat::Text, Timestamps::None, is_coloured, 0);
        let mut mux = Mux::new(formatter, Some(terminal), 1 << 20);
        for (id, process_type) in [(WEB, "web"), (WORKER, "job")] {
            let (process, process_type) = (format!("{process_type}.1"), process_type.to_owned());
            let label = Label { process, process_type, index: Some(1), colour: Colour::nth(0) };
            mux.open(id, label, None, Stream::Stdout, false);
        }
        Self { mux, now: start(), terminal: vt100::Parser::new(ROWS, COLUMNS, 0) }
    }

    fn new() -> Self {
        Self::on(Terminal { can_erase: true }, false)
    }

    fn feed(mut self, id: StreamId, text: &str) -> Self {
        self.mux.feed(id, text.as_bytes(), self.now);
        self.read()
    }

    fn after(mut self, millis: u64) -> Self {
        self.now += Duration::from_millis(millis);
        self.mux.show_tails(self.now);
        self.read()
    }

    fn say(mut self, text: &str) -> Self {
        self.mux.say(None, None, text);
        self.read()
    }

    fn close(mut self, id: StreamId) -> Self {
        self.mux.close(id);
        self.read()
    }

    /// Lets the terminal have what there is; our newlines are what a terminal driver makes of them.
    fn read(mut self) -> Self {
        let bytes = self.mux.take().stdout;
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            match line.strip_suffix(b"\n") {
                Some(line) => self.terminal.process(&[line, b"\r\n"].concat()),
                None => self.terminal.process(line),
            }
        }
        self
    }

    fn lines(&self) -> Vec<String> {
        let contents = self.terminal.screen().contents();
        contents.lines().map(|line| line.trim_end().to_owned()).collect()
    }

    #[track_caller]
    fn shows(self, expected: &[&str]) -> Self {
        assert_eq!(self.lines(), expected);
        self
    }

    /// The colour of the character that stands at this place, counted from 0.
    fn colour(&self, row: u16, column: u16) -> vt100::Color {
        self.terminal.screen().cell(row, column).unwrap().fgcolor()
    }
}

#[expect(clippy::disallowed_methods, reason = "an Instant has no other beginning; the tests only add to it")]
fn start() -> Instant {
    Instant::now()
}

const RED: vt100::Color = vt100::Color::Idx(1);
const CYAN: vt100::Color = vt100::Color::Idx(6);
const PLAIN: vt100::Color = vt100::Color::Default;

#[test]
fn a_progress_bar_moves_in_its_line() {
    let bar = Test::new().feed(WEB, "10%\r").after(100).shows(&["web.1  | 10%"]);
    let bar = bar.feed(WEB, "20%\r").feed(WEB, "30%\r").after(100).shows(&["web.1  | 30%"]);
    let bar = bar.feed(WEB, "9%").after(100).shows(&["web.1  | 9%"]);
    bar.feed(WEB, "\rdone\nnext\n").shows(&["web.1  | done", "web.1  | next"]);
    Test::new().feed(WEB, "\r10%").after(100).feed(WEB, "\r20%\n").shows(&["web.1  | 20%"]);
    Test::new().feed(WEB, "10%\r20%\r30%\r\n").shows(&["web.1  | 30%"]);
    Test::new().feed(WEB, "10%\r").after(100).feed(WEB, "\n\n").shows(&["web.1  | 10%", "web.1  |"]);
    Test::new().feed(WEB, "10%\r").after(100).close(WEB).say("x").shows(&["web.1  | 10%", "system | x"]);
}

#[test]
fn a_progress_bar_that_erases_its_line_itself_is_shown_like_one_that_does_not() {
    let bar = Test::new().feed(WEB, "\x1b[2K\x1b[1Gbuilding 1").after(200).shows(&["web.1  | building 1"]);
    bar.feed(WEB, "\x1b[2K\x1b[1G2").after(200).feed(WEB, "\r\x1b[Kdone\x1b[K\n").shows(&["web.1  | done"]);
}

#[test]
fn what_comes_between_leaves_the_bar_where_it_was_and_the_next_one_is_shown_below() {
    let bar = Test::new().feed(WEB, "10%\r").after(100).feed(WORKER, "hello\n").feed(WEB, "20%\r");
    let lines = ["web.1  | 10%", "job.1  | hello", "web.1  | 20%"];
    bar.after(100).shows(&lines).say("x").feed(WEB, "\n").shows(&[&lines[..], &["system | x"]].concat());
}

#[test]
fn a_terminal_that_cannot_erase_gets_a_line_for_each_update() {
    let bar = Test::on(Terminal { can_erase: false }, false).feed(WEB, "10%\r").after(100);
    bar.feed(WEB, "20%\r").after(100).feed(WEB, "\n").shows(&["web.1  | 10%", "web.1  | 20%"]);
}

#[test]
fn ten_thousand_updates_in_a_second_are_ten_on_the_screen() {
    let mut test = Test::on(Terminal { can_erase: false }, false);
    for update in 0..10_000 {
        test = test.feed(WEB, &format!("{update}\r"));
        if update % 10 == 9 {
            test = test.after(1);
        }
    }
    let test = test.feed(WEB, "last\n");
    let lines = test.lines();
    assert!((9..=11).contains(&lines.len()), "{lines:?}");
    assert_eq!(lines.last().unwrap(), "web.1  | last");
}

#[test]
fn a_bar_without_end_is_never_a_long_line() {
    let mut test = Test::on(Terminal { can_erase: false }, false);
    for _ in 0..20 {
        test = test.feed(WEB, &"x\r".repeat(64 * 1024));
    }
    test.feed(WEB, "\n").shows(&["web.1  | x"]);
}

#[test]
fn a_carriage_return_before_a_newline_is_nothing() {
    Test::new().feed(WEB, "one\r\n\r\ntwo\r\r\n").shows(&["web.1  | one", "web.1  |", "web.1  | two"]);
    Test::new().feed(WEB, "one").after(200).feed(WEB, "\r\n").shows(&["web.1  | one"]);
}

#[test]
fn a_colour_left_on_is_taken_up_on_the_next_line_and_colours_nothing_else() {
    let test = Test::on(Terminal { can_erase: true }, true);
    let test = test.feed(WEB, "a\x1b[31mred\n").feed(WORKER, "plain\n").feed(WEB, "red\n").say("said");
    let test = test.shows(&["web.1  | ared", "job.1  | plain", "web.1  | red", "system | said"]);
    assert_eq!([0, 9, 10, 12].map(|column| test.colour(0, column)), [CYAN, PLAIN, RED, RED]);
    assert_eq!([0, 9].map(|column| test.colour(1, column)), [CYAN, PLAIN]);
    assert_eq!([0, 9].map(|column| test.colour(2, column)), [CYAN, RED]);
    assert_eq!(test.colour(3, 9), PLAIN);
    assert_eq!(test.terminal.screen().fgcolor(), PLAIN);
}

#[test]
fn a_colour_set_in_what_is_written_over_is_on_in_what_takes_its_place() {
    let test = Test::new().feed(WEB, "\x1b[31m10%\r20%").after(100);
    assert_eq!(test.colour(0, 9), RED);
    let test = test.feed(WEB, "\r30%").after(100).shows(&["web.1  | 30%"]);
    assert_eq!(test.colour(0, 9), RED);
    assert_eq!(test.terminal.screen().fgcolor(), PLAIN);
}

#[test]
fn a_colour_in_a_tail_goes_on_when_the_line_does() {
    let test = Test::new().feed(WEB, "\x1b[31ma").after(200).feed(WEB, "b\n").shows(&["web.1  | ab"]);
    assert_eq!([9, 10].map(|column| test.colour(0, column)), [RED, RED]);
}

#[test]
fn what_a_terminal_would_obey_is_shown_also_in_our_own_lines() {
    let test = Test::new().feed(WEB, "a\x1b[2Jb\x07\n").say("pid 1 (\x1b]0;x\x07) is still alive");
    test.shows(&["web.1  | a␛[2Jb␇", "system | pid 1 (␛]0;x␇) is still alive"]);
}

#[test]
fn a_sequence_that_never_ends_is_shown_with_its_line() {
    Test::new().feed(WEB, "a\x1b[3").after(200).feed(WEB, "\nb\n").shows(&["web.1  | a␛[3", "web.1  | b"]);
    Test::new().feed(WEB, "a\x1b[3").after(200).close(WEB).shows(&["web.1  | a␛[3"]);
    Test::new().feed(WEB, "\x1b").close(WEB).shows(&["web.1  | ␛"]);
}

/// A frame of a progress bar, a newline, or something that happens meanwhile.
#[derive(Debug, Clone)]
enum Step {
    Frame(bool, u16),
    Newline(bool),
    Wait(u64),
    Say,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (any::<bool>(), 0..1000_u16).prop_map(|(is_web, number)| Step::Frame(is_web, number)),
        1 => any::<bool>().prop_map(Step::Newline),
        2 => (0..150_u64).prop_map(Step::Wait),
        1 => Just(Step::Say),
    ]
}

proptest! {
    #[test]
    fn the_last_state_of_every_bar_is_on_the_screen(steps in proptest::collection::vec(step(), 0..60), returns_first: bool) {
        let mut test = Test::new();
        let (mut last, mut expected) = ([None; 2], [Vec::new(), Vec::new()]);
        let id = |is_web: bool| if is_web { WEB } else { WORKER };
        let finish = [Step::Newline(true), Step::Newline(false)];
        for step in steps.into_iter().chain(finish) {
            test = match step {
                Step::Frame(is_web, number) => {
                    last[usize::from(is_web)] = Some(number);
                    test.feed(id(is_web), &if returns_first { format!("\r{number}%") } else { format!("{number}%\r") })
                }
                Step::Newline(is_web) => {
                    expected[usize::from(is_web)].extend(last[usize::from(is_web)].take());
                    test.feed(id(is_web), "\n")
                }
                Step::Wait(millis) => test.after(millis),
                Step::Say => test.say("said"),
            };
        }
        let lines = test.lines();
        for (name, expected) in ["job.1  | ", "web.1  | "].iter().zip(expected) {
            let mut shown = lines.iter().filter_map(|line| line.strip_prefix(name));
            for number in expected {
                prop_assert!(shown.any(|line| line == format!("{number}%")), "{number} {lines:?}");
            }
        }
        prop_assert!(lines.iter().all(|line| line.is_empty() || line.contains(" |")), "{lines:?}");
    }
}
