//! Mutations. Some make text that no parser takes; most keep it well-formed, so that the passes see it.

use crate::rng::Rng;
use crate::structure::*;

/// One to three mutations of one of `modules`.
pub fn module(rng: &mut Rng, modules: &[String]) -> Vec<u8> {
    let mut text = rng.pick(modules).clone();
    for _ in 0..=rng.below(2) {
        let other = rng.pick(modules);
        // a line at a random place seldom fits: mostly what keeps the text well-formed
        let kind = if rng.chance(0.9) {
            3 + rng.below(13)
        } else {
            rng.below(3)
        };
        text = match kind {
            0 => delete_line(rng, &text),
            1 => duplicate_line(rng, &text),
            2 => swap_lines(rng, &text),
            3 => number(rng, &text),
            4 => other_type(rng, &text),
            5 => splice(rng, &text, other),
            6 | 7 => dimension(rng, &text),
            8 => dynamic(rng, &text),
            9 => drop_argument(rng, &text),
            10 => drop_result(rng, &text),
            11 => rename_symbol(rng, &text),
            12 => foreign_op(rng, &text),
            13 => attribute(rng, &text),
            14 => other_operand(rng, &text),
            _ => other_op(rng, &text),
        };
    }
    let mut bytes = text.into_bytes();
    match rng.below(20) {
        0 => bytes.truncate(rng.below(bytes.len() + 1)),
        1 if !bytes.is_empty() => {
            let at = rng.below(bytes.len());
            bytes[at] ^= 1 << rng.below(8);
        }
        _ => (),
    }
    bytes
}

/// A mutation of a data file (TOML, CSV).
pub fn data(rng: &mut Rng, text: &str) -> String {
    match rng.below(8) {
        0 => delete_line(rng, text),
        1 => duplicate_line(rng, text),
        2 => swap_lines(rng, text),
        3 => char_prefix(text, rng.below(text.len() + 1)).to_owned(),
        4 => replace_one(rng, text, &["=", ",", "\"", "[", "]", "{", "}", ";"]),
        _ => number(rng, text),
    }
}

/// The first `n` bytes, up to a character's end.
fn char_prefix(text: &str, n: usize) -> &str {
    let end = (0..=n).rev().find(|i| text.is_char_boundary(*i));
    &text[..end.unwrap_or(0)]
}

pub fn lines(text: &str) -> Vec<&str> {
    text.lines().collect()
}

fn delete_line(rng: &mut Rng, text: &str) -> String {
    let mut l = lines(text);
    if !l.is_empty() {
        l.remove(rng.below(l.len()));
    }
    l.join("\n") + "\n"
}

fn duplicate_line(rng: &mut Rng, text: &str) -> String {
    let mut l = lines(text);
    if !l.is_empty() {
        let (from, to) = (rng.below(l.len()), rng.below(l.len()));
        l.insert(to, l[from]);
    }
    l.join("\n") + "\n"
}

fn swap_lines(rng: &mut Rng, text: &str) -> String {
    let mut l = lines(text);
    if !l.is_empty() {
        let (a, b) = (rng.below(l.len()), rng.below(l.len()));
        l.swap(a, b);
    }
    l.join("\n") + "\n"
}

/// A line of another module.
fn splice(rng: &mut Rng, text: &str, other: &str) -> String {
    let (mut l, o) = (lines(text), lines(other));
    if !l.is_empty() && !o.is_empty() {
        l.insert(rng.below(l.len()), o[rng.below(o.len())]);
    }
    l.join("\n") + "\n"
}

/// Byte ranges of the runs of characters for which `is` holds.
pub fn runs(text: &str, is: fn(char) -> bool) -> Vec<std::ops::Range<usize>> {
    let (mut all, mut start) = (vec![], None);
    for (i, c) in text.char_indices().chain([(text.len(), '\0')]) {
        match (is(c), start) {
            (true, None) => start = Some(i),
            (false, Some(s)) => {
                all.push(s..i);
                start = None;
            }
            _ => (),
        }
    }
    all
}

pub fn replaced(text: &str, at: std::ops::Range<usize>, with: &str) -> String {
    [&text[..at.start], with, &text[at.end..]].concat()
}

/// One of the numbers, for one that tends to hurt.
fn number(rng: &mut Rng, text: &str) -> String {
    const HURT: [&str; 14] = [
        "0",
        "-1",
        "1",
        "2",
        "3",
        "4294967296",
        "9223372036854775807",
        "-9223372036854775808",
        "99999999999999999999",
        "1e308",
        "nan",
        "0.5",
        "1e-320",
        "inf",
    ];
    let all = runs(text, |c| c.is_ascii_digit());
    match all.is_empty() {
        true => text.to_owned(),
        false => {
            let at = rng.pick(&all).clone();
            let with = *rng.pick(&HURT);
            replaced(text, at, with)
        }
    }
}

/// Replaces one occurrence of one of `words` by another of them.
pub fn replace_one(rng: &mut Rng, text: &str, words: &[&str]) -> String {
    let (from, to) = (*rng.pick(words), *rng.pick(words));
    let all: Vec<usize> = text.match_indices(from).map(|(i, _)| i).collect();
    match all.is_empty() {
        true => text.to_owned(),
        false => {
            let at = *rng.pick(&all);
            replaced(text, at..at + from.len(), to)
        }
    }
}
