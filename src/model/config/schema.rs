//! The JSON schema of `proc.toml`, for editors: made of the structs of `file.rs`, and of the forms that values take.

use super::file::{Dependency, ProcToml, Watch};
use super::word::Word;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::Value;
use std::borrow::Cow;
use std::marker::PhantomData;

/// The schema, as the text of its file.
#[must_use]
pub fn schema() -> String {
    let settings = SchemaSettings::draft07().with_transform(RecursiveTransform(tidy));
    let schema = settings.into_generator().into_root_schema_for::<ProcToml>();
    // A value of JSON can be written as JSON.
    let text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text + "\n"
}

/// Takes null away, for TOML has none, and the ends of lines in descriptions.
fn tidy(schema: &mut Schema) {
    if let Some(Value::String(text)) = schema.get_mut("description") {
        *text = text.replace('\n', " ");
    }
    let is_null = |value: &Value| value == "null" || value.get("type").is_some_and(|word| word == "null");
    for key in ["type", "anyOf"] {
        let Some(Value::Array(list)) = schema.get_mut(key) else { continue };
        list.retain(|value| !is_null(value));
        let [one] = &mut list[..] else { continue };
        let one = one.take();
        schema.remove(key);
        if let Value::Object(object) = one {
            schema.ensure_object().extend(object);
        } else {
            schema.insert(key.to_owned(), one);
        }
    }
    if let Some(Value::Array(words)) = schema.get_mut("enum") {
        words.retain(|word| !word.is_null());
    }
}

/// A form of a value: a type that there is for its schema only.
macro_rules! form {
    ($(#[$doc:meta])* $name:ident = $schema:tt) => {
        $(#[$doc])*
        pub(super) struct $name;

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

form!(
    /// The version of the format.
    VersionForm = { "const": 1 }
);
form!(
    /// A port.
    PortForm = { "type": "integer", "minimum": 1, "maximum": 65535 }
);
form!(
    /// A number of instances.
    Count = { "type": "integer", "minimum": 0, "maximum": 10000 }
);
form!(
    /// A number of tries.
    Tries = { "type": "integer", "minimum": 1, "maximum": 10000 }
);
form!(
    /// What is run.
    CommandText = { "type": "string", "pattern": "\\S" }
);
form!(
    /// A duration: a bare number is seconds.
    DurationText = {
        "anyOf": [{ "type": "string", "pattern": "^([0-9.]+|([0-9.]+(ms|s|m|h))+)$" }, { "type": "number", "minimum": 0 }],
        "examples": ["500ms", "1m30s", 10]
    }
);
form!(
    /// A duration that may have no end.
    GraceText = {
        "anyOf": [{ "type": "string", "pattern": "^(inf|[0-9.]+|([0-9.]+(ms|s|m|h))+)$" }, { "type": "number", "minimum": 0 }],
        "examples": ["500ms", "1m30s", 10, "inf"]
    }
);
form!(
    /// A number of restarts that may have no end.
    Restarts = { "anyOf": [{ "type": "integer", "minimum": 1 }, { "const": "inf" }] }
);
form!(
    /// A signal by name or number.
    SignalForm = {
        "anyOf": [{ "type": "string", "pattern": "^(SIG)?[A-Za-z0-9]+$" }, { "type": "integer", "minimum": 1, "maximum": 64 }],
        "examples": ["SIGINT", "QUIT", 15]
    }
);
form!(
    /// What a TCP probe connects to.
    TcpForm = { "anyOf": [{ "const": true }, { "type": "integer", "minimum": 1, "maximum": 65535 }] }
);
form!(
    /// A text, or several.
    Texts = { "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }] }
);
form!(
    /// Variables and their values.
    EnvForm = {
        "type": "object",
        "propertyNames": { "pattern": "^[A-Za-z_][A-Za-z0-9_.-]*$" },
        "additionalProperties": { "type": ["string", "number", "boolean"] }
    }
);

/// One of some words.
pub(super) struct OneOf<T>(PhantomData<T>);

impl<T: Word> JsonSchema for OneOf<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "OneOf".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let words: Vec<&str> = T::WORDS.iter().chain(T::ALIASES).map(|(word, _)| *word).collect();
        json_schema!({ "type": "string", "enum": words })
    }
}

/// Dependencies: names, or names with what must be so of them.
pub(super) struct DependsOnForm;

impl JsonSchema for DependsOnForm {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "DependsOn".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let names = generator.subschema_for::<Vec<String>>();
        let word = generator.subschema_for::<OneOf<crate::model::settings::Condition>>();
        let table = generator.subschema_for::<Dependency>();
        json_schema!({ "anyOf": [names, { "type": "object", "additionalProperties": { "anyOf": [word, table] } }] })
    }
}

/// What is watched: paths, or a table.
pub(super) struct WatchForm;

impl JsonSchema for WatchForm {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "WatchOrPaths".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let paths = generator.subschema_for::<Vec<String>>();
        let table = generator.subschema_for::<Watch>();
        json_schema!({ "anyOf": [paths, table] })
    }
}

/// The keys of each table, as the schema has them: the name of its definition (none for the file itself), and its properties.
#[cfg(test)]
pub(super) fn keys() -> std::collections::BTreeMap<String, Vec<String>> {
    let text = schema();
    let value: Value = serde_json::from_str(&text).unwrap();
    let properties = |value: &Value| value["properties"].as_object().unwrap().keys().cloned().collect();
    let definitions = value["definitions"].as_object().unwrap();
    let mut keys: std::collections::BTreeMap<String, Vec<String>> =
        definitions.iter().map(|(name, value)| (name.clone(), properties(value))).collect();
    keys.insert(String::new(), properties(&value));
    keys
}
