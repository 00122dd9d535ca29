//! Configuration files from templates.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, Value};

/// Fills a template in; a name that it uses and the values lack is an error, not an empty string.
pub(crate) fn fill(template: &str, values: serde_json::Value) -> Result<String, String> {
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build();
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_syntax(syntax.map_err(|error| error.to_string())?);
    environment.render_str(template, Value::from(Serde(values))).map_err(|error| format!("template: {error:#}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lines_of_blocks_leave_no_trace_and_unknown_names_are_refused() {
        let filled = fill("a\n{% for x in xs %}\n\tb {{ x }};\n{% endfor %}\n", json!({ "xs": [1, 2] }));
        assert_eq!(filled.as_deref(), Ok("a\n\tb 1;\n\tb 2;\n"));
        assert!(fill("{{ nothing }}", json!({})).is_err());
    }
}
