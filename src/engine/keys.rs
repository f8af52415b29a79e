//! What the keys mean that are pressed in the terminal of a run. Pure: it reads nothing, shows nothing, does nothing.

/// What the keys are, in a line.
pub(super) const SHORT: &str = "keys: r restart, f focus, s status, ? help, q stop";

/// What the keys are, in full.
pub(super) const HELP: [&str; 6] = [
    "r  restart a process: its number, or its name and Enter; Esc leaves it",
    "f  show the output of one process only; pressed again, of all",
    "s  show how the processes stand",
    "q  stop all and exit, as `proc down` does",
    "?  show this",
    "Ctrl-C stops all, a second one at once; `--no-keys` switches the keys off",
];

const ESCAPE: u8 = 0x1b;
const BACKSPACES: [u8; 2] = [0x7f, 0x08];

/// What is to be done with one process that is chosen among many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To restart it.
    Restart,
    /// To show only what it writes.
    Focus,
}

/// What has come of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Pressed {
    /// Nothing.
    Nothing,
    /// The keys are to be explained.
    Help,
    /// It is to be said how everybody stands.
    Status,
    /// Everything is to end.
    Down,
    /// Everybody's output is to be shown again.
    Unfocus,
    /// A question is to be asked, or what is typed as its answer has changed.
    Asking(String),
    /// The question is not to be answered any more.
    Left,
    /// This is to be done with the process that has this place in the list.
    Chosen(Purpose, usize),
    /// Nobody has this name or number.
    Unknown(String),
}

/// What was pressed so far.
#[derive(Debug, Default)]
pub(super) struct Keys {
    choice: Option<Choice>,
    escape: Escape,
}

/// A question that is open.
#[derive(Debug)]
struct Choice {
    purpose: Purpose,
    typed: String,
}

/// How much has come of a key that sends more than one character (an arrow: `ESC [ A`).
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Escape {
    #[default]
    None,
    /// `ESC`, which may be all.
    Begun,
    /// `ESC [` or `ESC O`: it ends with a letter.
    Inside,
}

impl Keys {
    /// Takes a key; `names` are the processes there are to choose from.
    pub(super) fn press(&mut self, key: u8, names: &[String], is_focused: bool) -> Pressed {
        if self.is_of_escape(key) {
            return if key == ESCAPE && self.choice.take().is_some() {
                Pressed::Left
            } else {
                Pressed::Nothing
            };
        }
        match self.choice.take() {
            Some(choice) => self.answer(choice, key, names),
            None => self.begin(key, names, is_focused),
        }
    }

    /// Whether a key is a part of one that sends more than one character.
    fn is_of_escape(&mut self, key: u8) -> bool {
        let (next, is_part) = match (self.escape, key) {
            (_, ESCAPE) => (Escape::Begun, true),
            (Escape::Inside, b'@'..=b'~') => (Escape::None, true),
            (Escape::Begun, b'[' | b'O') | (Escape::Inside, _) => (Escape::Inside, true),
            (Escape::None | Escape::Begun, _) => (Escape::None, false),
        };
        self.escape = next;
        is_part
    }

    fn begin(&mut self, key: u8, names: &[String], is_focused: bool) -> Pressed {
        match key {
            b'?' | b'h' => Pressed::Help,
            b's' => Pressed::Status,
            b'q' => Pressed::Down,
            b'f' if is_focused => Pressed::Unfocus,
            b'r' => self.choose(Purpose::Restart, names),
            b'f' => self.choose(Purpose::Focus, names),
            _ => Pressed::Nothing,
        }
    }

    /// Asks which one, unless there is only one.
    fn choose(&mut self, purpose: Purpose, names: &[String]) -> Pressed {
        match names {
            [] => Pressed::Nothing,
            [_] => Pressed::Chosen(purpose, 0),
            _ => self.ask(Choice { purpose, typed: String::new() }, names),
        }
    }

    fn ask(&mut self, choice: Choice, names: &[String]) -> Pressed {
        let verb = match choice.purpose {
            Purpose::Restart => "restart",
            Purpose::Focus => "focus on",
        };
        let list: Vec<String> =
            names.iter().enumerate().map(|(place, name)| format!("{} {name}", place + 1)).collect();
        let question = format!("{verb} which? {} > {}", list.join(", "), choice.typed);
        self.choice = Some(choice);
        Pressed::Asking(question)
    }

    fn answer(&mut self, mut choice: Choice, key: u8, names: &[String]) -> Pressed {
        match key {
            b'\r' | b'\n' if choice.typed.is_empty() => return Pressed::Left,
            b'\r' | b'\n' => {
                return match meant(&choice.typed, names) {
                    Some(place) => Pressed::Chosen(choice.purpose, place),
                    None => Pressed::Unknown(choice.typed),
                };
            }
            _ if BACKSPACES.contains(&key) => drop(choice.typed.pop()),
            b'!'..=b'~' => choice.typed.push(char::from(key)),
            _ => {}
        }
        match certain(&choice.typed, names) {
            Some(place) => Pressed::Chosen(choice.purpose, place),
            None => self.ask(choice, names),
        }
    }
}

/// Which of them a number means that cannot become another one.
fn certain(typed: &str, names: &[String]) -> Option<usize> {
    let number: usize = typed.parse().ok().filter(|number| (1..=names.len()).contains(number))?;
    let can_go_on = number * 10 <= names.len() || names.iter().any(|name| name.starts_with(typed));
    (!can_go_on).then_some(number - 1)
}

/// Which of them a number means, a name, or the beginning of only one name.
fn meant(typed: &str, names: &[String]) -> Option<usize> {
    if let Some(place) = names.iter().position(|name| name == typed) {
        return Some(place);
    }
    if let Some(number) = typed.parse::<usize>().ok().filter(|number| (1..=names.len()).contains(number)) {
        return Some(number - 1);
    }
    let mut alike = (0..names.len()).filter(|place| names[*place].starts_with(typed));
    alike.next().filter(|_| alike.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(count: usize) -> Vec<String> {
        (1..=count).map(|number| format!("web.{number}")).chain(["clock.1".to_owned()]).collect()
    }

    /// What comes of the last of these keys, pressed one after another.
    fn last(keys: &str, names: &[String]) -> Pressed {
        let mut state = Keys::default();
        let pressed = keys.bytes().map(|key| state.press(key, names, false));
        pressed.last().unwrap_or(Pressed::Nothing)
    }

    #[test]
    fn each_key_has_its_meaning_and_others_have_none() {
        for (keys, expected) in [
            ("?", Pressed::Help),
            ("s", Pressed::Status),
            ("q", Pressed::Down),
            ("x", Pressed::Nothing),
            ("\r", Pressed::Nothing),
            ("Q", Pressed::Nothing),
        ] {
            assert_eq!(last(keys, &names(2)), expected, "{keys:?}");
        }
    }

    #[test]
    fn one_of_many_is_chosen_by_its_number_or_its_name() {
        use Purpose::{Focus, Restart};
        let asked = |text: &str| Pressed::Asking(text.to_owned());
        for (keys, expected) in [
            ("r", asked("restart which? 1 web.1, 2 web.2, 3 clock.1 > ")),
            ("fc", asked("focus on which? 1 web.1, 2 web.2, 3 clock.1 > c")),
            ("rcx\x7f", asked("restart which? 1 web.1, 2 web.2, 3 clock.1 > c")),
            ("r2", Pressed::Chosen(Restart, 1)),
            ("fweb.2\r", Pressed::Chosen(Focus, 1)),
            ("rcl\n", Pressed::Chosen(Restart, 2)),
            ("rweb\r", Pressed::Unknown("web".to_owned())),
            ("r7\r", Pressed::Unknown("7".to_owned())),
            ("r\r", Pressed::Left),
            ("rcl\x1b", Pressed::Left),
            ("rq", asked("restart which? 1 web.1, 2 web.2, 3 clock.1 > q")),
            ("rcl\x1bq", Pressed::Down),
        ] {
            assert_eq!(last(keys, &names(2)), expected, "{keys:?}");
        }
    }

    #[test]
    fn a_number_that_may_become_another_waits_for_enter() {
        let names = names(12);
        assert!(matches!(last("r1", &names), Pressed::Asking(_)));
        assert_eq!(last("r1\r", &names), Pressed::Chosen(Purpose::Restart, 0));
        assert_eq!(last("r12", &names), Pressed::Chosen(Purpose::Restart, 11));
        assert_eq!(last("r2", &names), Pressed::Chosen(Purpose::Restart, 1));
    }

    #[test]
    fn of_one_process_nothing_is_asked() {
        assert_eq!(last("r", &["web.1".to_owned()]), Pressed::Chosen(Purpose::Restart, 0));
        assert_eq!(last("f", &[]), Pressed::Nothing);
    }

    #[test]
    fn the_key_that_focuses_shows_all_again() {
        assert_eq!(Keys::default().press(b'f', &names(2), true), Pressed::Unfocus);
    }

    #[test]
    fn a_key_that_sends_more_than_one_character_means_nothing() {
        for keys in ["\x1b[A", "\x1b[15~", "\x1bOq", "\x1b[1;5s", "\x1b"] {
            assert_eq!(last(keys, &names(2)), Pressed::Nothing, "{keys:?}");
        }
        assert_eq!(last("\x1b[Aq", &names(2)), Pressed::Down);
    }

    proptest::proptest! {
        #[test]
        fn any_keys_are_taken_without_a_panic(keys in proptest::collection::vec(0_u8.., 0..60), count in 0_usize..20) {
            let (names, mut state) = (names(count), Keys::default());
            for key in keys {
                let pressed = state.press(key, &names, false);
                if let Pressed::Chosen(_, place) = pressed {
                    proptest::prop_assert!(place < names.len());
                }
            }
        }
    }
}
