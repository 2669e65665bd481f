//! From text to tokens and back.

use crate::chat::{self, Chat};
use crate::error::WordsError;
use spec_runtime::text::TextInfo;
use std::path::Path;
use tokenizers::{DecodeStream, Tokenizer};

/// The form that a prompt is put into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// None; it begins with the model's BOS if the model's prompts do.
    Plain,
    /// The model's chat template, as one message by the user.
    Chat(Chat),
}

/// What a bundle knows of text: the tokenizer, if there is one, and special tokens.
#[derive(Debug)]
pub struct Words {
    tokenizer: Option<Tokenizer>,
    info: TextInfo,
}

impl Words {
    /// Reads `text.json` and the tokenizer of a bundle. Either may be missing; a tokenizer without `text.json` is used without
    /// special tokens.
    ///
    /// # Errors
    /// One of them is damaged.
    pub fn open(folder: &Path) -> Result<Self, WordsError> {
        let info = TextInfo::read(folder)?;
        let (named, info) = match info {
            Some(info) => (info.tokenizer.clone(), info),
            None => (Some("tokenizer.json".to_owned()), TextInfo::default()),
        };
        let path = named.map(|name| folder.join(name)).filter(|p| p.exists());
        let Some(path) = path else {
            let tokenizer = None;
            return Ok(Self { tokenizer, info });
        };
        match Tokenizer::from_file(&path) {
            Ok(tokenizer) => Ok(Self::new(Some(tokenizer), info)),
            Err(e) => Err(WordsError::Tokenizer {
                path,
                reason: e.to_string(),
            }),
        }
    }

    /// Of parts.
    pub fn new(tokenizer: Option<Tokenizer>, info: TextInfo) -> Self {
        Self { tokenizer, info }
    }

    /// Whether there is a tokenizer.
    pub fn has_tokenizer(&self) -> bool {
        self.tokenizer.is_some()
    }

    /// Whether there is a chat template.
    pub fn has_template(&self) -> bool {
        self.info.chat_template.is_some()
    }

    /// Tokens that end a text.
    pub fn eos(&self) -> &[u32] {
        &self.info.eos
    }

    /// The tokens of a prompt, in a form. Special tokens that are written out in the text become those tokens. `bundle` is for
    /// messages.
    ///
    /// # Errors
    /// There is no tokenizer, or no chat template, or it fails; nothing is left to go on from.
    pub fn encode(&self, bundle: &Path, text: &str, form: Form) -> Result<Vec<u32>, WordsError> {
        let tokenizer = self.tokenizer.as_ref();
        let tokenizer = tokenizer.ok_or_else(|| WordsError::NoTokenizer {
            bundle: bundle.to_owned(),
        })?;
        let encode = |text: &str| {
            let encoded = tokenizer.encode(text, false);
            encoded
                .map(|e| e.get_ids().to_vec())
                .map_err(|e| WordsError::Encode(e.to_string()))
        };
        let tokens = if let Form::Chat(chat) = form {
            let template = self.info.chat_template.as_ref();
            let template = template.ok_or(WordsError::NoTemplate)?;
            let name = |id: Option<u32>| {
                id.and_then(|id| tokenizer.id_to_token(id))
                    .unwrap_or_default()
            };
            let (bos, eos) = (name(self.info.bos), name(self.info.eos.first().copied()));
            encode(&chat::render(template, text, &bos, &eos, chat)?)?
        } else {
            let bos = self.info.bos.filter(|_| self.info.add_bos);
            bos.into_iter().chain(encode(text)?).collect()
        };
        if tokens.is_empty() {
            return Err(WordsError::EmptyPrompt);
        }
        Ok(tokens)
    }

    /// For the tokens of one answer.
    pub fn decoder(&self) -> Decoder<'_> {
        Decoder {
            tokenizer: self.tokenizer.as_ref(),
            stream: self.tokenizer.as_ref().map(|t| t.decode_stream(true)),
            tokens: vec![],
            text: String::new(),
        }
    }
}

type Stream<'a> = DecodeStream<
    'a,
    tokenizers::ModelWrapper,
    tokenizers::NormalizerWrapper,
    tokenizers::PreTokenizerWrapper,
    tokenizers::PostProcessorWrapper,
    tokenizers::DecoderWrapper,
>;

/// Makes text of tokens as they come. Without a tokenizer, their numbers with commas between.
pub struct Decoder<'a> {
    tokenizer: Option<&'a Tokenizer>,
    stream: Option<Stream<'a>>,
    tokens: Vec<u32>,
    text: String,
}

impl Decoder<'_> {
    /// The text that a token adds. What is not a whole character yet is held back.
    pub fn push(&mut self, token: u32) -> String {
        self.tokens.push(token);
        let new = match (self.tokenizer, &mut self.stream) {
            (Some(tokenizer), Some(stream)) => match stream.step(token) {
                Ok(text) => text.unwrap_or_default(),
                Err(_) => {
                    // a decoder whose text is no extension of the one before: go on with this token alone
                    let mut fresh = tokenizer.decode_stream(true);
                    let text = fresh.step(token).ok().flatten().unwrap_or_default();
                    *stream = fresh;
                    text
                }
            },
            _ if self.tokens.len() == 1 => token.to_string(),
            _ => format!(",{token}"),
        };
        self.text.push_str(&new);
        new
    }

    /// What was held back, at the end: characters that are not whole are replaced.
    pub fn finish(&mut self) -> String {
        let whole = self
            .tokenizer
            .and_then(|t| t.decode(&self.tokens, true).ok());
        let rest = whole
            .as_deref()
            .and_then(|w| w.strip_prefix(self.text.as_str()));
        let rest = rest.unwrap_or_default().to_owned();
        self.text.push_str(&rest);
        rest
    }

    /// All text so far.
    pub fn text(&self) -> &str {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHAT: Form = Form::Chat(Chat {
        thinking: false,
        dates: false,
    });

    /// Byte-level BPE without merges: token b is byte b of the GPT-2 alphabet, 256 is `<s>`, 257 is `</s>`.
    fn bytes() -> Tokenizer {
        let printable = |b: u32| matches!(b, 33..=126 | 161..=172 | 174..=255);
        let mut next = 256;
        let vocabulary: serde_json::Map<String, serde_json::Value> = (0..256)
            .map(|b| {
                let c = if printable(b) {
                    b
                } else {
                    next += 1;
                    next - 1
                };
                (char::from_u32(c).unwrap().to_string(), b.into())
            })
            .collect();
        let added = |id: u32, content: &str| {
            serde_json::json!({"id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
                "normalized": false, "special": true})
        };
        let json = serde_json::json!({
            "version": "1.0", "truncation": null, "padding": null, "normalizer": null, "post_processor": null,
            "added_tokens": [added(256, "<s>"), added(257, "</s>")],
            "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false},
            "decoder": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false},
            "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
                "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
                "vocab": vocabulary, "merges": []}
        });
        json.to_string().parse().unwrap()
    }

    fn info() -> TextInfo {
        TextInfo {
            bos: Some(256),
            eos: vec![257],
            ..TextInfo::default()
        }
    }

    fn words(info: TextInfo) -> Words {
        Words::new(Some(bytes()), info)
    }

    #[test]
    fn characters_of_several_tokens_come_when_they_are_whole() {
        let words = words(info());
        let mut decoder = words.decoder();
        let pieces: Vec<String> = "aé€😀".bytes().map(|b| decoder.push(b.into())).collect();
        assert_eq!(pieces, ["a", "", "é", "", "", "€", "", "", "", "😀"]);
        assert_eq!((decoder.finish().as_str(), decoder.text()), ("", "aé€😀"));
    }

    #[test]
    fn half_a_character_at_the_end_is_replaced_and_specials_are_not_shown() {
        let words = words(info());
        let mut decoder = words.decoder();
        for token in [256, b'a'.into(), 0xe2, 0x82] {
            decoder.push(token);
        }
        assert_eq!(decoder.text(), "a");
        assert_eq!(decoder.finish(), "\u{fffd}");
        assert_eq!(decoder.text(), "a\u{fffd}");
    }

    #[test]
    fn without_a_tokenizer_there_are_numbers() {
        let words = Words::new(None, info());
        let mut decoder = words.decoder();
        let pieces = [5, 60, 7].map(|t| decoder.push(t)).concat();
        assert_eq!((pieces.as_str(), decoder.finish().as_str()), ("5,60,7", ""));
        let error = words
            .encode(Path::new("out"), "a", Form::Plain)
            .unwrap_err();
        assert!(error.to_string().contains("spec-weights"));
    }

    #[test]
    fn prompts_begin_as_the_model_wants() {
        let encode =
            |info: TextInfo, text: &str| words(info).encode(Path::new("out"), text, Form::Plain);
        assert_eq!(encode(info(), "ab</s>").unwrap(), [97, 98, 257]);
        let add_bos = true;
        assert_eq!(encode(TextInfo { add_bos, ..info() }, "").unwrap(), [256]);
        assert!(matches!(encode(info(), ""), Err(WordsError::EmptyPrompt)));
    }

    #[test]
    fn chats_go_through_the_template() {
        let chat_template = Some("{{ bos_token }}U{{ messages[0].content }}{{ eos_token }}".into());
        let words = words(TextInfo {
            chat_template,
            add_bos: true,
            ..info()
        });
        let tokens = words.encode(Path::new("out"), "x", CHAT).unwrap();
        assert_eq!(
            tokens,
            [256, 85, 120, 257],
            "the template's BOS is the only one"
        );
        let error = self::words(info()).encode(Path::new("out"), "x", CHAT);
        assert!(matches!(error, Err(WordsError::NoTemplate)));
    }

    #[test]
    fn what_is_damaged_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Words::open(folder.path());
        assert!(open().unwrap().tokenizer.is_none());
        std::fs::write(folder.path().join("tokenizer.json"), "{").unwrap();
        let error = open().unwrap_err().to_string();
        assert!(error.contains("cannot use the tokenizer"), "{error}");
        std::fs::write(folder.path().join("text.json"), "{\"tokenizer\": null}").unwrap();
        assert!(open().unwrap().tokenizer.is_none());
        std::fs::write(folder.path().join("text.json"), "[").unwrap();
        let error = open().unwrap_err().to_string();
        assert!(error.contains("spec-weights"), "{error}");
    }
}
