//! From the command line to the folder.

use crate::args::{Cli, SelfDraft};
use crate::checkpoint::{Checkpoint, Files};
use crate::description::{TOKENIZER, describe};
use crate::emit::{Model, Role, module};
use crate::error::ImportError;
use crate::folder::Output;
use crate::gguf::Gguf;
use crate::pair::{agree, vocabulary};
use crate::report::{File, Report};
use indicatif::{ProgressBar, ProgressStyle};

/// Caches get at most this many rows unless more are asked for.
const DEFAULT_CONTEXT: usize = 1024;

/// Writes the folder: the summary. `warn` gets what the user should know.
///
/// # Errors
/// Those of the sources and of the options; then nothing is left behind.
pub fn import(cli: &Cli, warn: &mut dyn FnMut(&str)) -> Result<String, ImportError> {
    let target = Checkpoint::open(&cli.target)?;
    let drafter = cli.drafter.as_deref().map(Checkpoint::open).transpose()?;
    let mut warnings = target.warnings.clone();
    warnings.extend(drafter.iter().flat_map(|d| d.warnings.clone()));
    let mut logits = target.config.vocabulary;
    if let Some(drafter) = &drafter {
        let agreement = agree(&target, drafter)?;
        logits = agreement.logits;
        warnings.extend(agreement.warnings);
    } else if let Some(last) = vocabulary(&target)?.and_then(|v| v.keys().next_back().copied())
        && last as usize >= logits
    {
        warnings.push(format!(
            "the tokenizer has a token {last}, the embedding {logits} rows: a text with that token cannot be run"
        ));
    }
    warnings.iter().for_each(|w| warn(w));
    let models = models(cli, &target, drafter.as_ref(), logits)?;

    let sources = [Some(cli.target.as_path()), cli.drafter.as_deref()];
    let sources: Vec<_> = sources.into_iter().flatten().collect();
    let output = Output::begin(&cli.output, &sources)?;
    let target_files = weights(cli, &output, &target, "target.safetensors")?;
    let drafter_files = match &drafter {
        Some(d) => weights(cli, &output, d, "drafter.safetensors")?,
        None => target_files.clone(),
    };
    let described: Vec<_> = (models.iter())
        .map(|m| match (m.role, &drafter) {
            (Role::Drafter, Some(d)) => (m, d, drafter_files.clone()),
            _ => (m, &target, target_files.clone()),
        })
        .collect();
    let quantize = match &cli.self_draft {
        Some(SelfDraft::Format(format)) => format!("drafter={format}"),
        _ => String::new(),
    };
    let description = describe(&described, quantize, &target.text);
    output.write("model.mlir", &module(&models)?)?;
    if let Some(text) = &target.text.tokenizer_json {
        output.write(TOKENIZER, text)?;
    }
    let json = serde_json::to_string_pretty(&description);
    let json = json.map_err(|_| ImportError::Internal("import.json cannot be written"))?;
    output.write("import.json", &(json + "\n"))?;
    let files = output.finish()?.into_iter();
    let report = Report {
        output: &cli.output,
        functions: functions(&models),
        files: files.map(|(name, bytes)| File { name, bytes }).collect(),
        warnings: &warnings,
        import: &description,
    };
    Ok(match (cli.quiet, cli.json) {
        (true, _) => String::new(),
        (_, true) => report.json(),
        _ => report.table(),
    })
}

fn functions(models: &[Model]) -> Vec<String> {
    let of = |m: &Model| m.widths.iter().map(|w| m.role.function(*w)).collect();
    models
        .iter()
        .flat_map(|m| -> Vec<String> { of(m) })
        .collect()
}

/// The models of the module: the target, then the drafter if there is one.
fn models(
    cli: &Cli,
    target: &Checkpoint,
    drafter: Option<&Checkpoint>,
    logits: usize,
) -> Result<Vec<Model>, ImportError> {
    let context = context(cli, target, drafter)?;
    let mut models = vec![Model {
        role: Role::Target,
        config: target.config.clone(),
        widths: cli.target_tokens.0.clone(),
        context,
        logits,
        prefix: "",
    }];
    let mut config = drafter.unwrap_or(target).config.clone();
    if let Some(SelfDraft::Layers(layers)) = cli.self_draft {
        if layers >= config.layers {
            let all = config.layers;
            return Err(ImportError::Option(format!(
                "--self-draft=layers:{layers}: the target has {all} layers; give a number from 1 to {}",
                all.saturating_sub(1)
            )));
        }
        config.layers = layers;
    }
    if drafter.is_some() || cli.self_draft.is_some() {
        models.push(Model {
            role: Role::Drafter,
            config,
            widths: cli.drafter_tokens.0.clone(),
            context,
            logits,
            prefix: if drafter.is_some() { "drafter:" } else { "" },
        });
    }
    for model in &models {
        let widest = model.widths.last().copied().unwrap_or(1);
        if widest > context {
            let role = model.role.name();
            return Err(ImportError::Option(format!(
                "--{role}-tokens: {widest} tokens a call do not fit in a cache of {context} rows; give fewer, or a larger --context"
            )));
        }
    }
    Ok(models)
}

/// Rows of the caches of both models.
fn context(
    cli: &Cli,
    target: &Checkpoint,
    drafter: Option<&Checkpoint>,
) -> Result<usize, ImportError> {
    let all = [("target", Some(target)), ("drafter", drafter)];
    let all = all
        .into_iter()
        .filter_map(|(role, c)| Some((role, c?.config.max_positions)));
    let (role, most) = all.min_by_key(|(_, n)| *n).unwrap_or(("target", 1));
    match cli.context {
        None => Ok(most.min(DEFAULT_CONTEXT)),
        Some(n) if (1..=most).contains(&n) => Ok(n),
        Some(n) => Err(ImportError::Option(format!(
            "--context {n}: the {role} was made for {most} positions; give a number from 1 to {most}"
        ))),
    }
}

/// The files with a checkpoint's weights, as `import.json` names them; those of GGUF are written.
fn weights(
    cli: &Cli,
    output: &Output,
    source: &Checkpoint,
    name: &str,
) -> Result<Vec<String>, ImportError> {
    match &source.files {
        Files::Gguf(gguf) => {
            convert(cli, gguf, output, name)?;
            Ok(vec![name.to_owned()])
        }
        Files::Safetensors(files) => {
            let text = |f: &std::path::PathBuf| {
                let problem = "its name is not UTF-8, which import.json needs: rename it";
                let text = f.to_str().map(str::to_owned);
                text.ok_or_else(|| ImportError::unsupported(f, problem))
            };
            files.iter().map(text).collect()
        }
    }
}

fn convert(cli: &Cli, gguf: &Gguf, output: &Output, name: &str) -> Result<(), ImportError> {
    let bar = match cli.quiet {
        true => ProgressBar::hidden(),
        false => ProgressBar::new(0),
    };
    let style = ProgressStyle::with_template("{msg} {wide_bar} {bytes}/{total_bytes} {eta}");
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar.set_message(name.to_owned());
    let written = gguf.write_safetensors(&output.path(name), &mut |done, all| {
        bar.set_length(all);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    written
}
