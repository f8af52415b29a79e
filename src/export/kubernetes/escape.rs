//! Text in which `$(NAME)` is a variable to Kubernetes: its escaper. That is what a container runs, what probes run in it, and `value` of
//! its environment; a `ConfigMap` and a Secret mean what they say.

/// The text as it is written: `$$` is one `$`, and one before anything but `(` and `$` means itself
/// (Kubernetes API, Container: `args`).
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        escaped.push(char);
        if char == '$' && matches!(chars.peek(), Some('$' | '(')) {
            escaped.push('$');
        }
    }
    escaped
}

/// Each word of these, escaped.
pub(super) fn words(words: &[String]) -> Vec<String> {
    words.iter().map(|word| escaped(word)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the kubelet makes of it (`third_party/forked/golang/expansion`), for a container that has the variable `A`.
    fn expanded(text: &str) -> String {
        let mut expanded = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            expanded.push_str(before);
            rest = if let Some(after) = after.strip_prefix('$') {
                expanded.push('$');
                after
            } else if let Some((name, after)) =
                after.strip_prefix('(').and_then(|after| after.split_once(')'))
            {
                expanded.push_str(if name == "A" { "value" } else { "" });
                after
            } else {
                expanded.push('$');
                after
            };
        }
        expanded + rest
    }

    #[test]
    fn a_dollar_is_doubled_where_it_would_not_mean_itself() {
        for (text, expected) in [
            ("$PORT", "$PORT"),
            ("$(A)", "$$(A)"),
            ("$$", "$$$"),
            ("$$(A)", "$$$$(A)"),
            ("$", "$"),
            ("${A}", "${A}"),
        ] {
            assert_eq!(escaped(text), expected, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn the_kubelet_makes_of_it_what_it_was(text in "[$()A ]{0,24}|\\PC{0,30}") {
            proptest::prop_assert_eq!(expanded(&escaped(&text)), text);
        }
    }
}
