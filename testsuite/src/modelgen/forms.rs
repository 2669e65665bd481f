//! Modules of one, two or three models, in the forms a user may hand them over.

use super::abi::Abi;
use super::function::{FunctionText, Support, function_of, module_text};
use super::generate;
use super::round;
use super::style::{Config, Style};

/// One model: its shape and its text.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelSpec {
    /// Shape and seed.
    pub config: Config,
    /// Text.
    pub style: Style,
}

impl ModelSpec {
    /// A model.
    pub fn new(config: Config, style: Style) -> Self {
        ModelSpec { config, style }
    }

    pub(super) fn with_tokens(&self, tokens: usize) -> Self {
        ModelSpec {
            config: self.config.with_tokens(tokens),
            style: self.style.clone(),
        }
    }
}

/// A drafter and a target. Forms set M themselves: 1 for the drafter, `draft_calls + 1` for the target.
#[derive(Clone, Debug, PartialEq)]
pub struct Pair {
    /// Called once per drafted token.
    pub drafter: ModelSpec,
    /// Called once a round.
    pub target: ModelSpec,
    /// Gamma, the tokens drafted a round.
    pub draft_calls: usize,
}

/// Names and attributes of the two functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// `@draft`, `@verify`.
    Telling,
    /// `@f0`, `@f1`.
    Neutral,
    /// `@f0`, `@f1` with `spec.role = "drafter"`, `"target"`.
    Hinted,
    /// Hints the wrong way round: the larger model is called the drafter.
    Swapped,
}

/// The loop of a generation function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoopKind {
    /// `scf.for` over a fixed number of rounds.
    For,
    /// `scf.while` until enough tokens are there.
    While,
}

/// How a module holds its models.
#[derive(Clone, Debug, PartialEq)]
pub enum Form {
    /// One function of one model, with the M of its config.
    Single(ModelSpec),
    /// Two functions: drafter with M = 1, target with M = gamma + 1.
    TwoFunctions(Pair, Naming),
    /// Three functions `@f0`, `@f1`, `@f2` of three models, each with its own M.
    ThreeModels(Box<[ModelSpec; 3]>),
    /// Entry points `@decode` (M = 1) and `@verify` (M = the number) of one model.
    DecodeVerify(ModelSpec, usize),
    /// The target's `@decode` and `@verify`, and the drafter's `@draft`.
    DecodeVerifyDrafter(Pair),
    /// Both models inlined in `@main`: the drafter gamma times on its own argmax, then the target on all tokens.
    Inlined(Pair),
    /// The same with the drafter in an `scf.for` of gamma trips.
    InlinedLoop(Pair),
    /// `@generate` calls `@f0`, one model with M = 1, in an `scf.for` of so many tokens.
    GreedyLoop(ModelSpec, usize),
    /// `@generate` calls both functions in a loop of rounds, accepts the common start, and returns `tokens` tokens or
    /// up to gamma more (`For`: it runs `tokens` rounds).
    GenerationLoop {
        /// The models.
        pair: Pair,
        /// Function names.
        naming: Naming,
        /// Kind of loop.
        kind: LoopKind,
        /// Tokens (`While`) or rounds (`For`).
        tokens: usize,
    },
}

/// A module's text and the signatures of its public functions.
#[derive(Clone, Debug, PartialEq)]
pub struct ModuleText {
    /// MLIR text.
    pub text: String,
    /// Public functions in the order of the text.
    pub functions: Vec<FunctionText>,
}

impl ModuleText {
    /// The signature of `@name`.
    pub fn abi(&self, name: &str) -> Option<&Abi> {
        self.functions
            .iter()
            .find(|f| f.name == name)
            .map(|f| &f.abi)
    }
}

/// Text of only the module; see [`build`] for the signatures too.
pub fn module(form: &Form) -> String {
    build(form).text
}

/// Writes a module.
pub fn build(form: &Form) -> ModuleText {
    let functions = match form {
        Form::Single(model) => vec![plain("main", "m0", "", model)],
        Form::TwoFunctions(pair, naming) => two(pair, *naming),
        Form::ThreeModels(models) => models
            .iter()
            .enumerate()
            .map(|(i, m)| plain(&format!("f{i}"), &format!("m{i}"), "", m))
            .collect(),
        Form::DecodeVerify(model, tokens) => decode_verify(model, *tokens),
        Form::DecodeVerifyDrafter(pair) => {
            let mut functions = decode_verify(&pair.target, pair.draft_calls + 1);
            functions.push(plain("draft", "m1", "", &pair.drafter.with_tokens(1)));
            functions
        }
        Form::Inlined(pair) => vec![round::unrolled(pair)],
        Form::InlinedLoop(pair) => vec![round::looped(pair)],
        Form::GreedyLoop(model, tokens) => {
            let step = plain("f0", "m0", "", &model.with_tokens(1));
            let loop_function = generate::greedy(model, &step, *tokens);
            vec![step, loop_function]
        }
        Form::GenerationLoop {
            pair,
            naming,
            kind,
            tokens,
        } => {
            let mut functions = two(pair, *naming);
            functions.push(generate::generate(pair, &functions, *kind, *tokens));
            functions
        }
    };
    ModuleText {
        text: module_text(&functions),
        functions,
    }
}

fn plain(name: &str, tag: &str, attributes: &str, model: &ModelSpec) -> FunctionText {
    function_of(name, tag, attributes, &model.config, &model.style)
}

fn decode_verify(model: &ModelSpec, tokens: usize) -> Vec<FunctionText> {
    vec![
        plain("decode", "m0", "", &model.with_tokens(1)),
        plain("verify", "m0", "", &model.with_tokens(tokens)),
    ]
}

fn two(pair: &Pair, naming: Naming) -> Vec<FunctionText> {
    let (drafter, target) = (
        pair.drafter.with_tokens(1),
        pair.target.with_tokens(pair.draft_calls + 1),
    );
    let role = |role: &str| format!("{{spec.role = \"{role}\"}}");
    let (names, hints) = match naming {
        Naming::Telling => (["draft", "verify"], [String::new(), String::new()]),
        Naming::Neutral => (["f0", "f1"], [String::new(), String::new()]),
        Naming::Hinted => (["f0", "f1"], [role("drafter"), role("target")]),
        Naming::Swapped => (["f0", "f1"], [role("target"), role("drafter")]),
    };
    vec![
        plain(names[0], "m0", &hints[0], &drafter),
        plain(names[1], "m1", &hints[1], &target),
    ]
}

impl FunctionText {
    pub(super) fn assemble(name: &str, text: String, abi: Abi, support: Support) -> Self {
        FunctionText {
            name: name.to_owned(),
            text,
            abi,
            support,
        }
    }
}
