//! The grammar as tables, what each error looks like, and that no value is ever shown.

use std::time::Duration;

use nix::sys::resource::UsageWho;
use nix::sys::time::TimeValLike;

use super::*;
use crate::model::template::Segment;

/// The entries, variables as `<NAME>` and `<NAME|default>`.
fn read(text: &str) -> Vec<(String, String)> {
    let file = parse(text.as_bytes()).unwrap();
    file.entries.into_iter().map(|entry| (entry.key, show(&entry.value))).collect()
}

fn show(template: &Template) -> String {
    let show = |segment: &Segment| match segment {
        Segment::Literal(text) => text.clone(),
        Segment::Variable { name, default: None } => format!("<{name}>"),
        Segment::Variable { name, default: Some(default) } => format!("<{name}|{}>", show(default)),
    };
    template.segments().iter().map(show).collect()
}

/// All errors of a text, each as it is drawn.
fn draw(text: &str) -> String {
    let errors = parse(text.as_bytes()).unwrap_err();
    errors.iter().map(|error| error.diagnose(".env", text).to_string()).collect::<Vec<_>>().join("\n")
}

#[test]
fn each_row_of_the_grammar_gives_its_value() {
    for (line, value) in [
        ("K=v", "v"),
        ("export K=v", "v"),
        ("export\t K = v", "v"),
        ("K = v", "v"),
        (" \tK=v", "v"),
        ("K=a b  c", "a b  c"),
        ("K=v \t ", "v"),
        ("K=", ""),
        ("K=  ", ""),
        ("K=a=b==", "a=b=="),
        ("K=val # c", "val"),
        ("K=val\t# c", "val"),
        ("K=val#c", "val#c"),
        ("K=a#b # c # d", "a#b"),
        ("K=#x", "#x"),
        ("K= #x", ""),
        ("K=####", "####"),
        ("K=it's", "it's"),
        ("K=a\"b\"", "a\"b\""),
        ("K=[\"http://x\"]", "[\"http://x\"]"),
        (r"K=C:\new\$A", r"C:\new\<A>"),
        ("K=''", ""),
        ("K=\"\"", ""),
        ("K='a # b $A \\n'", "a # b $A \\n"),
        ("K= 'a' ", "a"),
        ("K='a' # c", "a"),
        ("K=\"a # b\"\t#c", "a # b"),
        (r#"K="l1\nl2\ta\\b\"c\"\$A\x""#, "l1\nl2\ta\\b\"c\"$A\\x"),
        ("K='a\nb'", "a\nb"),
        ("K=\"a\n#b\n\n c\" # d", "a\n#b\n\n c"),
        ("K=$A/${B}/${C:-d e}", "<A>/<B>/<C|d e>"),
        ("K=\"$A ${B:-\\$c}\"", "<A> <B|$c>"),
        ("K=`id` $(id)", "`id` $(id)"),
        ("K=${A:-x #y}", "${A:-x"),
    ] {
        assert_eq!(read(line), [("K".into(), value.into())], "{line}");
        assert_eq!(read(&format!("{line}\n")), [("K".into(), value.into())], "{line} LF");
        let crlf = format!("{}\r\n", line.replace('\n', "\r\n"));
        assert_eq!(read(&crlf), [("K".into(), value.into())], "{line} CRLF");
    }
}

#[test]
fn keys_are_what_the_grammar_says() {
    for key in ["K", "_", "a.b-c_1", "DASH-K", "export", "exported", "x."] {
        assert_eq!(read(&format!("{key}=v")), [(key.into(), "v".into())], "{key}");
        assert!(is_key(key), "{key}");
    }
    for key in ["", "1K", "-a", ".a", "a b", "a:", "h\u{e9}", "a/b", " a"] {
        assert!(!is_key(key), "{key}");
    }
    assert_eq!(read("export = v\nexport export=w"), [("export", "v"), ("export", "w")].map(pair));
}

fn pair((key, value): (&str, &str)) -> (String, String) {
    (key.into(), value.into())
}

#[test]
fn blank_lines_comments_and_a_bom_are_skipped() {
    let text = "\u{feff}A=1\n\n  \t\n# c=d\n  # 'e\r\n\r\nB=2";
    assert_eq!(read(text), [("A", "1"), ("B", "2")].map(pair));
    assert_eq!(read("\u{feff}"), []);
    assert_eq!(read(""), []);
}

#[test]
fn duplicates_are_kept_in_file_order() {
    assert_eq!(read("A=1\nB=2\nA=3\n"), [("A", "1"), ("B", "2"), ("A", "3")].map(pair));
}

#[test]
fn an_entry_knows_its_line_and_its_source() {
    let text = "\u{feff}# c\r\n  export A = '1\r\n2' # d\r\n\nB=3 # e\nC=\"\n\"\nD=";
    let file = parse(text.as_bytes()).unwrap();
    let found: Vec<_> =
        file.entries.iter().map(|entry| (entry.line, &text[entry.span.start..entry.span.end])).collect();
    assert_eq!(found, [(2, "export A = '1\r\n2' # d"), (5, "B=3 # e"), (6, "C=\"\n\""), (8, "D=")]);
}

#[test]
fn each_error_has_its_kind_and_place() {
    use EnvFileError as E;
    for (text, start, end, kind) in [
        ("word", 0, 4, E::NoEquals),
        ("  two words ", 2, 12, E::NoEquals),
        ("export K", 0, 8, E::NoEquals),
        ("http://x", 0, 8, E::NoEquals),
        ("K: v", 1, 2, E::Colon),
        ("K : a=b", 2, 3, E::Colon),
        ("K:", 1, 2, E::Colon),
        ("=v", 0, 1, E::NoKey),
        ("A=1\n = v", 5, 6, E::NoKey),
        ("1K=v", 0, 2, E::BadKey),
        ("a b =v", 0, 3, E::BadKey),
        ("export a b=v", 7, 10, E::BadKey),
        ("h\u{e9}=v", 0, 3, E::BadKey),
        ("K='v", 2, 3, E::Unclosed(Quote::Single)),
        ("K= \"v'\\\"", 3, 4, E::Unclosed(Quote::Double)),
        ("K='a'b", 5, 6, E::AfterQuote { opened: None }),
        ("K=\"a\" \"b\" ", 6, 10, E::AfterQuote { opened: None }),
        ("K='a'#c", 5, 7, E::AfterQuote { opened: None }),
        ("\nK='a\nb' c", 9, 10, E::AfterQuote { opened: Some(2) }),
        ("K=a\0b", 3, 4, E::Nul),
        ("# \0", 2, 3, E::Nul),
        ("K='a\n\0'", 5, 6, E::Nul),
    ] {
        let found = parse(text.as_bytes()).unwrap_err();
        assert_eq!(found, [ParseError { span: Span::new(start, end), kind }], "{text:?}");
    }
}

#[test]
fn a_file_that_is_too_large_or_not_utf8_is_one_error() {
    let large = parse(&vec![b'='; LARGEST + 1]).unwrap_err();
    assert_eq!(large, [ParseError { span: Span::new(0, 0), kind: EnvFileError::TooLarge }]);
    let latin1 = parse(b"1=\nK=h\xe9\n2=").unwrap_err();
    assert_eq!(latin1, [ParseError { span: Span::new(6, 7), kind: EnvFileError::NotUtf8 }]);
    assert!(parse(&vec![b'\n'; LARGEST]).is_ok());
}

#[test]
fn all_errors_are_found_up_to_a_quote_that_is_never_closed() {
    use EnvFileError as E;
    let text = "1=x\nA='ok'\nword\nB='a\nb' c\nK: v\n=x\nC=\"open\nword\n";
    let kinds: Vec<_> = parse(text.as_bytes()).unwrap_err().into_iter().map(|error| error.kind).collect();
    assert_eq!(
        kinds,
        [
            E::BadKey,
            E::NoEquals,
            E::AfterQuote { opened: Some(4) },
            E::Colon,
            E::NoKey,
            E::Unclosed(Quote::Double)
        ]
    );
}

#[test]
fn errors_of_keys_show_the_key_only() {
    insta::assert_snapshot!(draw("1KEY=hunter2\n=hunter2\nMY KEY = hunter2\nexport a b=hunter2\n"), @"
    .env:1:1: this is not a key
     1 | 1KEY=
       | ^^^^
      hint: a key has letters, digits, `_`, `.` and `-`, and begins with a letter or `_`
    .env:2:1: no key before the `=`
     2 | =
       | ^
      hint: a key has letters, digits, `_`, `.` and `-`, and begins with a letter or `_`
    .env:3:1: this is not a key
     3 | MY KEY =
       | ^^^^^^
      hint: a key has letters, digits, `_`, `.` and `-`, and begins with a letter or `_`
    .env:4:8: this is not a key
     4 | export a b=
       |        ^^^
      hint: a key has letters, digits, `_`, `.` and `-`, and begins with a letter or `_`
    ");
}

#[test]
fn errors_of_lines_without_equals_show_nothing() {
    insta::assert_snapshot!(draw("hunter2\nPASSWORD: hunter2\n"), @"
    .env:1:1: no `=` in this line
      hint: write KEY=value; a comment begins with `#`
    .env:2:9: `:` after the key where `=` belongs
      hint: write KEY=value
    ");
}

#[test]
fn errors_of_quotes_show_the_key_only() {
    insta::assert_snapshot!(draw("A='a' hunter2\nB='a\nb' hunter2\nC=\"hunter2\n"), @r#"
    .env:1:7: text after the closing quote
     1 | A=
       |   ^
      hint: put all of the value in quotes; a comment needs a blank before `#`
    .env:3:4: text after the closing quote of the value that begins in line 2
      hint: put all of the value in quotes; a comment needs a blank before `#`
    .env:4:3: this double quote is never closed
     4 | C=
       |   ^
      hint: close it with ", or put a value that begins with " in '…'
    "#);
    insta::assert_snapshot!(draw("export A='hunter2\n"), @r#"
    .env:1:10: this single quote is never closed
     1 | export A=
       |          ^
      hint: close it with ', or put a value that begins with ' in "…"
    "#);
}

#[test]
fn other_errors_say_what_they_are() {
    insta::assert_snapshot!(draw("A=hunter2\0\n"), @".env:1:10: a NUL byte");
    insta::assert_snapshot!(draw(&format!("A={}", "${B:-".repeat(DEPTH + 1))), @"
    .env:1:1: more than 16 defaults inside one another
     1 | A=
       | ^^
    ");
    insta::assert_snapshot!(draw(&"\n".repeat(LARGEST + 1)), @".env:1:1: the file is larger than 1 MiB");
    let text = b"A=1\nB=hunter2\xff\n";
    let error = &parse(text).unwrap_err()[0];
    insta::assert_snapshot!(error.diagnose(".env", &String::from_utf8_lossy(text)), @".env:2:10: not UTF-8");
}

#[test]
fn what_may_be_a_value_is_never_shown() {
    for text in [
        "MIIEowIBAAKCAQEA\n",
        "1IEowIBAAKCAQEA==\n",
        "1IEowIBAAKCAQEA=\n",
        "1IEow+BA/KCAQ=x\n",
        "https://shop:hunter2@host/?a=b\n",
        "0123456789012345678901234567890123=v\n",
        "K='\nsecret' hunter2=2\n",
        "{\"hunter2\": \"a=b\"}\n",
        "K='a\nsecret=\0'\n",
    ] {
        for error in parse(text.as_bytes()).unwrap_err() {
            assert_eq!(error.diagnose(".env", text).excerpt, None, "{text:?}");
        }
    }
}

#[test]
fn debug_forms_show_no_value() {
    let file = parse(b"A=hunter2\nB=\"hunter2 $hunter2 ${C:-hunter2}\"\n").unwrap();
    let shown = format!("{file:?} {file:#?} {:?}", file.entries[1].value);
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn a_hostile_file_is_read_in_time_that_grows_with_its_size() {
    let fill = |unit: &str| unit.repeat(LARGEST / 8 / unit.len());
    for unit in [
        "A='\nB=\"\n",
        "A=\"\\\"\n",
        "\"",
        "'",
        "${A:-",
        "${",
        "}",
        "$A",
        "#",
        " #",
        "=\n",
        "\r",
        "\r\n",
        "A=#a",
        "A=\\\"\n",
        "A='a'b\n",
        "\\",
        "A=\"\\\\\n",
        " ",
        "A='\n'x\n",
    ] {
        for text in [fill(unit), format!("A={}", &fill(unit)[2..]), format!("A=\"{}", &fill(unit)[3..])] {
            let started = cpu_time();
            let _ = parse(text.as_bytes());
            let took = cpu_time().saturating_sub(started);
            assert!(took < Duration::from_secs(2), "{unit:?} took {took:?}");
        }
    }
}

/// What this thread has used of the processor; other load on the machine does not count.
fn cpu_time() -> Duration {
    let usage = nix::sys::resource::getrusage(UsageWho::RUSAGE_THREAD).unwrap();
    Duration::from_micros(u64::try_from(usage.user_time().num_microseconds()).unwrap())
}

#[test]
fn the_quoted_form_of_a_value_is_the_simplest_that_reads_back() {
    for (value, quoted) in [
        ("", ""),
        ("a1", "a1"),
        ("postgres://shop:x@host/db", "postgres://shop:x@host/db"),
        ("a b", "'a b'"),
        ("a#b", "'a#b'"),
        ("$A", "'$A'"),
        ("say \"hi\"", "'say \"hi\"'"),
        ("a\tb", "'a\tb'"),
        ("h\u{e9}", "'h\u{e9}'"),
        ("it's", "\"it's\""),
        ("a\nb", r#""a\nb""#),
        ("a\r\nb", r#""a\r\nb""#),
        ("it's $5 \"\\\"", r#""it's \$5 \"\\\"""#),
        (r"\", r#""\\""#),
    ] {
        assert_eq!(quote(value), quoted);
        assert_eq!(parsed_alone(quoted).as_deref(), Some(value));
    }
}

/// The value of `K=quoted`, which must be the only entry and literal.
fn parsed_alone(quoted: &str) -> Option<String> {
    let file = parse(format!("K={quoted}\n").as_bytes()).ok()?;
    let [entry] = file.entries.as_slice() else { return None };
    entry.value.as_literal().map(ToOwned::to_owned)
}

proptest::proptest! {
    #[test]
    fn any_value_without_nul_reads_back_as_it_was(value in r#"(?s)([^\x00]|[$\\'"{}# \t\r\n]){0,30}"#) {
        proptest::prop_assert_eq!(parsed_alone(&quote(&value)), Some(value));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
        let _ = parse(&bytes);
    }

    #[test]
    fn any_error_points_into_the_text_and_can_be_drawn(
        text in r#"(?s)([AK1=:'"$\\{}# \t\r\n\x00\u{feff}]|\PC|export |\$\{A:-){0,60}"#
    ) {
        match parse(text.as_bytes()) {
            Ok(file) => for entry in file.entries {
                let source = &text[entry.span.start..entry.span.end];
                let line = text[..entry.span.start].matches('\n').count() + 1;
                proptest::prop_assert_eq!(entry.line, line);
                let again = parse(source.as_bytes()).unwrap();
                proptest::prop_assert_eq!(again.entries.len(), 1);
                proptest::prop_assert_eq!(&again.entries[0].value, &entry.value);
            },
            Err(errors) => for error in errors {
                proptest::prop_assert!(error.span.end <= text.len() && error.span.start <= error.span.end);
                let _ = error.diagnose(".env", &text).to_string();
            },
        }
    }
}
