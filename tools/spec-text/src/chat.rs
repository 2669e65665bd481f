//! Chat templates, as Hugging Face's models have them: Jinja with Python's methods.

use crate::error::WordsError;
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior, Value, context};

/// What a template is told beside the conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chat {
    /// Whether a model that can think before it answers may: if not, templates get `enable_thinking` as false.
    pub thinking: bool,
    /// Whether `strftime_now` gives the date; if not, nothing, so that a prompt is the same on every day.
    pub dates: bool,
}

impl Default for Chat {
    fn default() -> Self {
        Self {
            thinking: true,
            dates: true,
        }
    }
}

/// The text of a conversation of one message, by the user, up to where the answer begins. `bos` and `eos` are the texts of those
/// tokens.
///
/// # Errors
/// The template is wrong, or refuses the conversation.
pub(crate) fn render(
    template: &str,
    prompt: &str,
    bos: &str,
    eos: &str,
    chat: Chat,
) -> Result<String, WordsError> {
    let failed = |error: Error| WordsError::Template(reason(&error));
    let template = without_generation(template);
    let mut environment = Environment::new();
    environment.set_syntax(syntax()?);
    environment.set_undefined_behavior(UndefinedBehavior::Lenient);
    environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    environment.add_function(
        "raise_exception",
        |message: String| -> Result<String, Error> {
            Err(Error::new(ErrorKind::InvalidOperation, message))
        },
    );
    let strftime_now = move |format: String| -> Result<String, Error> {
        if !chat.dates {
            return Ok(String::new());
        }
        let now = jiff::Zoned::now();
        let text = jiff::fmt::strtime::format(&format, &now);
        text.map_err(|e| Error::new(ErrorKind::InvalidOperation, e.to_string()))
    };
    environment.add_function("strftime_now", strftime_now);
    let template = environment.template_from_str(&template).map_err(failed)?;
    let conversation = context! {
        messages => [context! { role => "user", content => prompt }],
        add_generation_prompt => true,
        bos_token => bos,
        eos_token => eos,
        tools => (),
        documents => (),
        // not defined unless it is off, as it is for who does not ask
        enable_thinking => if chat.thinking { Value::UNDEFINED } else { Value::from(false) },
    };
    template.render(conversation).map_err(failed)
}

/// White space around blocks as `transformers` sets it.
fn syntax() -> Result<SyntaxConfig, WordsError> {
    let mut builder = SyntaxConfig::builder();
    let built = builder.trim_blocks(true).lstrip_blocks(true).build();
    built.map_err(|e| WordsError::Template(reason(&e)))
}

/// The message of an error, with its line.
fn reason(error: &Error) -> String {
    let text = error
        .detail()
        .map_or_else(|| error.to_string(), str::to_owned);
    match error.line() {
        Some(line) => format!("line {line}: {text}"),
        None => text,
    }
}

/// The template with `{% generation %}`, a tag of Hugging Face's own that marks the answers for training, made an `if`.
fn without_generation(template: &str) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(from) = rest.find("{%") {
        let (before, tag) = rest.split_at(from);
        out.push_str(before);
        let end = tag.find("%}").map_or(tag.len(), |i| i + 2);
        let (tag, after) = tag.split_at(end);
        let word = tag.trim_matches(|c: char| "{%-+}".contains(c) || c.is_whitespace());
        match word {
            "generation" => out.push_str(&tag.replace(word, "if true")),
            "endgeneration" => out.push_str(&tag.replace(word, "endif")),
            _ => out.push_str(tag),
        }
        rest = after;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHATML: &str = "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\nYou are kind.<|im_end|>\n' }}{% endif %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

    fn render(template: &str, prompt: &str, bos: &str, eos: &str) -> Result<String, WordsError> {
        super::render(template, prompt, bos, eos, Chat::default())
    }

    #[test]
    fn thinking_and_dates_can_be_left_out() {
        let template = "{% if enable_thinking is defined and enable_thinking is false %}short{% else %}long{% endif %}|\
                        {{ strftime_now('%Y') }}";
        let of = |thinking, dates| {
            let chat = Chat { thinking, dates };
            super::render(template, "", "", "", chat).unwrap()
        };
        assert_eq!(of(false, false), "short|");
        let year = of(true, true);
        assert!(year.starts_with("long|2") && year.len() == 9, "{year}");
    }

    #[test]
    fn chatml() {
        let text = render(CHATML, "Hi <b>", "", "").unwrap();
        assert_eq!(
            text,
            "<|im_start|>system\nYou are kind.<|im_end|>\n<|im_start|>user\nHi <b><|im_end|>\n<|im_start|>assistant\n"
        );
    }

    /// Methods of Python, slices, negative indices, namespaces, `break`, `is none`, white space around blocks.
    #[test]
    fn what_templates_use() {
        let template = r#"{{- bos_token }}
{%- set ns = namespace(last = '') %}
{% if tools is not none %}tools{% endif %}
{%- for message in messages[::-1] %}
    {%- if message.role == 'tool' %}{% continue %}{% endif %}
    {%- set ns.last = message['content'].strip().split(' ')[-1] %}
    {%- break %}
{%- endfor %}
{%- generation -%}
    [{{ ns.last | trim }}|{{ messages[0].get('name', 'none') }}|{{ message_count is defined }}]
{%- endgeneration %}
{{- eos_token }}"#;
        assert_eq!(
            render(template, " a b ", "<s>", "</s>").unwrap(),
            "<s>[b|none|False]</s>"
        );
    }

    #[test]
    fn dates_and_refusals() {
        let text = render("{{ strftime_now('%Y-%m-%d') }}", "", "", "").unwrap();
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        assert_eq!((text.len(), digits), (10, 8), "{text}");
        let refused = |template: &str| render(template, "x", "", "").unwrap_err().to_string();
        let error = refused("a\n{{ raise_exception('roles must alternate') }}");
        assert!(error.contains("line 2: roles must alternate"), "{error}");
        assert!(
            refused("{% for %}").contains("line 1"),
            "{}",
            refused("{% for %}")
        );
    }
}
