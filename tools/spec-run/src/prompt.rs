//! Where the prompt comes from.

use crate::args::PromptArgs;
use crate::error::RunError;
use std::io::Read;
use std::path::Path;

/// A prompt as it was given.
#[derive(Debug, PartialEq, Eq)]
pub enum Prompt {
    /// A text.
    Text(String),
    /// Tokens, taken as they are.
    Tokens(Vec<u32>),
}

impl Prompt {
    /// Reads what the command line names.
    ///
    /// # Errors
    /// A file cannot be read, or is not UTF-8.
    pub fn read(args: &PromptArgs) -> Result<Self, RunError> {
        if let Some(tokens) = &args.prompt_tokens {
            return Ok(Self::Tokens(tokens.clone()));
        }
        if let Some(text) = &args.prompt {
            return Ok(Self::Text(text.clone()));
        }
        let bytes = match &args.prompt_file {
            Some(path) if path.as_path() != Path::new("-") => {
                let name = path.display().to_string();
                let bytes = std::fs::read(path);
                (
                    bytes.map_err(|source| RunError::Prompt {
                        name: name.clone(),
                        source,
                    })?,
                    name,
                )
            }
            _ => {
                let name = "the standard input".to_owned();
                let mut bytes = vec![];
                let read = std::io::stdin().lock().read_to_end(&mut bytes);
                read.map_err(|source| RunError::Prompt {
                    name: name.clone(),
                    source,
                })?;
                (bytes, name)
            }
        };
        text(bytes.0, bytes.1).map(Self::Text)
    }
}

/// The text of a file, without the line break that ends its last line.
fn text(bytes: Vec<u8>, name: String) -> Result<String, RunError> {
    let mut text = String::from_utf8(bytes).map_err(|e| RunError::Utf8 {
        name,
        at: e.utf8_error().valid_up_to(),
    })?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_break_at_the_end_of_a_file_goes() {
        let of = |t: &str| text(t.into(), String::new()).unwrap();
        assert_eq!(of("a\n\n"), "a\n");
        assert_eq!(of("a\r\n"), "a");
        assert_eq!(of("a\r"), "a\r");
        assert_eq!(of(""), "");
    }

    #[test]
    fn what_is_not_text_is_refused_with_the_place() {
        let error = text(vec![b'a', 0xc3, b'b'], "p.txt".into()).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("p.txt is not UTF-8 at byte 1:")
        );
    }

    #[test]
    fn files_that_are_not_there_are_named() {
        let args = PromptArgs {
            prompt: None,
            prompt_file: Some("no/such.txt".into()),
            prompt_tokens: None,
            stdin: None,
        };
        let error = Prompt::read(&args).unwrap_err().to_string();
        assert!(error.starts_with("cannot read no/such.txt: "), "{error}");
    }
}
