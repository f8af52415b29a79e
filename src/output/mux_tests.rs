//! What the mux makes of streams, and the proof that it loses nothing of them.

use super::super::line::LONGEST;
use super::super::palette::Colour;
use super::*;
use crate::model::policy::Timestamps;
use proptest::prelude::*;

const WEB: StreamId = StreamId(1);
const WORKER: StreamId = StreamId(2);

fn label(process_type: &str) -> Label {
    let process = format!("{process_type}.1");
    Label { process, process_type: process_type.to_owned(), index: Some(1), colour: Colour::nth(0) }
}

fn mux(format: LogFormat, is_terminal: bool) -> Mux {
    let terminal = is_terminal.then_some(Terminal { can_erase: true });
    Mux::new(Formatter::new(format, Timestamps::None, false, 0), terminal, 1 << 20)
}

/// A mux on a virtual clock.
struct Test {
    mux: Mux,
    now: Instant,
}

impl Test {
    /// With the streams WEB and WORKER open.
    fn new(format: LogFormat, terminal: bool) -> Self {
        let mut mux = mux(format, terminal);
        mux.open(WEB, label("web"), Some(7), Stream::Stdout, false);
        mux.open(WORKER, label("worker"), Some(8), Stream::Stdout, false);
        Self { mux, now: start() }
    }

    fn terminal() -> Self {
        Self::new(LogFormat::Text, true)
    }

    fn feed(mut self, id: StreamId, text: &str) -> Self {
        self.mux.feed(id, text.as_bytes(), self.now);
        self
    }

    fn close(mut self, id: StreamId) -> Self {
        self.mux.close(id);
        self
    }

    fn say(mut self, text: &str) -> Self {
        self.mux.say(None, None, text);
        self
    }

    fn after(mut self, millis: u64) -> Self {
        self.now += Duration::from_millis(millis);
        self.mux.show_tails(self.now);
        self
    }

    fn prints(mut self, expected: &str) {
        assert_eq!(String::from_utf8(self.mux.take().stdout).unwrap(), expected);
    }
}

#[expect(clippy::disallowed_methods, reason = "an Instant has no other beginning; the tests only add to it")]
fn start() -> Instant {
    Instant::now()
}

#[test]
fn a_line_is_printed_whole_when_its_newline_has_come() {
    Test::new(LogFormat::Text, false)
        .feed(WEB, "on")
        .feed(WORKER, "two\n")
        .feed(WEB, "e\nthree\n")
        .prints("worker.1 | two\nweb.1  | one\nweb.1  | three\n");
}

#[test]
fn in_focus_one_process_and_what_is_ours_are_shown() {
    let mut test = Test::new(LogFormat::Text, false).feed(WEB, "one\nunfinished").feed(WORKER, "two\n");
    test.mux.set_focus(Some("worker.1".to_owned()));
    assert_eq!(test.mux.focus(), Some("worker.1"));
    test = test.feed(WEB, " line\nunseen\nnor th").feed(WORKER, "three\n").say("ours");
    test.mux.set_focus(None);
    test.feed(WEB, "is\nseen again\n").feed(WORKER, "four\n").prints(
        "web.1  | one\nworker.1 | two\nweb.1  | unfinished\nworker.1 | three\nsystem | ours\n\
         web.1  | seen again\nworker.1 | four\n",
    );
}

#[test]
fn a_process_that_comes_out_of_focus_in_the_middle_of_a_line_ends_it_on_the_screen() {
    let mut test = Test::terminal().feed(WEB, "password: ").after(200);
    test.mux.set_focus(Some("worker.1".to_owned()));
    test = test.feed(WEB, "typed\n").feed(WORKER, "two\n").close(WEB).after(1000);
    test.prints("web.1  | password: \nworker.1 | two\n");
}

#[test]
fn a_question_of_ours_stays_open_and_is_shown_again_below_what_comes_between() {
    let mut test = Test::terminal();
    test.mux.ask(Some("which? "));
    test.mux.ask(Some("which? w"));
    test = test.feed(WORKER, "two\n");
    test.mux.ask(Some("which? we"));
    test.mux.ask(None);
    test.mux.ask(None);
    test.say("ours").prints(
        "system | which? \r\x1b[Ksystem | which? w\r\x1b[Kworker.1 | two\nsystem | which? we\nsystem | ours\n",
    );
}

#[test]
fn a_question_that_is_open_is_shown_again_at_the_end_of_what_took_its_place() {
    let mut test = Test::terminal();
    test.mux.ask(Some("which? w"));
    drop(test.mux.take());
    test = test.feed(WORKER, "two\nthree\n");
    let taken = String::from_utf8(test.mux.take().stdout).unwrap();
    assert_eq!(taken, "\r\x1b[Kworker.1 | two\nworker.1 | three\nsystem | which? w");
    assert_eq!(test.mux.take(), Formatted::default());
    test.mux.ask(None);
    test.say("ours").prints("\nsystem | ours\n");
}

#[test]
fn a_question_that_may_need_more_than_a_line_is_not_erased() {
    let mut test = Test::terminal();
    let question = format!("{}? ", "which ".repeat(20));
    test.mux.ask(Some(&question));
    test = test.feed(WORKER, "two\n");
    test.prints(&format!("system | {question}\nworker.1 | two\n"));
}

#[test]
fn a_tail_is_printed_with_a_newline_when_its_stream_ends() {
    Test::new(LogFormat::Text, false)
        .feed(WEB, "one\ntail")
        .close(WEB)
        .prints("web.1  | one\nweb.1  | tail\n");
    Test::new(LogFormat::Raw, false).feed(WEB, "one\ntail").close(WEB).prints("one\ntail");
    Test::new(LogFormat::Text, false).feed(WEB, "one\n").close(WEB).prints("web.1  | one\n");
}

#[test]
fn a_json_tail_is_partial() {
    let mut test = Test::new(LogFormat::Json, true).feed(WEB, "one\ntail").close(WEB);
    let stdout = String::from_utf8(test.mux.take().stdout).unwrap();
    let partial: Vec<_> = stdout.lines().map(|line| line.contains(r#""partial":true"#)).collect();
    assert_eq!(partial, [false, true]);
}

#[test]
fn on_a_terminal_a_tail_is_shown_when_it_has_waited() {
    Test::terminal().feed(WEB, "> ").after(199).prints("");
    Test::terminal().feed(WEB, "> ").after(199).after(1).prints("web.1  | > ");
}

#[test]
fn elsewhere_a_tail_is_never_shown_before_its_end() {
    for (format, terminal) in [(LogFormat::Text, false), (LogFormat::Json, true), (LogFormat::Raw, true)] {
        let test = Test::new(format, terminal).feed(WEB, "> ");
        assert_eq!(test.mux.next_deadline(), None);
        test.after(1000).prints("");
    }
}

#[test]
fn a_shown_tail_goes_on_in_its_line() {
    let dots = Test::terminal().feed(WEB, ".").after(200).feed(WEB, ".").after(200);
    dots.feed(WEB, ". done\nnext\n").prints("web.1  | ... done\nweb.1  | next\n");
    Test::terminal().feed(WEB, "one").after(200).feed(WEB, "\n").prints("web.1  | one\n");
    Test::terminal().feed(WEB, "one").after(200).close(WEB).prints("web.1  | one\n");
    Test::terminal().feed(WEB, "o").after(200).feed(WEB, "ne").close(WEB).prints("web.1  | one\n");
}

#[test]
fn what_comes_between_gets_a_line_of_its_own_and_the_rest_a_prefix() {
    let shown = || Test::terminal().feed(WEB, "one").after(200);
    shown().feed(WORKER, "w\n").feed(WEB, "+\n").prints("web.1  | one\nworker.1 | w\nweb.1  | +\n");
    shown().say("stopping").feed(WEB, "+\n").prints("web.1  | one\nsystem | stopping\nweb.1  | +\n");
    shown().feed(WORKER, "w").after(200).prints("web.1  | one\nworker.1 | w");
}

#[test]
fn a_newline_that_was_put_in_stands_for_the_one_that_comes() {
    let broken = || Test::terminal().feed(WEB, "one").after(200).say("x");
    broken().feed(WEB, "\n\ntwo\n").prints("web.1  | one\nsystem | x\nweb.1  | \nweb.1  | two\n");
    broken().close(WEB).prints("web.1  | one\nsystem | x\n");
}

#[test]
fn the_deadline_is_that_of_the_tail_that_has_waited_longest() {
    let test = Test::terminal().feed(WEB, "a").after(50).feed(WORKER, "b").feed(WEB, "b");
    let due = |test: &Test| test.mux.next_deadline().map(|deadline| deadline - test.now);
    assert_eq!(due(&test), Some(Duration::from_millis(150)));
    let test = test.feed(WEB, "\n");
    assert_eq!(due(&test), Some(Duration::from_millis(200)));
    let test = test.after(200);
    assert_eq!(due(&test), None);
    assert_eq!(due(&test.after(10).feed(WORKER, "\nnew")), Some(Duration::from_millis(200)));
}

#[test]
fn a_hidden_stream_prints_nothing() {
    let mut test = Test::terminal();
    test.mux.open(WEB, label("web"), Some(7), Stream::Stdout, true);
    test.feed(WEB, "one\ntail").after(200).close(WEB).prints("");
}

#[test]
fn in_raw_format_our_own_lines_go_to_standard_error() {
    let mut test = Test::new(LogFormat::Raw, true).feed(WEB, "one\n").say("stopping");
    test.mux.say(Some(&label("web")), Some(7), "exited with code 1");
    let Formatted { stdout, stderr } = test.mux.take();
    assert_eq!(String::from_utf8(stdout).unwrap(), "one\n");
    assert_eq!(String::from_utf8(stderr).unwrap(), "system | stopping\nweb.1 | exited with code 1\n");
    assert_eq!(test.mux.take(), Formatted::default());
}

#[test]
fn each_line_of_what_we_say_has_its_prefix() {
    Test::terminal().say("one\ntwo").prints("system | one\nsystem | two\n");
}

#[test]
fn an_endless_line_is_cut_in_text_and_whole_in_raw() {
    let endless = "x".repeat(LONGEST + 1);
    let cut = format!("web.1  | {}\nweb.1  | x\n", "x".repeat(LONGEST));
    Test::new(LogFormat::Text, false).feed(WEB, &endless).close(WEB).prints(&cut);
    Test::new(LogFormat::Raw, false).feed(WEB, &endless).close(WEB).prints(&endless);
}

#[test]
fn unfinished_lines_are_bounded_in_all_streams_together() {
    let formatter = Formatter::new(LogFormat::Text, Timestamps::None, false, 0);
    let mut test = Test { mux: Mux::new(formatter, None, 10), ..Test::new(LogFormat::Text, false) };
    for (id, process_type) in [(WEB, "web"), (WORKER, "worker")] {
        test.mux.open(id, label(process_type), None, Stream::Stdout, false);
    }
    let cut = test.feed(WEB, "12345678").feed(WORKER, "12").feed(WORKER, "345").feed(WORKER, "6\n");
    let rest = cut.feed(WEB, "9\n").feed(WEB, "1234567890").feed(WEB, "1").close(WEB);
    rest.prints("worker.1 | 12345\nworker.1 | 6\nweb.1  | 123456789\nweb.1  | 12345678901\n");
}

#[test]
fn a_stream_that_is_opened_again_is_closed_first() {
    let mut test = Test::new(LogFormat::Text, false).feed(WEB, "tail");
    test.mux.open(WEB, label("clock"), None, Stream::Stdout, false);
    test.feed(WEB, "new\n").prints("web.1  | tail\nclock.1 | new\n");
}

/// One thing that happens to a mux with [`STREAMS`] streams.
#[derive(Debug, Clone)]
enum Step {
    Feed(u64, Vec<u8>),
    Wait(u64),
    Say,
}

const STREAMS: u64 = 3;

fn step() -> impl Strategy<Value = Step> {
    // Nothing here begins like a prefix; the letter of the stream is put in for 0.
    let byte = prop_oneof![5 => Just(0), 2 => Just(b'\n'), 1 => Just(0xff), 1 => Just(0x1b)];
    let bytes = proptest::collection::vec(byte, 0..12);
    prop_oneof![
        6 => (0..STREAMS, bytes).prop_map(|(id, bytes)| Step::Feed(id, bytes)),
        3 => (0..250_u64).prop_map(Step::Wait),
        1 => Just(Step::Say),
    ]
}

/// Any bytes, cut anywhere.
fn any_bytes() -> impl Strategy<Value = Step> {
    let byte = prop_oneof![4 => any::<u8>(), 1 => Just(b'\n')];
    let bytes = proptest::collection::vec(byte, 0..40);
    (0..STREAMS, bytes).prop_map(|(id, bytes)| Step::Feed(id, bytes))
}

fn letter(id: u64) -> u8 {
    b"abc"[usize::try_from(id).unwrap()]
}

fn name(id: u64) -> String {
    format!("p{id}.1   | ")
}

/// What went into each stream, and everything that came out; all streams are closed at the end.
fn run(steps: &[Step], terminal: bool) -> (Vec<Vec<u8>>, Vec<u8>) {
    let mut mux = mux(LogFormat::Text, terminal);
    for id in 0..STREAMS {
        mux.open(StreamId(id), label(&format!("p{id}")), None, Stream::Stdout, false);
    }
    let (mut now, mut inputs, mut output) = (start(), vec![Vec::new(); 3], Vec::new());
    for step in steps {
        match step {
            Step::Feed(id, bytes) => {
                let bytes: Vec<_> =
                    bytes.iter().map(|byte| if *byte == 0 { letter(*id) } else { *byte }).collect();
                inputs[usize::try_from(*id).unwrap()].extend_from_slice(&bytes);
                mux.feed(StreamId(*id), &bytes, now);
            }
            Step::Wait(millis) => {
                now += Duration::from_millis(*millis);
                mux.show_tails(now);
            }
            Step::Say => mux.say(None, None, "said"),
        }
        output.extend(mux.take().stdout);
    }
    (0..STREAMS).for_each(|id| mux.close(StreamId(id)));
    output.extend(mux.take().stdout);
    (inputs, output)
}

/// The lines of an input, the last one too if it has no newline.
fn lines(input: &[u8]) -> Vec<Vec<u8>> {
    let mut lines: Vec<_> = input.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    lines.pop_if(|tail| tail.is_empty());
    lines
}

/// The lines of a stream as they stand in the output, without their prefixes.
fn lines_of(output: &[u8], id: u64) -> Vec<Vec<u8>> {
    let lines = output.split(|byte| *byte == b'\n');
    lines.filter_map(|line| line.strip_prefix(name(id).as_bytes())).map(<[u8]>::to_vec).collect()
}

/// The bytes as the filter of a terminal shows them.
fn seen(bytes: &[u8]) -> Vec<u8> {
    let text: String = bytes.escape_ascii().to_string().replace("\\x1b", "␛").replace("\\n", "\n");
    text.into_bytes()
}

/// Whether `lines` is `input` with newlines put in at most: none lost, none moved.
fn is_input_with_breaks(lines: &[Vec<u8>], input: &[u8]) -> bool {
    let mut rest = input;
    for line in lines {
        let Some(after) = rest.strip_prefix(line.as_slice()) else { return false };
        rest = after.strip_prefix(b"\n").unwrap_or(after);
    }
    rest.is_empty()
}

/// Every physical line belongs to one stream, or is ours.
fn each_line_is_of_one_stream(output: &[u8]) -> bool {
    let whole = output.is_empty() || output.ends_with(b"\n");
    let mut lines = output.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    whole
        && lines.all(|line| {
            let of = |id: &u64| line.strip_prefix(name(*id).as_bytes());
            match (0..STREAMS).find(|id| of(id).is_some()) {
                Some(id) => of(&id)
                    .unwrap()
                    .iter()
                    .all(|byte| *byte == letter(id) || b"\\xf\xff\x1b\xe2\x90\x9b".contains(byte)),
                None => line == b"system | said",
            }
        })
}

proptest! {
    #[test]
    fn without_a_terminal_every_stream_comes_out_as_it_went_in(
        steps in proptest::collection::vec(step(), 0..60),
    ) {
        let (inputs, output) = run(&steps, false);
        prop_assert!(each_line_is_of_one_stream(&output), "{}", output.escape_ascii());
        for (id, input) in (0..STREAMS).zip(inputs) {
            prop_assert_eq!(lines_of(&output, id), lines(&input));
        }
    }

    #[test]
    fn without_a_terminal_any_bytes_come_out_as_they_went_in(
        steps in proptest::collection::vec(any_bytes(), 0..40),
    ) {
        let (inputs, output) = run(&steps, false);
        for (id, input) in (0..STREAMS).zip(&inputs) {
            prop_assert_eq!(lines_of(&output, id), lines(input));
        }
        let fed: usize = inputs.iter().map(|input| lines(input).len()).sum();
        prop_assert_eq!(lines(&output).len(), fed, "nothing else is in it");
    }

    #[test]
    fn on_a_terminal_nothing_but_line_breaks_is_put_in(
        steps in proptest::collection::vec(step(), 0..60),
    ) {
        let (inputs, output) = run(&steps, true);
        prop_assert!(each_line_is_of_one_stream(&output), "{}", output.escape_ascii());
        for (id, input) in (0..STREAMS).zip(inputs) {
            let lines = lines_of(&output, id);
            prop_assert!(is_input_with_breaks(&lines, &seen(&input)), "{lines:?} {}", input.escape_ascii());
        }
    }
}
