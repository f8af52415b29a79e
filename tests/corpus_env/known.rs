//! What is known to differ, and why; each row is checked both ways.

use super::Known;

const BARE_DOLLAR: &str = "python-dotenv expands ${A} but not $A";
const ANY_NAME: &str = "python-dotenv takes whatever stands in ${…} for a name";
const RAW_QUOTES: &str = "python-dotenv expands ${A} in single quotes";
const ESCAPED_DOLLAR: &str = "python-dotenv does not know \\$ in double quotes";
const BLANK: &str = "dotenvy stops at an unquoted value with a blank in it";
const HYPHEN: &str = "dotenvy stops at a key with - in it";
const QUOTE_AFTER_NAME: &str =
    "dotenvy takes the quote that follows $NAME for text, and stops since the value has no end";
const UNDERSCORE: &str = "dotenvy ends the name in $A_B at the _";
const INNER_QUOTES: &str = "dotenvy drops the quotes inside an unquoted value";
const FIRST_COUNTS: &str = "dotenvy takes the first of two entries, we the last";
const DEFAULT: &str = "dotenvy takes ${A:-b} for a variable of the name A:-b";
const HASH_AFTER_EQUALS: &str = "dotenvy takes a # right after the = for a comment";
const NAME_REST: &str = "dotenvy takes whatever stands in ${…} for a name";
const NO_EQUALS: &str = "a line without =, which others skip";
const TEXT: &str = "text after a closing quote, such as a comment without a blank before it";
const YAML: &str = "KEY: value";
const KEY: &str = "a key that begins with a digit or is quoted";
const ENCODING: &str = "not UTF-8";

/// The files that we refuse, for which kinds of errors: fixtures of other parsers, and one of JSON.
pub(crate) const REFUSED: &[(&str, &[&str], &str)] = &[
    ("DarthSim__godotenv__fixtures__invalid1.env.env", &["no ="], NO_EQUALS),
    ("Envek__godotenv__fixtures__comments.env.env", &["text after quote"], TEXT),
    ("Envek__godotenv__fixtures__quoted.env.env", &["no =", "text after quote"], TEXT),
    ("bkeepers__dotenv__spec__fixtures__yaml.env.env", &["colon"], YAML),
    ("compose-spec__compose-go__dotenv__fixtures__inherited-single-var.env.env", &["no ="], NO_EQUALS),
    ("compose-spec__compose-go__dotenv__fixtures__invalid1.env.env", &["no ="], NO_EQUALS),
    ("compose-spec__compose-go__dotenv__fixtures__plain.env.env", &["bad key"], KEY),
    ("compose-spec__compose-go__dotenv__fixtures__utf8-bom.env.env", &["bad key"], KEY),
    ("ddollar__forego__vendor__github.com__subosito__gotenv__.env.invalid.env", &["no ="], NO_EQUALS),
    ("joho__godotenv__fixtures__comments.env.env", &["text after quote"], TEXT),
    ("motdotla__dotenv__tests__.env-multiline.env", &["no ="], NO_EQUALS),
    ("strongloop__node-foreman__demo__.env.env", &["no ="], NO_EQUALS),
    ("subosito__gotenv__fixtures__utf16be_bom.env.env", &["not UTF-8"], ENCODING),
    ("subosito__gotenv__fixtures__utf16le_bom.env.env", &["not UTF-8"], ENCODING),
    ("vlucas__phpdotenv__tests__fixtures__env__empty.env.env", &["no ="], NO_EQUALS),
    ("vlucas__phpdotenv__tests__fixtures__env__exported.env.env", &["bad key"], KEY),
    ("vlucas__phpdotenv__tests__fixtures__env__windows.env.env", &["not UTF-8"], ENCODING),
];

/// What python-dotenv 1.x reads otherwise.
pub(crate) const PYTHON: &[Known] = &[
    ("ApprenticeofEnder__CourseFull__.env.tpl.env", Some("APP_URL"), BARE_DOLLAR),
    ("ApprenticeofEnder__CourseFull__.env.tpl.env", Some("DATABASE_URL"), BARE_DOLLAR),
    ("ApprenticeofEnder__CourseFull__.env.tpl.env", Some("JWT_SECRET"), BARE_DOLLAR),
    ("ApprenticeofEnder__CourseFull__.env.tpl.env", Some("NEXT_PUBLIC_SUPABASE_ANON_KEY"), BARE_DOLLAR),
    ("ApprenticeofEnder__CourseFull__.env.tpl.env", Some("NEXT_PUBLIC_SUPABASE_URL"), BARE_DOLLAR),
    ("ApprenticeofEnder__CourseFull__.env.tpl.env", Some("NODE_ENV"), BARE_DOLLAR),
    ("ApprenticeofEnder__CourseFull__.env.tpl.env", Some("RAILS_ENV"), BARE_DOLLAR),
    ("ApprenticeofEnder__CourseFull__.env.tpl.env", Some("STRIPE_PUBLIC_KEY"), BARE_DOLLAR),
    ("ApprenticeofEnder__CourseFull__.env.tpl.env", Some("STRIPE_SECRET_KEY"), BARE_DOLLAR),
    ("ApprenticeofEnder__CourseFull__.env.tpl.env", Some("STRIPE_WEBHOOK_SECRET"), BARE_DOLLAR),
    ("ApprenticeofEnder__CourseFull__.env.tpl.env", Some("SUPABASE_SERVICE_KEY"), BARE_DOLLAR),
    (
        "compose-spec__compose-go__dotenv__fixtures__substitutions-default.env.env",
        Some("OPTION_C"),
        BARE_DOLLAR,
    ),
    ("compose-spec__compose-go__dotenv__fixtures__substitutions.env.env", Some("OPTION_C"), BARE_DOLLAR),
    ("motdotla__dotenv__tests__.env.env", Some("DOUBLE_QUOTES_WITH_NO_SPACE_BRACKET"), BARE_DOLLAR),
    ("subosito__gotenv__fixtures__vars.env.env", Some("B"), BARE_DOLLAR),
    ("subosito__gotenv__fixtures__vars.env.env", Some("D"), BARE_DOLLAR),
    ("vlucas__phpdotenv__tests__fixtures__env__nested.env.env", Some("NVAR3"), BARE_DOLLAR),
    ("vlucas__phpdotenv__tests__fixtures__env__nested.env.env", Some("NVAR5"), BARE_DOLLAR),
    ("vlucas__phpdotenv__tests__fixtures__env__nested.env.env", Some("NVAR7"), ANY_NAME),
    ("vlucas__phpdotenv__tests__fixtures__env__nested.env.env", Some("NVAR12"), ANY_NAME),
    ("vlucas__phpdotenv__tests__fixtures__env__nested.env.env", Some("NVAR13"), RAW_QUOTES),
    ("vlucas__phpdotenv__tests__fixtures__env__nested.env.env", Some("NVAR14"), RAW_QUOTES),
    ("vlucas__phpdotenv__tests__fixtures__env__nested.env.env", Some("NVAR15"), ESCAPED_DOLLAR),
    ("vlucas__phpdotenv__tests__fixtures__env__specialchars.env.env", Some("SPVAR1"), BARE_DOLLAR),
    ("vlucas__phpdotenv__tests__fixtures__env__specialchars.env.env", Some("SPVAR3"), BARE_DOLLAR),
];

/// What dotenvy 0.15 reads otherwise; without a key: where it stops, and nothing after it is compared.
pub(crate) const DOTENVY: &[Known] = &[
    ("001Sir__helpforce__.env.example.env", None, BLANK),
    ("ApprenticeofEnder__CourseFull__.env.tpl.env", Some("APP_URL"), UNDERSCORE),
    ("ApprenticeofEnder__CourseFull__.env.tpl.env", Some("DATABASE_URL"), UNDERSCORE),
    ("ApprenticeofEnder__CourseFull__.env.tpl.env", Some("JWT_SECRET"), UNDERSCORE),
    ("ApprenticeofEnder__CourseFull__.env.tpl.env", Some("NEXT_PUBLIC_SUPABASE_ANON_KEY"), UNDERSCORE),
    ("ApprenticeofEnder__CourseFull__.env.tpl.env", Some("NEXT_PUBLIC_SUPABASE_URL"), UNDERSCORE),
    ("ApprenticeofEnder__CourseFull__.env.tpl.env", Some("NODE_ENV"), UNDERSCORE),
    ("ApprenticeofEnder__CourseFull__.env.tpl.env", Some("RAILS_ENV"), UNDERSCORE),
    ("ApprenticeofEnder__CourseFull__.env.tpl.env", Some("STRIPE_PUBLIC_KEY"), UNDERSCORE),
    ("ApprenticeofEnder__CourseFull__.env.tpl.env", Some("STRIPE_SECRET_KEY"), UNDERSCORE),
    ("ApprenticeofEnder__CourseFull__.env.tpl.env", Some("STRIPE_WEBHOOK_SECRET"), UNDERSCORE),
    ("ApprenticeofEnder__CourseFull__.env.tpl.env", Some("SUPABASE_SERVICE_KEY"), UNDERSCORE),
    ("ApprenticeofEnder__CourseFull__secrets__deploy.env.tpl.env", None, BLANK),
    ("Envek__godotenv__fixtures__plain.env.env", None, BLANK),
    (
        "Euda1mon1a__Autonomous-Assignment-Program-Manager__.docker__.env.prod.example.env",
        Some("CORS_ORIGINS"),
        INNER_QUOTES,
    ),
    (
        "Euda1mon1a__Autonomous-Assignment-Program-Manager__.env.example.env",
        Some("CORS_ORIGINS"),
        INNER_QUOTES,
    ),
    ("Euda1mon1a__Autonomous-Assignment-Program-Manager__backend__.env.example.env", None, BLANK),
    ("Flagsmith__flagsmith__api__.env-ci.env", None, BLANK),
    ("Flagsmith__flagsmith__api__.env-local.env", None, BLANK),
    ("aisecurefuture__GrantAtlasAI__.env.example.env", None, BLANK),
    ("aisecurefuture__GrantAtlasAI__.env.production.example.env", None, BLANK),
    ("aisgbizdev__nm-ai__.env.example.env", Some("OLLAMA_BASE_URL"), FIRST_COUNTS),
    ("aisgbizdev__nm-ai__.env.example.env", Some("OLLAMA_MODEL"), FIRST_COUNTS),
    ("aisgbizdev__nm-ai__.env.example.env", Some("OPENAI_API_KEY"), FIRST_COUNTS),
    ("atomicjolt__react_rails_starter_app__.env.example.env", Some("ASSETS_URL"), FIRST_COUNTS),
    ("compose-spec__compose-go__dotenv__fixtures__special.env.env", None, HYPHEN),
    ("compose-spec__compose-go__dotenv__fixtures__substitutions-default.env.env", Some("OPTION_A"), DEFAULT),
    ("compose-spec__compose-go__dotenv__fixtures__substitutions-default.env.env", Some("OPTION_B"), DEFAULT),
    ("compose-spec__compose-go__dotenv__fixtures__substitutions-default.env.env", Some("OPTION_C"), DEFAULT),
    ("compose-spec__compose-go__dotenv__fixtures__substitutions-default.env.env", Some("OPTION_D"), DEFAULT),
    ("compose-spec__compose-go__dotenv__fixtures__substitutions.env.env", Some("OPTION_C"), UNDERSCORE),
    (
        "gliderlabs__herokuish__buildpacks__buildpack-gradle__tests__gradle-getting-started__.env.env",
        None,
        BLANK,
    ),
    ("joho__godotenv__fixtures__hyphen.env.env", None, HYPHEN),
    ("motdotla__dotenv__tests__.env.env", Some("DOUBLE_QUOTES_WITH_NO_SPACE_BRACKET"), UNDERSCORE),
    ("motdotla__dotenv__tests__.env.env", None, BLANK),
    ("subosito__gotenv__fixtures__vars.env.env", None, QUOTE_AFTER_NAME),
    ("vlucas__phpdotenv__tests__fixtures__env__commented.env.env", Some("EMPTY2"), HASH_AFTER_EQUALS),
    ("vlucas__phpdotenv__tests__fixtures__env__commented.env.env", None, BLANK),
    ("vlucas__phpdotenv__tests__fixtures__env__multiple.env.env", Some("MULTI1"), FIRST_COUNTS),
    ("vlucas__phpdotenv__tests__fixtures__env__nested.env.env", Some("NVAR7"), NAME_REST),
    ("vlucas__phpdotenv__tests__fixtures__env__nested.env.env", Some("NVAR12"), NAME_REST),
    ("vlucas__phpdotenv__tests__fixtures__env__specialchars.env.env", None, QUOTE_AFTER_NAME),
];
