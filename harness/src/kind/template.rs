//! Configuration files from templates.

use std::io::{self, Write};

use minijinja::machinery::{Token, tokenize};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, Value, filters, tests as asks};

/// How many instructions a template may take: some hundred times what a lab of hundreds of sessions needs.
const FUEL: u64 = 2_000_000;

/// The longest text that a template gives, in bytes.
const LONGEST: usize = 4 << 20;

/// The statements of a template that a scenario brings.
const STATEMENTS: [&str; 7] = ["if", "elif", "else", "endif", "for", "endfor", "raw"];

/// Fills a template of ours in; a name that it uses and the values lack is an error, not an empty string.
pub(crate) fn fill(template: &str, values: serde_json::Value) -> Result<String, String> {
    let mut environment = Environment::empty();
    environment.add_filter("int", filters::int);
    environment.add_test("none", asks::is_none);
    render(environment, template, values)
}

/// Fills in a template that a scenario brings: it can insert values, and choose and repeat text by them. It can neither read a
/// file nor build a value that is larger than those that it is given: time and memory are bounded.
pub(crate) fn fill_given(template: &str, values: serde_json::Value) -> Result<String, String> {
    let mut before = None;
    for token in tokenize(template, false, syntax()?) {
        let (token, span) = token.map_err(|error| format!("template: {error:#}"))?;
        let refused = match &token {
            Token::Ident(word) if matches!(before, Some(Token::BlockStart)) && !STATEMENTS.contains(word) => {
                Some((*word).to_owned())
            }
            // Each can make a value larger than what it was made from.
            Token::Plus => Some("+".to_owned()),
            Token::Mul => Some("*".to_owned()),
            Token::Pow => Some("**".to_owned()),
            Token::Tilde => Some("~".to_owned()),
            Token::BracketOpen => Some("[".to_owned()),
            Token::BraceOpen => Some("{".to_owned()),
            _ => None,
        };
        if let Some(word) = refused {
            return Err(format!(
                "template, line {}: `{word}` is not for templates of scenarios: expected `{{{{ NAME }}}}`, `if` and `for`",
                span.start_line
            ));
        }
        before = Some(token);
    }
    let mut environment = Environment::empty();
    environment.add_filter("default", filters::default);
    environment.add_filter("int", filters::int);
    environment.add_filter("length", filters::length);
    environment.add_filter("lower", filters::lower);
    environment.add_filter("trim", filters::trim);
    environment.add_filter("upper", filters::upper);
    environment.add_test("none", asks::is_none);
    environment.add_test("defined", asks::is_defined);
    render(environment, template, values)
}

fn syntax() -> Result<SyntaxConfig, String> {
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build();
    syntax.map_err(|error| error.to_string())
}

fn render(mut environment: Environment<'_>, template: &str, values: serde_json::Value) -> Result<String, String> {
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_syntax(syntax()?);
    environment.set_fuel(Some(FUEL));
    // Else an error shows the values, and keys are among them.
    environment.set_debug(false);
    let wrong = |error: minijinja::Error| format!("template: {error:#}");
    let mut text = Bounded::default();
    let template = environment.template_from_str(template).map_err(wrong)?;
    let rendered = template.render_captured_to(Value::from(Serde(values)), &mut text);
    if text.full {
        return Err(format!("template: its text is too large: expected {} MiB at most", LONGEST >> 20));
    }
    drop(rendered.map_err(wrong)?);
    String::from_utf8(text.written).map_err(|error| error.to_string())
}

/// Takes so much, and no more.
#[derive(Default)]
struct Bounded {
    written: Vec<u8>,
    full: bool,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.written.len() + bytes.len() > LONGEST {
            self.full = true;
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.written.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lines_of_blocks_leave_no_trace_and_unknown_names_are_refused() {
        for fill in [fill, fill_given] {
            let filled = fill("a\n{% for x in xs %}\n\tb {{ x }};\n{% endfor %}\n", json!({ "xs": [1, 2] }));
            assert_eq!(filled.as_deref(), Ok("a\n\tb 1;\n\tb 2;\n"));
            assert!(fill("{{ nothing }}", json!({})).is_err());
        }
    }

    #[test]
    fn a_given_template_chooses_and_inserts() {
        let values = json!({ "a": "x", "b": { "c": 3 } });
        let template =
            "{{ a }} {{ b.c }} {{ d | default('e') }} {% if b.c > 2 %}yes{% else %}no{% endif %} [+~*] { set }";
        assert_eq!(fill_given(template, values).as_deref(), Ok("x 3 e yes [+~*] { set }"));
    }

    #[test]
    fn a_given_template_has_no_way_to_larger_values_and_none_to_files() {
        for template in [
            "{% set a = 1 %}",
            "{% with a = 1 %}{% endwith %}",
            "{% macro a() %}{% endmacro %}",
            "{% include '/etc/passwd' %}",
            "{% filter upper %}{% endfilter %}",
            "{% extends 'a' %}",
            "{% import 'a' as b %}",
            "{%- set a = 1 %}",
            "{{ x ~ x }}",
            "{{ x + x }}",
            "{{ x * 9 }}",
            "{{ 9 ** 9 }}",
            "{% for a in [x, x] %}{% endfor %}",
            "{{ {'a': x} }}",
            "{{ x | replace('', x) }}",
            "{{ x | join(x) }}",
            "{{ x | indent(99) }}",
            "{{ range(9) }}",
            "{{ namespace() }}",
        ] {
            assert!(fill_given(template, json!({ "x": "x" })).is_err(), "{template}");
        }
    }

    #[test]
    fn time_and_text_are_bounded() {
        let many: Vec<u32> = (0..2000).collect();
        let endless = "{% for a in xs %}{% for b in xs %}{% for c in xs %}{% endfor %}{% endfor %}{% endfor %}";
        let error = fill_given(endless, json!({ "xs": many })).expect_err("no end");
        assert!(error.contains("fuel"), "{error}");
        let large = "{% for a in xs %}{{ text }}{% endfor %}";
        let error = fill_given(large, json!({ "xs": many, "text": "x".repeat(10_000) })).expect_err("too large");
        assert!(error.contains("too large"), "{error}");
    }

    #[test]
    fn an_error_shows_no_value() {
        for template in ["{{ key }}{{ nothing }}", "{% if key > nothing.a %}{% endif %}", "{{ key | nothing }}"] {
            let error = fill_given(template, json!({ "key": "sesame" })).expect_err("no such name");
            assert!(!error.contains("sesame"), "{error}");
        }
    }
}
