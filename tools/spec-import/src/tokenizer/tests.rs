//! Tokenizers of files written here: what they make of texts, and back.

use crate::error::ImportError;
use crate::gguf::tests::writer::Writer;
use crate::source::Text;
use tokenizers::Tokenizer;

/// GPT-2's characters for the bytes 0 to 255.
fn alphabet() -> Vec<String> {
    let plain = |b: u32| matches!(b, 33..=126 | 161..=172 | 174..=255);
    let mut next = 256;
    let mut of = |b: u32| {
        let code = if plain(b) {
            b
        } else {
            next += 1;
            next - 1
        };
        char::from_u32(code).unwrap().to_string()
    };
    (0..256).map(&mut of).collect()
}

const MERGES: &[&str] = &[
    "h e", "l l", "he ll", "hell o", "Ġ hello", "1 2", "12 3", "Ġ Ġ", "' s", "Ċ Ċ", "Ġ 1", "D o",
    "Do n", "' T",
];
const SPECIAL: &[&str] = &[
    "<|begin|>",
    "<|im_end|>",
    "<|endoftext|>",
    "<tool>",
    "<|unused|>",
];

/// Byte-level BPE: 256 bytes, then merges, then control tokens, one of the user's, one unused.
fn byte_level(pre: &str) -> Writer {
    let mut tokens = alphabet();
    tokens.extend(MERGES.iter().map(|m| m.replace(' ', "")));
    let plain = tokens.len();
    tokens.extend(SPECIAL.iter().map(|s| (*s).to_owned()));
    let kinds: Vec<i32> = (0..plain).map(|_| 1).chain([3, 3, 3, 4, 5]).collect();
    let mut w = Writer::new();
    w.text("tokenizer.ggml.model", "gpt2");
    w.text("tokenizer.ggml.pre", pre);
    w.texts("tokenizer.ggml.tokens", &tokens);
    w.i32s("tokenizer.ggml.token_type", &kinds);
    w.texts("tokenizer.ggml.merges", MERGES);
    w.u32("tokenizer.ggml.bos_token_id", plain as u32);
    w.u32("tokenizer.ggml.eos_token_id", plain as u32 + 1);
    w
}

/// SentencePiece: the unknown, two control tokens, 256 bytes, pieces with scores.
fn pieces() -> Writer {
    let mut tokens: Vec<String> = ["<unk>", "<s>", "</s>"].map(str::to_owned).to_vec();
    tokens.extend((0..256).map(|b| format!("<0x{b:02X}>")));
    let scored = [
        ("ab", -1.0),
        ("bc", -2.0),
        ("▁a", -3.0),
        ("▁▁", -4.0),
        ("abc", -5.0),
        ("▁abc", -6.0),
        ("▁", -100.0),
        ("a", -101.0),
        ("b", -102.0),
        ("c", -103.0),
        ("x", -104.0),
        ("<tool>", 0.0),
    ];
    tokens.extend(scored.iter().map(|(t, _)| (*t).to_owned()));
    let scores: Vec<f32> = (0..259)
        .map(|_| 0.0)
        .chain(scored.iter().map(|(_, s)| *s))
        .collect();
    let kinds: Vec<i32> = [2, 3, 3]
        .into_iter()
        .chain([6; 256])
        .chain([1; 11])
        .chain([4])
        .collect();
    let mut w = Writer::new();
    w.text("tokenizer.ggml.model", "llama");
    w.texts("tokenizer.ggml.tokens", &tokens);
    w.floats("tokenizer.ggml.scores", &scores);
    w.i32s("tokenizer.ggml.token_type", &kinds);
    w
}

fn text(w: &Writer) -> Result<Text, ImportError> {
    w.open().unwrap().text()
}

/// Loaded from the text that would be the file.
fn tokenizer(w: &Writer) -> Tokenizer {
    text(w).unwrap().tokenizer_json.unwrap().parse().unwrap()
}

fn tokens(t: &Tokenizer, text: &str) -> Vec<String> {
    t.encode(text, false).unwrap().get_tokens().to_vec()
}

fn refused(w: &Writer, part: &str) {
    let error = text(w).expect_err("it is taken").to_string();
    assert!(error.contains(part), "{error:?} does not say {part:?}");
}

const TEXTS: &[&str] = &[
    "hello hello  hello",
    "  x\n\n\ty  ",
    "naïve Größe, ça va?",
    "日本語 한국어 Ελληνικά",
    "👩‍🚀🇩🇪",
    "fn f(x: u8) -> u8 { x + 123_456 }",
    "<|begin|>hello<tool><|im_end|>",
    "\u{0}\u{7f}\u{a0}",
    "",
];

#[test]
fn byte_level_texts_come_back() {
    let all = [
        "llama-bpe",
        "llama3",
        "falcon3",
        "pixtral",
        "smaug-bpe",
        "qwen2",
        "deepseek-r1-qwen",
        "tekken",
        "seed-coder",
        "smollm",
        "starcoder",
        "refact",
        "command-r",
        "gpt-2",
        "deepseek-coder",
        "default",
        "",
    ];
    for pre in all {
        let t = tokenizer(&byte_level(pre));
        for text in TEXTS {
            let ids = t.encode(*text, false).unwrap();
            assert_eq!(t.decode(ids.get_ids(), false).unwrap(), *text, "{pre}");
        }
    }
}

#[test]
fn texts_are_split_as_the_model_was_taught() {
    let made = |pre: &str, text: &str| tokens(&tokenizer(&byte_level(pre)), text).join("|");
    assert_eq!(made("llama-bpe", "1231234"), "123|123|4");
    assert_eq!(made("qwen2", "123"), "1|2|3");
    assert_eq!(made("smollm", "123"), "1|2|3");
    assert_eq!(made("gpt-2", "123"), "123");
    // digits with the space before them
    assert_eq!(made("gpt-2", "a 1"), "a|Ġ1");
    assert_eq!(made("smollm", "a 1"), "a|Ġ|1");
    assert_eq!(made("llama-bpe", "a 1"), "a|Ġ|1");
    // a space is kept for the word behind it
    for pre in ["llama-bpe", "qwen2", "smollm", "gpt-2", "default"] {
        assert_eq!(made(pre, "hello   hello"), "hello|ĠĠ|Ġhello", "{pre}");
    }
    // GPT-2 knows contractions in small letters only
    assert_eq!(made("gpt-2", "Don'T"), "Don|'|T");
    assert_eq!(made("qwen2", "Don'T"), "Don|'T");
    // canonical composition: one character of two bytes
    assert_eq!(made("qwen2", "e\u{301}"), "Ã|©");
    assert_eq!(made("llama-bpe", "e\u{301}"), "e|Ì|ģ");
    // punctuation takes line ends with it
    assert_eq!(made("qwen2", ".\n\n"), ".|ĊĊ");
    assert_eq!(made("deepseek-coder", "x\n\n"), "x|Ċ|Ċ");
}

#[test]
fn words_that_are_tokens_need_no_merges() {
    let made = |pre: &str| {
        let mut w = byte_level(pre);
        w.texts("tokenizer.ggml.merges", &MERGES[..3]);
        tokens(&tokenizer(&w), "hello").join("|")
    };
    assert_eq!(made("llama-bpe"), "hello");
    assert_eq!(made("smaug-bpe"), "hell|o");
}

#[test]
fn special_tokens_are_found_in_texts() {
    let t = tokenizer(&byte_level("smollm"));
    let made = t.encode("<|im_end|>hello<tool><|unused|>", false).unwrap();
    let first = 256 + MERGES.len() as u32;
    assert_eq!(made.get_ids()[..3], [first + 1, 259, first + 3]);
    assert_eq!(
        made.get_tokens()[3..5],
        ["<", "|"],
        "an unused token is found"
    );
    // those of the user are text
    assert_eq!(
        t.decode(made.get_ids(), true).unwrap(),
        "hello<tool><|unused|>"
    );
}

#[test]
fn tokens_that_begin_and_end_are_named() {
    let first = 256 + MERGES.len() as u32;
    let mut w = byte_level("smollm");
    let read = text(&w).unwrap();
    assert_eq!(
        (read.bos, read.add_bos, read.chat_template),
        (Some(first), false, None)
    );
    // the file's own, then those with a known name
    assert_eq!(read.eos, [first + 1, first + 2]);
    w.u32("tokenizer.ggml.eot_token_id", 7);
    w.u32("tokenizer.ggml.eom_token_id", u32::MAX);
    w.u32("tokenizer.ggml.eos_token_id", first + 2);
    w.flag("tokenizer.ggml.add_bos_token", true);
    w.text("tokenizer.chat_template", "{{ x }}");
    let read = text(&w).unwrap();
    assert_eq!(
        (read.eos, read.add_bos),
        (vec![first + 2, 7, first + 1], true)
    );
    assert_eq!(read.chat_template.as_deref(), Some("{{ x }}"));
    let t: Tokenizer = read.tokenizer_json.unwrap().parse().unwrap();
    assert_eq!(t.encode("hello", true).unwrap().get_ids(), [first, 259]);
    assert_eq!(t.encode("hello", false).unwrap().get_ids(), [259]);
    w.flag("tokenizer.ggml.add_eos_token", true);
    assert_eq!(
        tokenizer(&w).encode("hello", true).unwrap().get_ids(),
        [first, 259, first + 2]
    );
    // Llama 3's begins unless the file says otherwise
    assert!(text(&byte_level("llama-bpe")).unwrap().add_bos);
    let mut w = byte_level("llama-bpe");
    w.flag("tokenizer.ggml.add_bos_token", false);
    assert!(!text(&w).unwrap().add_bos);
    // a token that only looks like an end is text
    let mut w = byte_level("smollm");
    w.i32s("tokenizer.ggml.token_type", &vec![1; first as usize + 5]);
    assert_eq!(text(&w).unwrap().eos, [first + 1]);
}

#[test]
fn pieces_are_merged_by_their_scores() {
    let t = tokenizer(&pieces());
    let made = |text: &str| tokens(&t, text).join(" ");
    assert_eq!(made("abc"), "▁abc");
    assert_eq!(made("xabc"), "▁ x abc");
    assert_eq!(made("xbcab"), "▁ x bc ab");
    // "ab" scores higher than "bc", and "▁a" lower than both
    assert_eq!(made("abx"), "▁ ab x");
    assert_eq!(made("a  a"), "▁a ▁ ▁a");
    assert_eq!(made("a   x"), "▁a ▁▁ ▁ x");
    assert_eq!(made("aé"), "▁a <0xC3> <0xA9>");
    assert_eq!(made("a<tool>a</s>"), "▁a <tool> ▁a </s>");
    assert_eq!(made("\n"), "▁ <0x0A>");
    for text in TEXTS.iter().filter(|t| !t.contains('<')) {
        let ids = t.encode(*text, false).unwrap();
        assert_eq!(t.decode(ids.get_ids(), false).unwrap(), *text);
    }
}

#[test]
fn pieces_have_usual_ends_and_prefixes() {
    let mut w = pieces();
    let read = text(&w).unwrap();
    assert_eq!((read.bos, read.add_bos, read.eos), (Some(1), true, vec![2]));
    assert_eq!(
        tokenizer(&w).encode("abc", true).unwrap().get_ids(),
        [1, 264]
    );
    w.flag("tokenizer.ggml.add_space_prefix", false);
    let t = tokenizer(&w);
    assert_eq!(tokens(&t, "abc abc"), ["abc", "▁abc"]);
    assert_eq!(
        t.decode(t.encode(" abc", false).unwrap().get_ids(), false)
            .unwrap(),
        " abc"
    );
}

#[test]
fn what_contradicts_itself_is_named() {
    let mut w = byte_level("new-one");
    refused(
        &w,
        "\"tokenizer.ggml.pre\" is \"new-one\", which is not known; known are llama-bpe",
    );
    w.text("tokenizer.ggml.model", "t5");
    refused(&w, "a tokenizer of the kind \"t5\"");
    w.text("tokenizer.ggml.model", "none");
    assert_eq!(text(&w).unwrap(), Text::default());
    assert_eq!(text(&Writer::new()).unwrap(), Text::default());
    let mut w = byte_level("gpt-2");
    w.texts("tokenizer.ggml.merges", &["h e", "he"]);
    refused(&w, "tokenizer.ggml.merges[1] is \"he\"");
    w.texts("tokenizer.ggml.merges", &["h q"]);
    refused(&w, "is \"h q\", but \"hq\" is no token");
    w.texts("tokenizer.ggml.merges", &["h qq"]);
    refused(&w, "\"qq\" is no token");
    // longer than any token
    w.texts("tokenizer.ggml.merges", &["<|endoftext|> <|endoftext|>"]);
    refused(&w, "\"<|endoftext|><|endoftext|>\" is no token");
    w.remove("tokenizer.ggml.merges");
    refused(&w, "\"tokenizer.ggml.merges\" is missing");
    w.i32s("tokenizer.ggml.token_type", &[1]);
    refused(&w, "has 1 values for");
    w.texts("tokenizer.ggml.tokens", &["a", "b", "a"]);
    refused(&w, "tokens 0 and 2 are both \"a\"");
    w.remove("tokenizer.ggml.tokens");
    refused(&w, "\"tokenizer.ggml.tokens\" is missing");
    let mut w = pieces();
    w.floats("tokenizer.ggml.scores", &[0.0]);
    refused(&w, "has 1 values for");
}
