//! What has come of every process, and what must come next.

use crate::checked::checksum;
use std::collections::BTreeMap;

/// An account for each process, checked line by line.
pub(crate) struct Ledger {
    accounts: BTreeMap<String, Account>,
    lines: u64,
    /// The beginning of a line whose end has not come.
    rest: Vec<u8>,
    /// Whose lines do not count.
    others: Vec<String>,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Account {
    has_started: bool,
    lines: u64,
    has_exited: bool,
}

impl Ledger {
    /// For processes of these names, which write so many lines each.
    pub(crate) fn new(names: &[&str], lines: u64) -> Self {
        let accounts = names.iter().map(|name| ((*name).to_owned(), Account::default())).collect();
        Self { accounts, lines, rest: Vec::new(), others: Vec::new() }
    }

    /// The same, whatever this one writes.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.others.push(name.to_owned());
        self
    }

    /// Enters the next bytes of an output in text form.
    pub(crate) fn text(&mut self, bytes: &[u8]) {
        self.each_line(bytes, |this, line| {
            let bar = memchr::memmem::find(line, b" | ")
                .unwrap_or_else(|| panic!("no prefix: {}", line.escape_ascii()));
            let name = str::from_utf8(&line[..bar]).unwrap().trim_end();
            this.enter(name, &line[bar + 3..]);
        });
    }

    /// Enters the next bytes of an output in json form.
    pub(crate) fn json(&mut self, bytes: &[u8]) {
        self.each_line(bytes, |this, line| {
            let record: serde_json::Value = serde_json::from_slice(line).unwrap();
            this.enter(record["process"].as_str().unwrap(), record["line"].as_str().unwrap().as_bytes());
        });
    }

    /// All that each process wrote has come, and then its end.
    #[track_caller]
    pub(crate) fn is_complete(&self) {
        let complete = Account { has_started: true, lines: self.lines, has_exited: true };
        assert!(self.accounts.values().all(|account| *account == complete), "{:?}", self.accounts);
        assert!(self.rest.is_empty(), "after the last newline: {}", self.rest.escape_ascii());
    }

    fn each_line(&mut self, bytes: &[u8], mut each: impl FnMut(&mut Self, &[u8])) {
        self.rest.extend_from_slice(bytes);
        let text = std::mem::take(&mut self.rest);
        let mut begin = 0;
        for end in memchr::memchr_iter(b'\n', &text) {
            each(self, &text[begin..end]);
            begin = end + 1;
        }
        self.rest.extend_from_slice(&text[begin..]);
    }

    /// Enters a line that stands under this name.
    fn enter(&mut self, name: &str, line: &[u8]) {
        let shown = || line.escape_ascii();
        if self.others.iter().any(|other| other == name) {
            return;
        }
        let account = self.accounts.get_mut(name).unwrap_or_else(|| panic!("of whom? {name}: {}", shown()));
        assert!(!account.has_exited, "{name} has exited, and then: {}", shown());
        if !account.has_started {
            assert!(line.starts_with(b"started with pid "), "{name} begins with: {}", shown());
            account.has_started = true;
        } else if line == b"exited with code 0" {
            assert_eq!(account.lines, self.lines, "{name} exits, and not all has come");
            account.has_exited = true;
        } else {
            account.lines += 1;
            let number = number(line, name);
            assert_eq!(number, Some(account.lines), "of {name} comes: {}", shown());
        }
    }
}

/// The number of a line that this process wrote; none if it is anything else.
fn number(line: &[u8], name: &str) -> Option<u64> {
    let (text, sum) = line.split_at_checked(line.len().checked_sub(17)?)?;
    let sum = u64::from_str_radix(str::from_utf8(sum.strip_prefix(b" ")?).ok()?, 16).ok()?;
    let number =
        text.strip_prefix(name.as_bytes())?.strip_prefix(b" ")?.split(|byte| *byte == b' ').next()?;
    (checksum(text) == sum).then_some(())?;
    str::from_utf8(number).ok()?.parse().ok()
}

#[test]
fn the_ledger_sees_what_is_lost_torn_moved_or_somebody_elses() {
    let mut page = Vec::new();
    (1..=3).for_each(|number| crate::checked::write_line(&mut page, "a.1", number));
    let page = String::from_utf8(page).unwrap();
    let lines: Vec<&str> = page.lines().collect();
    let accepts = |name: &str, lines: &[&str]| {
        let all = ["started with pid 1"].iter().chain(lines).chain(&["exited with code 0"]);
        let records: Vec<String> = all.map(|line| format!("{name} | {line}\n")).collect();
        let check = || {
            let mut ledger = Ledger::new(&[name], 3);
            records.concat().as_bytes().chunks(7).for_each(|chunk| ledger.text(chunk));
            ledger.is_complete();
        };
        std::panic::catch_unwind(check).is_ok()
    };
    let [one, two, three] = lines[..] else { panic!("{page}") };
    assert!(accepts("a.1", &[one, two, three]));
    assert!(!accepts("a.2", &[one, two, three]));
    let torn = format!("{}{}", &one[..one.len() / 2], &two[two.len() / 2..]);
    for wrong in
        [&[one, two][..], &[one, three, two], &[one, two, two], &[one, &torn, three], &[one, "", three]]
    {
        assert!(!accepts("a.1", wrong), "{wrong:?}");
    }
}
